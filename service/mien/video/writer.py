"""Frames and the sound of the clip they come from -> an MP4 that browsers play."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av import VideoFrame
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from mien.domain import Frame, U8Array
from mien.errors import InvalidOption
from mien.video.audio import UNREADABLE, AudioRemuxer, readable_track
from mien.video.clip import Clip
from mien.video.container import open_container

# A tick that frame rates and milliseconds divide well enough: times are kept to 0.01 ms.
_TICK = Fraction(1, 90_000)
_QUALITY = "23"  # x264's default
_PRESET = "veryfast"
_END_SLACK = 0.5  # s; containers' ends are off by that much


def remux(
    clip: Clip, frames: Iterable[Frame], target: Path, duration: float, warn: Callable[[str], None]
) -> Iterator[float]:
    """Write ``frames`` of ``clip`` (possibly drawn on) and its sound to ``target``; yield the time of each frame.

    Times in ``target`` count from the ``start`` of the clip's sampling. ``duration`` is the clip's, in seconds.
    The file is complete once the iterator is exhausted; then ``warn`` is called with a sentence if sound was lost.

    Raises:
        InvalidOption: there are no frames.
    """
    start = clip.sampling.start
    with ExitStack() as stack:
        sound: InputContainer | None = None
        if clip.info.has_audio:
            sound = stack.enter_context(open_container(clip.path, clip.limits.max_pixels))
        writer: ClipWriter | None = None
        for frame in frames:
            if writer is None:
                size = (frame.pixels.shape[1], frame.pixels.shape[0])
                writer = stack.enter_context(ClipWriter(target, size, clip.info.rate))
                if sound is not None:
                    end = _sound_end(clip, sound, duration) - start
                    begin = 0.0 if start + clip.info.origin > 0 else None
                    writer.add_sound(sound, Fraction(clip.info.origin) + Fraction(start), begin, end)
            writer.write(frame.pixels, frame.time - start)
            yield frame.time
        if writer is None:
            raise InvalidOption("start", "No frame begins in the requested part; choose another start or end.")
    if writer.warning is not None:
        warn(writer.warning)


class ClipWriter:
    """Writes H.264 (yuv420p, index at the front) with every frame at its own time. A context manager.

    ``size`` is (w, h) of the frames; an odd side loses its last line, which the format cannot hold. ``rate`` in frames
    per second only guides the encoder.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: float | None) -> None:
        self._size = (max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2))
        self._file: OutputContainer = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
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


def _sound_end(clip: Clip, sound: InputContainer, duration: float) -> float:
    """When the sound ends, in seconds of the clip: after the last frame if the file declares so, else with it.

    Not by the sound's own times: damage dates some of it years ahead.
    """
    if clip.sampling.end is not None:
        return clip.sampling.end
    declared = 0.0
    if sound.duration is not None:
        declared = ((sound.start_time or 0) + sound.duration) / av.time_base - clip.info.origin
    return max(duration, declared) + _END_SLACK
