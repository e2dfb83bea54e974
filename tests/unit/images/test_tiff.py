"""The header alone, of files that hold nothing else; what is decoded is tested in test_decoder.py."""

import struct

import cv2
import numpy as np
import pytest

from mien.errors import UnsupportedMedia
from mien.images.tiff import read_deep_tiff, read_tiff_header

WIDTH, HEIGHT, BITS, PHOTOMETRIC, SAMPLES, PLANAR, TILE_WIDTH, TILE_HEIGHT, FORMAT = (
    *(256, 257, 258, 262, 277),
    *(284, 322, 323, 339),
)
SIZE = ((WIDTH, 6), (HEIGHT, 4))
RGB16 = (*SIZE, (BITS, 16), (PHOTOMETRIC, 2), (SAMPLES, 3))
GREY16 = (*SIZE, (BITS, 16))


def header(*tags: tuple[int, int], order: str = "<", big: bool = False) -> bytes:
    """A TIFF of one directory, every tag in it one SHORT, and no pixels."""
    mark = b"II" if order == "<" else b"MM"
    if big:
        entries = b"".join(struct.pack(f"{order}HHQHxxxxxx", tag, 3, 1, value) for tag, value in tags)
        start = struct.pack(f"{order}HHHQ", 43, 8, 0, 16) + struct.pack(f"{order}Q", len(tags))
        return mark + start + entries + bytes(8)
    entries = b"".join(struct.pack(f"{order}HHIHxx", tag, 3, 1, value) for tag, value in tags)
    return mark + struct.pack(f"{order}HI", 42, 8) + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(("order", "big"), [("<", False), ("<", True), (">", False)])
def test_size_and_depth_in_every_kind_of_file(order: str, big: bool) -> None:
    found = read_tiff_header(header(*RGB16, order=order, big=big))
    assert (found.size, found.tile, found.is_deep, found.pixel_bytes) == ((6, 4), (1, 1), True, 6)
    assert found.decoded_pixels == 24


def test_a_tile_larger_than_the_picture_is_decoded_whole() -> None:
    assert read_tiff_header(header(*SIZE, (TILE_WIDTH, 512), (TILE_HEIGHT, 256))).decoded_pixels == 512 * 256


@pytest.mark.parametrize(
    ("tags", "is_deep"),
    [
        ((*SIZE, (BITS, 8), (SAMPLES, 3)), False),
        (GREY16, False),
        ((*GREY16, (PHOTOMETRIC, 0)), True),
        ((*SIZE, (BITS, 32), (FORMAT, 3)), True),
        ((*SIZE, (BITS, 16), (PHOTOMETRIC, 5), (SAMPLES, 4)), False),
    ],
    ids=["8 bits", "grey", "white at zero", "float", "CMYK"],
)
def test_pillow_reads_what_it_reads_well(tags: tuple[tuple[int, int], ...], is_deep: bool) -> None:
    assert read_tiff_header(header(*tags)).is_deep == is_deep


@pytest.mark.parametrize(
    "tags",
    [(*RGB16, (PLANAR, 2)), (*SIZE, (BITS, 32), (PHOTOMETRIC, 0)), (*GREY16, (PHOTOMETRIC, 0), (FORMAT, 3))],
    ids=["by plane", "32 bits, white at zero", "float, white at zero"],
)
def test_what_neither_library_reads_well_is_refused(tags: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(UnsupportedMedia):
        read_tiff_header(header(*tags))


@pytest.mark.parametrize("big", [False, True])
def test_a_tag_that_is_given_twice_is_refused(big: bool) -> None:
    with pytest.raises(ValueError, match="twice"):
        read_tiff_header(header(*RGB16, (WIDTH, 60_000), big=big))


def test_a_deep_picture_keeps_the_high_bytes() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(2, 4, 3) * 2560
    picture = read_deep_tiff(cv2.imencode(".tiff", pixels)[1].tobytes())
    assert picture.mode == "RGB"
    assert np.abs(np.asarray(picture, int)[..., ::-1] - (pixels >> 8)).max() <= 1


def test_a_deep_picture_that_cannot_be_decoded_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot decode"):
        read_deep_tiff(header(*RGB16))
