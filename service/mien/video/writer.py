"""Frames and the sound of the clip they come from -> an MP4 that browsers play."""

from contextlib import ExitStack
from fractions import Fraction
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av import VideoFrame
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from mien.domain import U8Array
from mien.video.audio import UNREADABLE, AudioRemuxer, readable_track
from mien.video.container import open_container
from mien.video.model import ClipInfo, Sampling
from mien.video.source import ClipSource, ClipTarget, OpenedTarget

# A tick that frame rates and milliseconds divide well enough: times are kept to 0.01 ms.
_TICK = Fraction(1, 90_000)
_QUALITY = "23"  # x264's default
_PRESET = "veryfast"
_END_SLACK = 0.5  # s; containers' ends are off by that much


class Remuxer:
    """Writes frames of a clip (possibly drawn on) and its sound to ``target``. A context manager: the file is complete
    after it.

    ``source`` is the clip, ``info`` and ``sampling`` are how it was read, ``duration`` is its length in seconds. Times
    in the target count from the ``start`` of the sampling.
    """

    def __init__(
        self,
        source: ClipSource,
        info: ClipInfo,
        sampling: Sampling,
        target: ClipTarget,
        *,
        duration: float,
        max_pixels: int,
    ) -> None:
        self._info = info
        self._sampling = sampling
        self._target = target
        self._duration = duration
        self._writer: ClipWriter | None = None
        self._resources = ExitStack()
        self._sound: InputContainer | None = None
        if info.has_audio:
            self._sound = self._resources.enter_context(open_container(source, max_pixels))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.__exit__(kind, error, trace)

    @property
    def warning(self) -> str | None:
        """A sentence about sound that was lost; complete after the file is."""
        return None if self._writer is None else self._writer.warning

    def write(self, pixels: U8Array, time: float) -> None:
        """One frame, ``uint8 [h, w, 3]`` BGR, of ``time`` seconds of the clip. The first one fixes the size."""
        start = self._sampling.start
        if self._writer is None:
            writer = ClipWriter(self._target, (pixels.shape[1], pixels.shape[0]), self._info.rate)
            self._writer = self._resources.enter_context(writer)
            if self._sound is not None:
                begin = 0.0 if start + self._info.origin > 0 else None
                origin = Fraction(self._info.origin) + Fraction(start)
                writer.add_sound(self._sound, origin, begin, self._sound_end(self._sound) - start)
        self._writer.write(pixels, time - start)

    def _sound_end(self, sound: InputContainer) -> float:
        """When the sound ends, in seconds of the clip: after the last frame if the file declares so, else with it.

        Not by the sound's own times: damage dates some of it years ahead.
        """
        if self._sampling.end is not None:
            return self._sampling.end
        declared = 0.0
        if sound.duration is not None:
            declared = ((sound.start_time or 0) + sound.duration) / av.time_base - self._info.origin
        return max(self._duration, declared) + _END_SLACK


class ClipWriter:
    """Writes H.264 (yuv420p, index at the front) with every frame at its own time. A context manager.

    ``size`` is (w, h) of the frames; an odd side loses its last line, which the format cannot hold. ``rate`` in frames
    per second only guides the encoder.
    """

    def __init__(self, target: ClipTarget, size: tuple[int, int], rate: float | None) -> None:
        self._size = (max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2))
        self._file = _open_target(target)
        self._video: VideoStream = self._file.add_stream(
            "libx264",
            rate=Fraction(rate or 25).limit_denominator(1001),
            options={"crf": _QUALITY, "preset": _PRESET},
        )
        self._video.width, self._video.height = self._size
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = _TICK
        self._audio: AudioRemuxer | None = None
        self._lacks_audio = False
        self._last: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._file.mux(self._video.encode(None))
                if self._audio is not None:
                    self._audio.write_until(float("inf"))
        finally:
            self._file.close()

    @property
    def warning(self) -> str | None:
        """A sentence about sound that could not be kept; complete once the file is closed."""
        if self._audio is not None:
            return self._audio.damage
        return UNREADABLE if self._lacks_audio else None

    def add_sound(self, source: InputContainer, origin: Fraction, begin: float | None, end: float) -> None:
        """Write the first readable sound track of ``source`` as well, as ``AudioRemuxer`` does.

        To be called before the first frame.
        """
        track = readable_track(source)
        if track is None:
            self._lacks_audio = True
        else:
            self._audio = AudioRemuxer(source, track, self._file, origin=origin, begin=begin, end=end)

    def write(self, pixels: U8Array, time: float) -> None:
        """One frame, ``uint8 [h, w, 3]`` BGR, shown from ``time`` (seconds) on.

        A frame that is not a tick later than the last is dropped: the format cannot show it.
        """
        ticks = round(time / _TICK)
        if self._last is not None and ticks <= self._last:
            return
        self._last = ticks
        width, height = self._size
        # Frames may change their size mid-stream. A single odd line is what the format cannot hold.
        if not (0 <= pixels.shape[0] - height <= 1 and 0 <= pixels.shape[1] - width <= 1):
            pixels = cv2.resize(pixels, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), "bgr24")
        frame.pts, frame.time_base = ticks, _TICK
        self._file.mux(self._video.encode(frame))
        if self._audio is not None:
            self._audio.write_until(time)


def _open_target(target: ClipTarget) -> OutputContainer:
    options = {"movflags": "+faststart"}
    if isinstance(target, OpenedTarget):
        return av.open(target.file(), "w", format="mp4", options=options, io_open=target.reopen)
    return av.open(str(target), "w", format="mp4", options=options)
