"""Run-length encoded BMP through OpenCV: Pillow's decoder is written in Python and takes ten seconds for 64 megapixels,
in which no other thread of the process gets on."""

import cv2
import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile

from mien.errors import CorruptMedia

_DECODER = "bmp_rle"


def is_run_length_encoded(image: BmpImageFile) -> bool:
    """Whether an opened BMP is for ``read_run_lengths``."""
    return any(tile.codec_name == _DECODER for tile in image.tile)


def read_run_lengths(data: bytes) -> Image.Image:
    """Decode the file, as a picture of mode RGB.

    Raises:
        CorruptMedia: it is broken.
    """
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise CorruptMedia("the run-length encoded BMP file is broken and cannot be decoded; save it without encoding")
    return Image.fromarray(pixels)
