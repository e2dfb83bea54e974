"""Which frames of a clip are read, its limits, and what its container declares."""

from dataclasses import dataclass
from fractions import Fraction

from mien.errors import InvalidOption, TooLarge

# Half a millisecond: containers that count in milliseconds (Matroska, WebM) round every time, and a frame due at a
# sampling instant must not miss it for that.
TIME_SLACK = Fraction(1, 2000)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames of a clip are read.

    ``fps`` is the sampling rate in frames per second of presentation time; ``None`` takes every frame. The instants
    ``k / fps`` divide time into equal cells that do not depend on ``start``, and the first frame of each cell is
    taken, so a clip read in parts that begin on such instants gives the same frames as one read at once.
    ``start <= time < end`` in seconds; ``end`` of ``None`` is the end of the clip.
    """

    fps: float | None = 5.0
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise InvalidOption("fps", "fps must be above 0 and at most 1000, or 'native' for every frame.")
        if not 0 <= self.start < float("inf"):
            raise InvalidOption("start", "start must be a time in seconds, 0 or later.")
        if self.end is not None and not self.end > self.start:
            raise InvalidOption("end", "end must be a time in seconds after start.")


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """Bounds on one clip: seconds read, pixels per frame (8K is 35 million), frames decoded, and rows of its answer:
    one for each face of each sampled frame, and one for a frame without a face.

    ``pixel_rate`` bounds all frames together, in pixels per second that may be read: 4K at 60 frames per second. GIF is
    slow to decode and made for small frames: ``gif_pixel_rate`` is Full HD at 30.
    """

    max_seconds: float = 4 * 3600.0
    max_pixels: int = 36_000_000
    max_frames: int = 2_000_000
    max_rows: int = 2_000_000
    pixel_rate: int = 3840 * 2160 * 60
    gif_pixel_rate: int = 1920 * 1080 * 30

    def check_seconds(self, seconds: float) -> None:
        """Raises ``TooLarge`` if more of the clip is to be read than allowed."""
        if seconds > self.max_seconds:
            message = f"The clip has over {self.max_seconds:g} s to analyse; choose a part of it with start and end."
            raise TooLarge("max_seconds", self.max_seconds, message)

    def check_pixels(self, width: int, height: int) -> None:
        """Raises ``TooLarge`` if a frame is larger than allowed."""
        if width * height > self.max_pixels:
            message = f"The clip's frames are {width} x {height}; send at most {self.max_pixels} pixels per frame."
            raise TooLarge("max_pixels", self.max_pixels, message)

    def check_frames(self, count: int) -> None:
        """Raises ``TooLarge`` if more frames were decoded than allowed."""
        if count > self.max_frames:
            message = f"The clip has over {self.max_frames} frames to decode; choose a part of it with start and end."
            raise TooLarge("max_frames", self.max_frames, message)

    def check_rows(self, count: int) -> None:
        """Raises ``TooLarge`` if the answer has more rows than allowed."""
        if count > self.max_rows:
            message = (
                f"The answer would have over {self.max_rows:,} rows, one for each face of each sampled frame; choose a "
                "lower fps, fewer faces with max_faces, or a part of the clip with start and end."
            )
            raise TooLarge("max_rows", self.max_rows, message)

    def check_decoded(self, pixels: int, decoder: str) -> None:
        """Raises ``TooLarge`` if ``decoder`` (FFmpeg's name) has decoded more pixels of one clip than allowed."""
        bound = self.max_seconds * (self.gif_pixel_rate if decoder == "gif" else self.pixel_rate)
        if pixels > bound:
            message = f"The clip's frames have over {bound:.2g} pixels in total; send smaller frames, or fewer of them."
            raise TooLarge("max_decoded_pixels", bound, message)


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What the container and the first frame declare.

    ``width`` and ``height`` are those of the upright picture with square pixels: display rotation and sample aspect
    ratio applied. ``rotation`` is the clockwise turn in degrees (0, 90, 180, 270) that makes the coded picture
    upright, and ``mirrored`` whether it is flipped as well. ``duration`` is the presentation time at which the
    picture track ends according to the container, which may be wrong; ``None`` if unknown. ``begin`` is the
    time of the first frame that is decoded: that of the clip, or the key frame before ``start``. ``rate`` is the
    average frame rate, ``origin`` what was subtracted from the time stamps in the file (see ``Demuxer.origin``).
    """

    width: int
    height: int
    rotation: int
    mirrored: bool
    codec: str
    container: str
    begin: float
    duration: float | None
    rate: float | None
    has_audio: bool
    interlaced: bool
    origin: float


class Sampler:
    """Decides for each frame, in presentation order, whether it is the first of its sampling cell."""

    def __init__(self, sampling: Sampling) -> None:
        self._fps = None if sampling.fps is None else Fraction(str(sampling.fps))
        self._cell = -1

    def takes(self, time: Fraction) -> bool:
        """Whether the frame shown at ``time`` (seconds) is sampled."""
        if self._fps is None:
            return True
        cell = (time + TIME_SLACK) * self._fps // 1
        if cell == self._cell:
            return False
        self._cell = cell
        return True
