import io
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from mien.errors import CorruptMedia, UnsupportedMedia
from mien.images.pixel_formats import scale_to_eight_bit
from tests.unit.images.files import decoder, four_corners, portrait, save, stored_as


def tiff(samples: NDArray[np.generic], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def deep_portrait() -> NDArray[np.uint16]:
    """16-bit RGB in which the low bytes matter."""
    eight = np.asarray(portrait(128)).astype(np.uint16)
    return eight * 257


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (64, 64)}])
def test_colour_tiff_of_16_bits_keeps_its_brightness(byteorder: str, options: dict[str, Any]) -> None:
    deep = deep_portrait()
    frame = decoder().decode(tiff(deep, photometric="rgb", byteorder=byteorder, **options))
    assert np.abs(frame.pixels[..., ::-1].astype(int) - deep // 257).max() <= 1


def test_colour_tiff_of_16_bits_stored_plane_by_plane_is_refused() -> None:
    planes = np.ascontiguousarray(np.moveaxis(deep_portrait(), -1, 0))
    with pytest.raises(UnsupportedMedia, match="interleaved"):
        decoder().decode(tiff(planes, photometric="rgb", planarconfig="separate"))


def test_colour_tiff_of_8_bits_stored_plane_by_plane() -> None:
    planes = np.ascontiguousarray(np.moveaxis(np.asarray(portrait(64)), -1, 0))
    pixels = decoder().decode(tiff(planes, photometric="rgb", planarconfig="separate")).pixels
    assert np.array_equal(pixels[..., ::-1], np.asarray(portrait(64)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_deep_tiff_is_rotated_upright(orientation: int, dtype: type[np.generic]) -> None:
    stored = stored_as(four_corners(), orientation)
    deep = stored.astype(np.uint16) * 257 if dtype is np.uint16 else stored.astype(np.float32) / 255
    data = tiff(deep, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    frame = decoder().decode(data)
    assert (frame.width, frame.height) == (96, 64)
    assert np.array_equal(frame.pixels[..., ::-1], four_corners())


def test_transparency_of_a_deep_tiff_is_composited_on_white() -> None:
    deep = np.zeros((32, 32, 4), np.uint16)
    deep[:, 16:] = (65_535, 0, 0, 65_535)
    pixels = decoder().decode(tiff(deep, photometric="rgb", extrasamples=["unassalpha"])).pixels
    assert pixels[5, 5].tolist() == [255, 255, 255]
    assert pixels[5, 20].tolist() == [0, 0, 255]


def test_colour_png_of_16_bits_keeps_its_brightness() -> None:
    deep = deep_portrait()
    data = cv2.imencode(".png", deep[..., ::-1])[1].tobytes()
    frame = decoder().decode(data)
    assert abs(float(frame.pixels.mean()) - float(deep.mean()) / 257) < 1
    assert np.abs(frame.pixels[..., ::-1].astype(int) - deep // 257).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "<", ">"])
def test_grey_of_16_bits_is_scaled_and_not_clipped(kind: str) -> None:
    grey = np.linspace(0, 65_535, 64 * 48).reshape(48, 64).astype(np.uint16)
    data = cv2.imencode(".png", grey)[1].tobytes() if kind == "PNG" else tiff(grey, byteorder=kind)
    pixels = decoder().decode(data).pixels
    assert abs(float(pixels.mean()) - 127.5) < 1
    assert (int(pixels.min()), int(pixels.max())) == (0, 255)
    assert len(np.unique(pixels)) == 256


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (64, 64)}])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_that_is_white_at_zero_is_not_a_negative(
    dtype: type[np.unsignedinteger], byteorder: str, options: dict[str, Any]
) -> None:
    grey = np.asarray(portrait(128).convert("L")).astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    stored = np.iinfo(dtype).max - grey
    pixels = decoder().decode(tiff(stored, photometric="miniswhite", byteorder=byteorder, **options)).pixels
    assert np.abs(pixels[..., 0].astype(int) - np.asarray(portrait(128).convert("L"))).max() <= 1


def test_transparent_grey_that_is_white_at_zero_is_not_a_negative() -> None:
    grey = np.asarray(portrait(64).convert("L")).astype(np.uint16) * 257
    stored = np.dstack([65_535 - grey, np.full_like(grey, 65_535)])
    data = tiff(stored, photometric="miniswhite", planarconfig="contig", extrasamples=["unassalpha"])
    assert np.abs(decoder().decode(data).pixels[..., 0].astype(int) - grey // 257).max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint32])
def test_white_at_zero_without_a_known_black_is_refused(dtype: type[np.generic]) -> None:
    with pytest.raises(UnsupportedMedia, match="zero as black"):
        decoder().decode(tiff(np.zeros((32, 32), dtype), photometric="miniswhite"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_from_0_to_1_are_read(dtype: type[np.floating]) -> None:
    values = np.asarray(portrait(64)).astype(dtype) / 255
    frame = decoder().decode(tiff(values, photometric="rgb"))
    assert np.abs(frame.pixels[..., ::-1].astype(int) - np.asarray(portrait(64))).max() <= 1


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan, np.inf])
def test_other_floats_are_refused(value: float) -> None:
    with pytest.raises(UnsupportedMedia, match="0 to 1"):
        decoder().decode(tiff(np.full((32, 32), value, np.float32)))


def test_32_bit_integers_are_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="int32"):
        decoder().decode(tiff(np.full((32, 32), 7, np.int32)))


def test_scaling_rounds_to_the_nearest_level() -> None:
    levels = np.arange(65_536, dtype=np.uint16)
    assert np.array_equal(scale_to_eight_bit(levels), np.rint(levels / 257).astype(np.uint8))


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_transparency_is_composited_on_white(name: str) -> None:
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[:, 32:] = (200, 100, 50, 255)
    rgba[:16, 32:, 3] = 128
    pixels = decoder().decode(save(Image.fromarray(rgba), name)).pixels.astype(int)
    assert np.abs(pixels[40, 10] - 255).max() <= 3
    assert np.abs(pixels[40, 50] - (50, 100, 200)).max() <= 6
    assert np.abs(pixels[6, 50] - (152, 177, 227)).max() <= 8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA"])
def test_every_mode_of_png_gives_bgr(mode: str) -> None:
    source = Image.fromarray(four_corners())
    image = source.convert(mode) if mode != "PA" else source.convert("P").convert("PA")
    pixels = decoder().decode(save(image, "TIFF" if mode == "PA" else "PNG")).pixels
    assert pixels.shape == (64, 96, 3)
    assert pixels.dtype == np.uint8
    assert pixels[48, 72].tolist() == [255, 255, 255]
    if mode in {"P", "PA", "RGB", "RGBA"}:
        assert pixels[16, 24].tolist() == [0, 0, 255]


def test_a_palette_with_a_transparent_entry() -> None:
    image = Image.fromarray(four_corners()).quantize(4)
    red = image.getpixel((5, 5))
    pixels = decoder().decode(save(image, "PNG", transparency=red)).pixels
    assert pixels[16, 24].tolist() == [255, 255, 255]
    assert pixels[48, 24].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("cmyk", "rgb"),
    [
        ((0, 255, 255, 0), (255, 0, 0)),
        ((0, 0, 0, 0), (255, 255, 255)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_cmyk_jpeg_is_not_a_negative(cmyk: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    pixels = decoder().decode(save(Image.new("CMYK", (64, 64), cmyk), "JPEG")).pixels
    assert np.abs(pixels[32, 32, ::-1].astype(int) - rgb).max() <= 4


@pytest.mark.parametrize("name", ["PNG", "WEBP", "BMP", "TIFF", "AVIF", "HEIF"])
def test_copies_in_other_formats_agree_with_the_jpeg(name: str) -> None:
    reference = decoder().decode(save(portrait(), "JPEG")).pixels.astype(int)
    copy = decoder().decode(save(portrait(), name)).pixels
    assert np.abs(copy - reference).mean() < 2.5


def test_a_png_without_the_palette_that_it_refers_to_is_corrupt() -> None:
    """Found by fuzzing."""
    file = io.BytesIO()
    portrait(64).quantize(16).save(file, "PNG")
    whole = file.getvalue()
    start = whole.index(b"PLTE") - 4
    length = int.from_bytes(whole[start : start + 4])
    with pytest.raises(CorruptMedia, match="palette"):
        decoder().decode(whole[:start] + whole[start + 12 + length :])


def test_a_jpeg_whose_components_have_no_size_is_corrupt() -> None:
    """Found by fuzzing."""
    file = io.BytesIO()
    portrait(64).convert("L").save(file, "JPEG", progressive=True)
    whole = bytearray(file.getvalue())
    sampling = whole.index(b"\xff\xc2") + 11
    assert whole[sampling] == 0x11
    whole[sampling] = 0
    with pytest.raises(CorruptMedia):
        decoder().decode(bytes(whole))
