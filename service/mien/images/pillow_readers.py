"""Opens a file with its format's own reader, interruptible, and lets only Mien's errors out."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import cv2
import numpy as np
from PIL import ExifTags, Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from mien.errors import CorruptMedia
from mien.images.formats import PictureFormat
from mien.images.orientation import Orientation

# Reads of a header, and chunks of a PNG. Ordinary files have some hundred, the largest PNGs some thousand; each costs
# Python a microsecond or more, and a file that consists of nothing but tiny parts has millions.
_MAX_PARTS = 50_000
_PNG_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})

# What Pillow's readers raise over broken files, as fuzzing and their sources show. UserWarning is Pillow's warning
# about broken metadata, which is an error only if the process runs with ``-W error``.
READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ArithmeticError,
    AssertionError,  # Pillow asserts what a file may break
    RuntimeError,
    struct.error,
    zlib.error,
    cv2.error,
    UserWarning,
    Image.DecompressionBombWarning,
    Image.DecompressionBombError,
)


@contextmanager
def only_mien_errors(picture_format: PictureFormat) -> Iterator[None]:
    """Turn ``READ_ERRORS`` into ``CorruptMedia``."""
    try:
        yield
    except READ_ERRORS as error:
        raise CorruptMedia(
            f"the {picture_format} file is broken or cut short and cannot be decoded; send it again or re-encode it"
        ) from error


class _CheckedFile(io.BytesIO):
    """Calls ``check`` at every read: Pillow's decoders read blocks of 64 KiB, and its parsers single fields.

    What ``check`` raises ends the reading. ``header_done`` lifts the bound on the number of reads.
    """

    def __init__(self, data: bytes, check: Callable[[], None]) -> None:
        super().__init__(data)
        self._check = check
        self._reads: int | None = _MAX_PARTS

    def header_done(self) -> None:
        self._reads = None

    def read(self, size: int | None = -1, /) -> bytes:
        self._check()
        if self._reads is not None:
            self._reads -= 1
            if self._reads < 0:
                raise _too_many_parts()
        return super().read(size)


def _too_many_parts() -> CorruptMedia:
    return CorruptMedia("the file's header has too many parts for a picture; save it again")


class EndedJpeg(JpegImageFile):
    """A JPEG that is decoded to the end of its file, with or without an end marker.

    ``ended_early``: there was none, and every pixel whose data is missing is grey.
    """

    ended_early = False

    def load_read(self, read_bytes: int) -> bytes:
        """Overrides Pillow's, which does this only if a setting of the whole process asks for it."""
        assert self.fp is not None  # noqa: S101  open until it is loaded
        data = self.fp.read(read_bytes)
        if data or self.ended_early:
            return data
        self.ended_early = True
        return b"\xff\xd9"


# Used directly and not through ``Image.open``: nothing is registered in Pillow's global tables, no other reader is
# ever tried, and the size is judged by ``DecodeLimits`` and not by Pillow's own global limit.
_READERS: Mapping[PictureFormat, type[ImageFile]] = MappingProxyType(
    {
        PictureFormat.JPEG: EndedJpeg,
        PictureFormat.PNG: PngImageFile,
        PictureFormat.WEBP: WebPImageFile,
        PictureFormat.BMP: BmpImageFile,
        PictureFormat.GIF: GifImageFile,
        PictureFormat.TIFF: TiffImageFile,
        PictureFormat.AVIF: AvifImageFile,
        PictureFormat.HEIC: HeifImageFile,
    }
)


def open_picture(data: bytes, picture_format: PictureFormat, check: Callable[[], None]) -> ImageFile:
    """Read the header; no pixels are decoded yet. Call within ``only_mien_errors``.

    ``check`` is called at every read, then and while the pixels are decoded; what it raises ends either.
    """
    if picture_format is PictureFormat.PNG:
        data = _without_metadata(data, check)
    file = _CheckedFile(data, check)
    image = _READERS[picture_format](file)
    file.header_done()
    # Pillow rotates TIFFs while it loads them, by XMP if their tags do not say how.
    image.info.pop("xmp", None)
    return image


def exif_orientation(image: Image.Image) -> Orientation:
    """The EXIF orientation that is still to be applied to a loaded ``image``; upright if it is unreadable.

    HEIC and AVIF have an orientation in their container as well. libheif has applied HEIC's and pillow-heif then resets
    the tag; Pillow translates AVIF's to the tag; and Pillow rotates TIFF itself. The tag always tells what is left.
    """
    # Not ``image.getexif()``: it falls back on XMP, which no browser does.
    exif = Image.Exif()
    try:
        if "exif" in image.info:
            exif.load(image.info["exif"])
        elif "Raw profile type exif" in image.info:  # in PNG by ImageMagick, before there was a chunk for it
            exif.load(bytes.fromhex("".join(image.info["Raw profile type exif"].split("\n")[3:])))
        return Orientation.from_exif(exif.get(ExifTags.Base.Orientation))
    except READ_ERRORS:  # a picture with a broken EXIF block is still a picture
        return Orientation()


def is_run_length_bmp(image: ImageFile) -> bool:
    """Whether ``image`` is a BMP for ``read_run_length_bmp``."""
    return isinstance(image, BmpImageFile) and any(tile.codec_name == "bmp_rle" for tile in image.tile)


def read_run_length_bmp(data: bytes) -> Image.Image:
    """Decode a run-length encoded BMP by OpenCV: Pillow's decoder is written in Python and holds the interpreter for
    ten seconds at 64 megapixels.

    Raises:
        CorruptMedia: it is broken.
    """
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise CorruptMedia("the run-length encoded BMP file is broken and cannot be decoded; save it without encoding")
    return Image.fromarray(pixels)


def _without_metadata(png: bytes, check: Callable[[], None]) -> bytes:
    """A PNG without its texts and colour profile, but with EXIF, even if that is a text.

    Pillow unpacks them and refuses the whole picture if one is too large or malformed. OpenCV 5.0 is no way out: libpng
    unpacks them too (7 s for 1.4 MB), cannot be interrupted, returns nothing of a file that breaks off, ignores the
    transparent colour of a grey PNG, and writes to stderr.
    """
    view, kept = memoryview(png), io.BytesIO()
    begin, at, chunks = 0, 8, 0
    while at < len(png):
        check()
        chunks += 1
        if chunks > _MAX_PARTS:
            raise _too_many_parts()
        kind, content = png[at + 4 : at + 8], at + 8
        end = content + int.from_bytes(png[at : at + 4]) + 4
        if kind == b"iCCP" or (kind in _PNG_TEXTS and not png.startswith(b"Raw profile type exif\0", content)):
            kept.write(view[begin:at])
            begin = end
        at = end
    if not begin:
        return png
    kept.write(view[begin:])
    return kept.getvalue()
