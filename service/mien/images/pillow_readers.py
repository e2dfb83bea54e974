"""The door to Pillow: open a file with its format's own reader, and let only Mien's errors out."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from mien.errors import CorruptMedia
from mien.images.checked_file import CheckedFile, no_check
from mien.images.formats import PictureFormat
from mien.images.partial import EndedJpeg
from mien.images.png import PngWithoutMetadata
from mien.images.read_errors import READ_ERRORS

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


def open_picture(data: bytes, picture_format: PictureFormat, check: Callable[[], None] = no_check) -> ImageFile:
    """Read the header; no pixels are decoded yet. Call within ``only_mien_errors``.

    ``check`` is called at every read, then and while the pixels are decoded, and ends either with what it raises.
    """
    file = PngWithoutMetadata(data, check) if picture_format is PictureFormat.PNG else CheckedFile(data, check)
    image = _READERS[picture_format](file)
    file.header_done()
    # Pillow turns TIFFs while it loads them, and by XMP where their tags do not say how.
    image.info.pop("xmp", None)
    return image


@contextmanager
def only_mien_errors(picture_format: PictureFormat) -> Iterator[None]:
    """Turn what a reader raises over a broken file into ``CorruptMedia``."""
    try:
        yield
    except READ_ERRORS as error:
        raise CorruptMedia(
            f"the {picture_format} file is broken or cut short and cannot be decoded; send it again or re-encode it"
        ) from error
