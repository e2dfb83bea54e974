import cv2
import numpy as np
import pytest

from mien.domain import U8Array
from mien.images.encode import Encoding, encode
from mien.images.formats import PictureFormat, sniff
from mien.render.palette import EMOTION_COLOURS, bgr


def stripes() -> U8Array:
    """Two pixels of every colour alternately: chroma subsampling would smear them."""
    colours = [bgr(emotion) for emotion in EMOTION_COLOURS]
    row = np.repeat(np.array(colours, np.uint8), 4, axis=0)
    return np.ascontiguousarray(np.broadcast_to(row, (64, *row.shape)))


def test_png_is_lossless() -> None:
    data = encode(stripes(), Encoding.PNG)
    assert sniff(data) is PictureFormat.PNG
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), stripes())


def test_jpeg_has_no_chroma_subsampling() -> None:
    data = encode(stripes(), Encoding.JPEG)
    assert sniff(data) is PictureFormat.JPEG
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(back.astype(int) - stripes()).mean() < 8


def test_the_media_type_is_the_encoding() -> None:
    assert Encoding("image/png") is Encoding.PNG
    with pytest.raises(ValueError, match="image/gif"):
        Encoding("image/gif")
