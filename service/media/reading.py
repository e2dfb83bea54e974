"""The door to Pillow: open a file with its format's own reader, and let only Mien's errors out."""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import cv2
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from service.errors import CorruptMedia
from service.media.formats import PictureFormat
from service.media.png import PngWithoutMetadata

# Used directly and not through ``Image.open``: nothing is registered in Pillow's global tables, no other reader is
# ever tried, and the size is judged by ``DecodeLimits`` and not by Pillow's own global limit.
_READERS: Mapping[PictureFormat, type[ImageFile]] = MappingProxyType(
    {
        PictureFormat.JPEG: JpegImageFile,
        PictureFormat.PNG: PngImageFile,
        PictureFormat.WEBP: WebPImageFile,
        PictureFormat.BMP: BmpImageFile,
        PictureFormat.GIF: GifImageFile,
        PictureFormat.TIFF: TiffImageFile,
        PictureFormat.AVIF: AvifImageFile,
        PictureFormat.HEIC: HeifImageFile,
    }
)

# What the readers raise over broken files, as fuzzing and their sources show. UserWarning is Pillow's remark on broken
# metadata, which is an error only where the process runs with ``-W error``.
_READ_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
    cv2.error,
    UserWarning,
    Image.DecompressionBombWarning,
    Image.DecompressionBombError,
)


def open_picture(data: bytes, picture_format: PictureFormat) -> ImageFile:
    """Read the header; no pixels are decoded yet. Call within ``only_mien_errors``."""
    file = PngWithoutMetadata(data) if picture_format is PictureFormat.PNG else io.BytesIO(data)
    image = _READERS[picture_format](file)
    # Pillow turns TIFFs while it loads them, and by XMP where their tags do not say how.
    image.info.pop("xmp", None)
    return image


@contextmanager
def only_mien_errors(picture_format: PictureFormat) -> Iterator[None]:
    """Turn what a reader raises over a broken file into ``CorruptMedia``."""
    try:
        yield
    except _READ_ERRORS as error:
        raise CorruptMedia(
            f"the {picture_format} file is broken or cut short and cannot be decoded; send it again or re-encode it"
        ) from error
