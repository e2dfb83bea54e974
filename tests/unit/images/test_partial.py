"""Files that break off: what can be read is right, and what cannot is reported."""

import gc
import re
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.ImageFile import ImageFile

from mien.domain import Box, Frame
from mien.errors import CorruptMedia
from tests.unit.images.files import decoder, png_chunk, portrait, save, stored_as

SIDE = 256


def cut(data: bytes, share: float) -> bytes:
    return data[: round(len(data) * share)]


def missing(frame: Frame) -> float:
    """The share that the frame's warning names."""
    found = re.match(r"(Less than )?([\d.]+) % of the picture's rows are missing", frame.warnings[-1])
    assert found is not None, frame.warnings
    return float(found[2]) / 100


def part_of(frame: Frame, pixels: np.ndarray) -> np.ndarray:
    part = frame.readable
    assert part is not None
    x, y, width, height = (round(value) for value in (part.x, part.y, part.width, part.height))
    return pixels[y : y + height, x : x + width]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "BMP"])
def test_the_readable_part_equals_that_of_the_whole_file(name: str, share: float) -> None:
    data = save(portrait(), name)
    whole, frame = decoder().decode(data), decoder().decode(cut(data, share))
    assert (frame.width, frame.height) == (SIDE, SIDE)
    read = part_of(frame, frame.pixels)
    # Colours of the last row of blocks may be interpolated from those below.
    rows = slice(None, -1) if name == "JPEG" else slice(None)
    assert np.array_equal(read[rows], part_of(frame, whole.pixels)[rows])
    assert missing(frame) == pytest.approx(1 - len(read) / SIDE, abs=0.006)
    assert missing(frame) == pytest.approx(1 - share, abs=0.2)


@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_no_pixels_of_a_damaged_file_wait_for_the_search_for_garbage(name: str) -> None:
    """It comes after ten thousand objects, while each such picture may be of 64 megapixels."""
    data = bytearray(save(portrait(), name))
    middle = len(data) // 2
    data[middle:middle] = b"\xff\xd8"  # another begins here, in a JPEG
    gc.collect()
    gc.disable()
    try:
        assert decoder().decode(bytes(data)).warnings
        left = [found for found in gc.get_objects() if isinstance(found, ImageFile)]
    finally:
        gc.enable()
    assert left == []


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("side", [None, 32])
def test_an_incomplete_row_of_blocks_is_missing(mode: str, subsampling: int, side: int | None) -> None:
    data = save(portrait().convert(mode), "JPEG", subsampling=subsampling)
    frame = decoder().decode(data[:-600], detector_side=side)
    blocks = 16 if mode != "L" and subsampling else 8
    assert frame.readable == Box(0, 0, SIDE, SIDE - blocks)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_readable_part_is_given_in_the_upright_picture(orientation: int) -> None:
    upright = np.asarray(portrait())
    data = save(Image.fromarray(stored_as(upright, orientation)), "JPEG", orientation)
    frame = decoder().decode(cut(data, 0.6))
    read, given = part_of(frame, frame.pixels), part_of(frame, cv2.cvtColor(upright, cv2.COLOR_RGB2BGR))
    assert 0.3 * SIDE * SIDE < read.shape[0] * read.shape[1] < 0.8 * SIDE * SIDE
    assert np.abs(read.astype(int) - given).mean() < 3


@pytest.mark.parametrize(
    ("ending", "warnings"),
    [(b"", ("The JPEG file has no end marker; 0 % of its rows are missing.",)), (b"SEFH\x6b\0\0\0" * 40, ())],
    ids=["none", "a maker's trailer"],
)
def test_a_picture_without_its_end_marker_is_whole(ending: bytes, warnings: tuple[str, ...]) -> None:
    data = save(portrait(), "JPEG")
    frame = decoder().decode(data[:-2] + ending)
    assert (frame.readable, frame.warnings) == (None, warnings)
    assert np.array_equal(frame.pixels, decoder().decode(data).pixels)


def test_a_progressive_file_loses_details_before_rows() -> None:
    data = save(portrait(), "JPEG", progressive=True)
    frame = decoder().decode(cut(data, 0.7))
    assert frame.readable is None
    assert "finest details" in frame.warnings[0]
    assert np.abs(frame.pixels.astype(int) - decoder().decode(data).pixels).mean() < 8


@pytest.mark.parametrize(("name", "options"), [("GIF", {"interlace": 1}), ("PNG", {})])
def test_rows_between_those_of_an_interlaced_picture_are_filled(name: str, options: dict[str, int]) -> None:
    whole = portrait()
    data = save(whole, name, **options) if name == "GIF" else interlaced_png(np.asarray(whole))
    frame = decoder().decode(cut(data, 0.8))
    part = frame.readable
    assert part is None or part.height > 0.9 * SIDE, "only every other row is missing"
    assert 0.1 < missing(frame) < 0.5
    difference = np.abs(frame.pixels.astype(int) - decoder().decode(data).pixels)
    assert difference[: round(0.9 * SIDE)].mean() < 12


def interlaced_png(pixels: np.ndarray) -> bytes:
    """Adam7, which neither Pillow nor OpenCV writes: every pass unfiltered."""
    height, width = pixels.shape[:2]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in pixels[y::dy, x::dx])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("before", [b"\n", b"Content-Type: image/jpeg\r\n\r\n", b"\0" * 4000, b"\xff\xd8 no \xff"])
def test_bytes_before_a_jpeg_are_skipped(before: bytes) -> None:
    data = save(portrait(), "JPEG")
    frame = decoder().decode(before + data)
    assert np.array_equal(frame.pixels, decoder().decode(data).pixels)
    assert frame.warnings == (f"{len(before)} bytes before the JPEG's start were skipped.",)


def test_a_whole_file_has_no_warning() -> None:
    frame = decoder().decode(save(portrait(), "JPEG"))
    assert (frame.readable, frame.warnings) == (None, ())


@pytest.mark.parametrize("name", ["JPEG", "PNG", "BMP", "GIF"])
def test_a_file_without_a_complete_row_is_corrupt(name: str) -> None:
    data = save(portrait(), name)
    with pytest.raises(CorruptMedia):
        decoder().decode(
            data[: data.index(b"\xff\xda") + 90 if name == "JPEG" else {"PNG": 60, "BMP": 100}.get(name, 800)]
        )


def test_grey_rows_at_the_end_of_a_whole_picture_are_not_missing() -> None:
    pixels = np.asarray(portrait()).copy()
    pixels[SIDE // 2 :] = 128
    frame = decoder().decode(save(Image.fromarray(pixels), "JPEG"))
    assert (frame.readable, frame.warnings) == (None, ())
