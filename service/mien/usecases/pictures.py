"""What the picture use cases take and give."""

from dataclasses import dataclass

from mien.domain import DetectorMode, Face
from mien.errors import InputError

# Pixels on the long side at which faces are looked for. ``accurate`` goes over large pictures a second time, at three
# times its 640.
DETECTOR_SIDE = {DetectorMode.FAST: 320, DetectorMode.ACCURATE: 3 * 640}


@dataclass(frozen=True, slots=True)
class PictureInput:
    """One picture as it came in: its bytes, or what is already known to be wrong with it (bad base64, say)."""

    name: str | None
    content: bytes | InputError


@dataclass(frozen=True, slots=True, eq=False)
class PictureResult:
    """One picture's answer: its size and faces, or the ``error`` that is the caller's to mend.

    ``warnings`` are sentences about what could not be read of it.
    """

    index: int
    name: str | None
    width: int | None = None
    height: int | None = None
    faces: tuple[Face, ...] = ()
    error: InputError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PictureTimes:
    """Milliseconds. The stages are summed over the pictures and overlap; ``total`` is by the clock."""

    decode: float
    queue: float
    detect: float
    classify: float
    total: float
