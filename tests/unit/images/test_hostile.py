"""Hostile files: whatever the bytes, the decoder returns a frame or raises one of Mien's own errors."""

import contextlib
import io
import random
import struct
import time
from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from PIL import Image

from mien.errors import CorruptMedia, InputError, TooLarge
from mien.images.decoder import no_check
from mien.images.jpeg_scans import has_more_scans
from mien.images.limits import DecodeLimits
from tests.mutations import mutated
from tests.unit.images.files import FORMATS, WITH_EXIF, decoder, portrait, save

ROUNDS = 60


def deep_tiff() -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.asarray(portrait(48)).astype(np.uint16) * 257, photometric="rgb", compression="zlib")
    return file.getvalue()


@pytest.mark.parametrize("name", [*FORMATS, "16-bit TIFF"])
def test_only_mien_errors_leave_the_decoder(name: str) -> None:
    # A small bound on pixels: a mutated header may ask for many, and the test is not about waiting for them.
    shared = decoder(DecodeLimits(max_pixels=1_000_000))
    data = deep_tiff() if name == "16-bit TIFF" else save(portrait(48), name, 6 if name in WITH_EXIF else None)
    chance = random.Random(name)
    for _ in range(ROUNDS):
        with contextlib.suppress(InputError):
            frame = shared.decode(mutated(data, chance), detector_side=chance.choice((None, 4, 16)))
            assert frame.pixels.shape[2] == 3
            assert frame.width * frame.height <= 1_000_000
    assert shared.decode(data).width == 48


def many_scans(count: int, side: int = 64) -> bytes:
    """A progressive JPEG whose last scan comes ``count`` times."""
    head, _, last = save(Image.new("L", (side, side), 128), "JPEG", progressive=True).rpartition(b"\xff\xda")
    return head + (b"\xff\xda" + last.removesuffix(b"\xff\xd9")) * count + b"\xff\xd9"


def test_a_jpeg_with_endless_scans_is_refused_before_it_costs_anything() -> None:
    data = many_scans(20_000, side=4_000)
    started = time.perf_counter()
    with pytest.raises(TooLarge, match="scans") as caught:
        decoder().decode(data)
    assert caught.value.limit == "max_scans"
    assert time.perf_counter() - started < 0.5


def test_scans_are_counted_in_the_first_picture_and_outside_its_metadata() -> None:
    plain = save(portrait(64), "JPEG", progressive=True, comment=b"\xff\xda" * 500)
    assert not has_more_scans(plain, 100, no_check)
    assert not has_more_scans(plain + many_scans(500), 100, no_check)
    assert has_more_scans(plain, 3, no_check)
    assert not has_more_scans(many_scans(90), 100, no_check)
    assert has_more_scans(many_scans(101), 100, no_check)
    assert decoder().decode(plain + b"\xff\xda" * 500).width == 64


def test_scans_are_counted_after_a_first_picture_of_nothing_but_tables() -> None:
    """libjpeg reads past an end marker that comes before any scan."""
    data = many_scans(200)
    tables = data[2 : data.index(b"\xff\xc2")]
    hidden = b"\xff\xd8" + tables + b"\xff\xd9" + data
    assert has_more_scans(hidden, 100, no_check)
    with pytest.raises(TooLarge, match="scans"):
        decoder().decode(hidden)


def entry(data: bytes, tag: int) -> slice:
    """Where a little-endian TIFF keeps the entry of ``tag``."""
    first = int.from_bytes(data[4:8], "little") + 2
    count = int.from_bytes(data[first - 2 : first], "little")
    at = next(at for at in range(first, first + count * 12, 12) if int.from_bytes(data[at : at + 2], "little") == tag)
    return slice(at, at + 12)


@pytest.mark.parametrize("make", [deep_tiff, lambda: save(portrait(48), "TIFF", software="x")])
def test_a_tiff_that_gives_its_size_twice_is_refused(make: Callable[[], bytes]) -> None:
    """One size would be checked, and another one decoded."""
    data = bytearray(make())
    assert decoder().decode(bytes(data)).width == 48
    data[entry(data, 305)] = data[entry(data, 256)]
    with pytest.raises(CorruptMedia) as caught:
        decoder().decode(bytes(data))
    assert "twice" in str(caught.value.__cause__)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tile_larger_than_any_picture_is_refused(bits: int) -> None:
    pixels = np.asarray(portrait(64)).astype(np.uint16 if bits == 16 else np.uint8)
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric="rgb", compression="zlib", tile=(16, 16))
    data = bytearray(file.getvalue())
    assert decoder().decode(bytes(data)).width == 64
    for tag in (322, 323):
        place = entry(data, tag)
        data[place] = struct.pack("<HHII", tag, 4, 1, 30_000)
    with pytest.raises(TooLarge):
        decoder().decode(bytes(data))
