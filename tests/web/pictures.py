"""Pictures with red patches, which the tests' engine takes for faces."""

import io

import cv2
from PIL import Image
from pillow_heif import register_heif_opener

from mien.domain import Box
from tests.clips import scene

register_heif_opener()


def picture(form: str = "png", width: int = 320, height: int = 240, side: int = 80) -> bytes:
    """One patch in the middle of a grey picture, in a format of Pillow's (png, heif, tiff)."""
    pixels = scene(width, height, Box((width - side) / 2, (height - side) / 2, side, side))
    data = io.BytesIO()
    Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).save(data, form)
    return data.getvalue()


def upload(name: str, data: bytes | None = None) -> dict[str, object]:
    """A file for ``set_input_files``."""
    return {"name": name, "mimeType": "", "buffer": picture() if data is None else data}
