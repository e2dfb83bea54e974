"""The memory that a decode reserves, beside what it takes; deadlines and cancellation inside a decode."""

import io
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.data import astronaut

from mien.domain import Cancellation
from mien.errors import Cancelled, DeadlineExceeded, TooLarge
from mien.images.decoder import LargePicture, PictureDecoder
from mien.images.limits import DecodeLimits, jpeg_memory
from tests.unit.images.files import decoder, portrait, save

PEAK = """
import sys
from pathlib import Path
from mien.images.limits import DecodeLimits
from mien.images.decoder import PictureDecoder
from mien.images.formats import sniff
from mien.images.planning import Planner
from tests.unit.images.files import portrait, save

def kib(name):
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith(name))

decoder, data = PictureDecoder(DecodeLimits(), 1), Path(sys.argv[1]).read_bytes()
decoder.decode(save(portrait(64), "JPEG"))
side = int(sys.argv[2]) or None
plan = Planner(DecodeLimits()).plan(data, sniff(data), side, int)
before = kib("VmRSS")
decoder.decode(data, detector_side=side and side // 3)
print(plan.memory, (kib("VmHWM") - before) * 1024)
"""
WIDTH, HEIGHT = 3072, 2048


def large(mode: str = "RGB") -> Image.Image:
    tile = np.asarray(Image.fromarray(astronaut()).convert(mode))
    return Image.fromarray(np.concatenate([np.concatenate([tile] * 6, axis=1)] * 4), mode)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("name", "mode", "options", "side"),
    [
        ("JPEG", "RGB", {"subsampling": 2}, 0),
        ("JPEG", "RGB", {"subsampling": 2}, 384),
        ("JPEG", "RGB", {"subsampling": 0, "progressive": True}, 384),
        ("JPEG", "CMYK", {"progressive": True, "subsampling": 0}, 0),
        ("PNG", "RGBA", {"compress_level": 1}, 0),
        ("WEBP", "RGBA", {"method": 0}, 0),
        ("AVIF", "RGB", {"speed": 10}, 0),
        ("GIF", "P", {}, 0),
    ],
)
def test_a_decode_takes_at_most_the_memory_it_reserves(
    name: str, mode: str, options: dict[str, int], side: int, tmp_path: Path
) -> None:
    counted, taken = memory_of(save(large("RGB").convert(mode), name, **options), side, tmp_path)
    assert taken <= 1.1 * counted + 4e6
    # A whole JPEG takes three bytes per pixel, a broken one the ten that are reserved.
    assert side or taken > 0.25 * counted, "far more reserved than taken"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_jpeg_that_breaks_off_takes_at_most_the_memory_it_reserves(tmp_path: Path) -> None:
    counted, taken = memory_of(save(large(), "JPEG")[:-1000], 0, tmp_path)
    kept = 3 * WIDTH * HEIGHT  # by the first try, for the next picture
    assert 0.6 * counted < taken <= 1.1 * counted + 4e6 + kept


def memory_of(data: bytes, side: int, folder: Path) -> tuple[int, int]:
    """Bytes reserved for the decode of ``data``, and taken by it at its peak."""
    path = folder / "picture"
    path.write_bytes(data)
    command = [sys.executable, "-c", PEAK, str(path), str(side)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(output[0]), int(output[1])


@pytest.fixture(scope="module")
def two_hundred_megapixels() -> bytes:
    """A phone's largest, 16,320 x 12,240: grey, so that it is quickly made."""
    tile = np.asarray(Image.fromarray(astronaut()).convert("L").resize((510, 510)))
    file = io.BytesIO()
    Image.fromarray(np.tile(tile, (24, 32))).save(file, "JPEG", quality=60)
    return file.getvalue()


@pytest.mark.parametrize("side", [320, 1920])
def test_the_largest_pictures_of_phones_are_read(two_hundred_megapixels: bytes, side: int) -> None:
    frame = decoder().decode(two_hundred_megapixels, detector_side=side)
    assert (frame.width, frame.height) == (16_320, 12_240)
    assert frame.pixels.shape[1] == 16_320 // {320: 8, 1920: 2}[side]
    assert decoder().decode_within(two_hundred_megapixels, long_side=512).pixels.shape == (384, 512, 3)


def test_a_decode_past_the_memory_is_refused() -> None:
    layers = [(1, 2, 2, 0), (2, 1, 1, 1), (3, 1, 1, 1)]
    assert jpeg_memory(200_000_000, 3_000_000, layers, keeps_coefficients=True) == 612_000_000
    data = save(portrait(512), "JPEG", progressive=True)
    with pytest.raises(TooLarge, match="several scans") as caught:
        PictureDecoder(DecodeLimits(max_pixels=64 * 64), 1).decode(data, detector_side=20)
    assert caught.value.limit == "max_pixels"
    baseline = save(portrait(512), "JPEG")
    assert PictureDecoder(DecodeLimits(max_pixels=64 * 64), 1).decode(baseline, detector_side=20).width == 512


def tiff(dtype: str, samples: int, **options: tuple[int, int]) -> bytes:
    """1,536 x 1,024 pixels between 0 and the type's white."""
    pixels = np.asarray(portrait(512).convert("RGBA"))[:, :, :samples]
    white = 1.0 if dtype.startswith("f") else 65535
    deep = (np.tile(pixels, (2, 3, 1)) / 255 * white).astype(dtype)
    file = io.BytesIO()
    extra = ["unassalpha"] if samples == 4 else []
    tifffile.imwrite(file, deep, photometric="rgb", compression="zlib", extrasamples=extra, **options)
    return file.getvalue()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("dtype", "samples", "options"),
    [
        ("uint16", 3, {}),
        ("uint16", 4, {}),
        ("float32", 3, {}),
        ("float32", 4, {"tile": (1024, 1536)}),
        ("float64", 3, {"tile": (256, 256)}),
    ],
)
def test_a_deep_tiff_reserves_memory_by_its_samples(
    dtype: str, samples: int, options: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(tiff(dtype, samples, **options))
    command = [sys.executable, "-c", PEAK, str(path), "0"]
    counted, taken = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert 0.4 * counted < taken <= 1.1 * counted + 4e6


def test_a_deep_tiff_past_the_memory_is_refused() -> None:
    limits = DecodeLimits(max_pixels=1536 * 1024)
    assert PictureDecoder(limits, 1).decode(tiff("uint16", 3)).width == 1536
    with pytest.raises(TooLarge, match="of 24 bytes each") as caught:
        PictureDecoder(limits, 1).decode(tiff("float64", 3))
    assert caught.value.limit == "max_pixels"


def test_a_tile_larger_than_its_picture_reserves_its_memory() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((64, 64, 3), np.uint8), photometric="rgb", compression="zlib", tile=(1024, 1536))
    small = PictureDecoder(DecodeLimits(max_pixels=1536 * 1024), 1).without_large()
    with pytest.raises(LargePicture):
        small.decode(file.getvalue())
    assert decoder().decode(file.getvalue()).width == 64


def test_large_pictures_are_recognised_before_they_are_decoded() -> None:
    limits = DecodeLimits(max_pixels=256 * 256)
    small = PictureDecoder(limits, 2).without_large()
    assert small.decode(save(portrait(64), "WEBP")).width == 64
    with pytest.raises(LargePicture):
        small.decode(save(portrait(256), "WEBP"))


def test_large_pictures_leave_their_memory_to_small_ones() -> None:
    both = PictureDecoder(DecodeLimits(max_pixels=256 * 256), 2)
    large_one, small_one = save(portrait(256), "WEBP"), save(portrait(64), "WEBP")
    frames = [both.decode(large_one)]  # its frame leaves no memory for another large one
    with pytest.raises(DeadlineExceeded):
        both.decode(large_one, deadline=time.monotonic() + 0.05)
    frames += [both.decode(small_one, deadline=time.monotonic() + 5) for _ in range(4)]


def rle_bmp(lines: int, width: int) -> bytes:
    """A run-length encoded BMP of nothing but ends of lines."""
    body = b"\0\0" * lines + b"\0\1"
    palette = bytes(range(256)) * 4
    head = 14 + 40 + len(palette)
    header = b"BM" + (head + len(body)).to_bytes(4, "little") + bytes(4) + head.to_bytes(4, "little")
    numbers = [
        (40, 4),
        (width, 4),
        (lines, 4),
        (1, 2),
        (8, 2),
        (1, 4),
        (len(body), 4),
        (0, 4),
        (0, 4),
        (256, 4),
        (0, 4),
    ]
    return header + b"".join(number.to_bytes(size, "little") for number, size in numbers) + palette + body


def markers(count: int) -> bytes:
    """A JPEG with ``count`` empty comments in its header."""
    data = save(portrait(64), "JPEG")
    return data[:2] + b"\xff\xfe\x00\x02" * count + data[2:]


@pytest.mark.parametrize(
    "data", [rle_bmp(8000, 8000), markers(10_000_000), save(portrait(64), "JPEG") + b"\xff\xda" * 10_000_000]
)
def test_no_file_takes_long(data: bytes) -> None:
    started = time.monotonic()
    try:
        decoder().decode(data)
    except Exception as error:  # noqa: BLE001
        assert type(error).__name__ in {"CorruptMedia", "TooLarge"}  # noqa: PT017
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP"])
def test_cancelling_ends_the_decode(name: str) -> None:
    data = save(large().convert("P" if name == "GIF" else "RGB"), name)
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 25:
            raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        decoder().decode(data, check=check)


def test_the_deadline_holds_inside_a_decoder() -> None:
    data = save(large().resize((6000, 4000)), "PNG", compress_level=1)
    cancellation = Cancellation(deadline=time.monotonic() + 0.05)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        decoder().decode(data, deadline=cancellation.deadline, check=cancellation.raise_if_cancelled)
    assert time.monotonic() - started < 0.3


def test_a_baseline_jpeg_with_one_scan_per_component_reserves_all_its_coefficients() -> None:
    data = save(Image.new("RGB", (64, 64)), "JPEG", subsampling=0)
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    size = (12_000).to_bytes(2) + (16_000).to_bytes(2)
    scans = [b"\xff\xda\x00\x08\x01" + bytes([part, 0, 0, 63, 0]) + bytes(64) for part in (1, 2, 3)]
    bomb = data[: frame + 5] + size + data[frame + 9 : scan] + b"".join(scans) + b"\xff\xd9"
    with pytest.raises(TooLarge, match="several scans"):
        decoder().decode(bomb, detector_side=320)
    plain = data[: frame + 5] + size + data[frame + 9 :]
    assert decoder().decode(plain, detector_side=320).width == 16_000
