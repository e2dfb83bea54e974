"""Pictures and sound into an MP4 that browsers play."""

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

from mien.domain import U8Array
from mien.video.audio import UNREADABLE, Sound, SoundTime, Window, as_stamped, readable_track

# A tick that frame rates and milliseconds all divide well enough: times keep to 0.01 ms.
_TICK = Fraction(1, 90_000)
_QUALITY = "23"  # x264's own middle
_PRESET = "veryfast"


class ClipWriter:
    """Writes H.264 (yuv420p, index at the front) with every frame at its own time. A context manager.

    ``size`` is (w, h) of the frames; an odd side loses its last line, for the format cannot hold it. ``rate`` in
    frames a second guides the encoder only. ``sound`` is an open container whose first readable sound track goes along,
    in the part of it that ``window`` says, each piece at what ``sound_time`` makes of its stamp and length in seconds.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: float | None,
        sound: InputContainer | None,
        window: Window,
        *,
        sound_time: SoundTime = as_stamped,
    ) -> None:
        self._size = (max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2))
        self._file: OutputContainer = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._pictures: VideoStream = self._file.add_stream(
            "libx264",
            rate=Fraction(rate or 25).limit_denominator(1001),
            options={"crf": _QUALITY, "preset": _PRESET},
        )
        self._pictures.width, self._pictures.height = self._size
        self._pictures.pix_fmt = "yuv420p"
        self._pictures.codec_context.time_base = _TICK
        track = None if sound is None else readable_track(sound)
        self._sound = None if sound is None or track is None else Sound(sound, track, self._file, window, sound_time)
        self._misses_sound = sound is not None and track is None
        self._shift = window.shift
        self._last: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._file.mux(self._pictures.encode(None))
                if self._sound is not None:
                    self._sound.write_until(float("inf"))
        finally:
            self._file.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about sound that could not be kept; complete once the file is."""
        if self._sound is not None:
            return self._sound.warnings
        return (UNREADABLE,) if self._misses_sound else ()

    def write(self, pixels: U8Array, time: float) -> None:
        """One picture, ``uint8 [h, w, 3]`` BGR, shown from ``time`` (seconds of the source's clock) on.

        One that is not a tick later than the last is left out: it would be seen for no time, and the format has none.
        """
        ticks = round((time + self._shift) / _TICK)
        if self._last is not None and ticks <= self._last:
            return
        self._last = ticks
        width, height = self._size
        # Pictures may change their size on the way. An odd line more is what the format could not hold.
        if not (0 <= pixels.shape[0] - height <= 1 and 0 <= pixels.shape[1] - width <= 1):
            pixels = cv2.resize(pixels, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), "bgr24")
        frame.pts, frame.time_base = ticks, _TICK
        self._file.mux(self._pictures.encode(frame))
        if self._sound is not None:
            self._sound.write_until(time + self._shift)
