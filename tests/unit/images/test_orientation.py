from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from mien.domain import Box, U8Array
from mien.images.orientation import Orientation
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import wrap_pictures
from tests.unit.images.files import WITH_EXIF, decoder, four_corners, portrait, save, stored_as

WITH_XMP = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


def corners(pixels: U8Array) -> list[list[int]]:
    """The colours a quarter in from each corner, as RGB, in reading order."""
    height, width = pixels.shape[:2]
    rows, columns = (height // 4, height * 3 // 4), (width // 4, width * 3 // 4)
    return [pixels[y, x, ::-1].astype(int).tolist() for y in rows for x in columns]


@pytest.mark.parametrize("tag", range(1, 9))
def test_an_orientation_maps_pixels_sizes_and_boxes_alike(tag: int) -> None:
    upright = four_corners()
    stored, orientation = stored_as(upright, tag), Orientation.from_exif(tag)
    assert np.array_equal(orientation.apply(stored), upright)
    height, width = stored.shape[:2]
    assert orientation.upright_size(width, height) == (96, 64)
    mark = np.zeros_like(stored)
    mark[2:12, 5:8] = 1
    rows, columns = np.nonzero(orientation.apply(mark)[..., 0])
    box = orientation.upright_box(Box(5, 2, 3, 10), width, height)
    assert (box.x, box.y, box.x + box.width - 1, box.y + box.height - 1) == (
        *(columns.min(), rows.min()),
        *(columns.max(), rows.max()),
    )


@pytest.mark.parametrize(
    ("matrix", "orientation", "rotation", "mirrored"),
    [
        ((1, 0, 0, 1), Orientation(), 0, False),
        ((0, 1, -1, 0), Orientation.from_exif(6), 90, False),
        ((-1, 0, 0, -1), Orientation.from_exif(3), 180, False),
        ((0, -1, 1, 0), Orientation.from_exif(8), 270, False),
        ((-1, 0, 0, 1), Orientation.from_exif(2), 0, True),
        ((0.9, 0.1, -0.1, 0.9), Orientation(), 0, False),
    ],
)
def test_a_display_matrix_is_rounded_to_an_orientation(
    matrix: tuple[float, ...], orientation: Orientation, rotation: int, mirrored: bool
) -> None:
    a, b, c, d = (round(65536 * value) for value in matrix)
    data = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32).tobytes()
    assert Orientation.from_display_matrix(data) == orientation
    assert (orientation.rotation, orientation.mirrored) == (rotation, mirrored)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", WITH_EXIF)
def test_every_corner_ends_where_it_belongs(name: str, orientation: int) -> None:
    stored = Image.fromarray(stored_as(four_corners(), orientation))
    frame = decoder().decode(save(stored, name, orientation))
    assert (frame.width, frame.height) == (96, 64)
    assert frame.pixels.shape == (64, 96, 3)
    assert frame.pixels.flags.c_contiguous
    np.testing.assert_allclose(corners(frame.pixels), corners(four_corners()[..., ::-1]), atol=12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_decode_is_rotated_too(orientation: int) -> None:
    stored = Image.fromarray(stored_as(four_corners(960, 640), orientation))
    frame = decoder().decode(save(stored, "JPEG", orientation), detector_side=80)
    assert (frame.width, frame.height) == (960, 640)
    assert frame.pixels.shape == (160, 240, 3)
    np.testing.assert_allclose(corners(frame.pixels), corners(four_corners()[..., ::-1]), atol=12)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["avi", "mov"])
def test_jpegs_in_a_clip_are_rotated_by_their_exif(tmp_path: Path, form: str, orientation: int) -> None:
    stored = save(Image.fromarray(stored_as(four_corners(), orientation)), "JPEG", orientation)
    path = wrap_pictures(tmp_path / f"clip.{form}", "mjpeg", "yuvj444p", [stored] * 3)
    with Clip(path, Sampling(None), ClipLimits()) as clip:
        frames = list(clip.frames())
    assert [(frame.width, frame.height) for frame in frames] == [(96, 64)] * 3
    np.testing.assert_allclose(corners(frames[2].pixels), corners(four_corners()[..., ::-1]), atol=12)


@pytest.mark.parametrize("with_exif", [False, True])
@pytest.mark.parametrize("name", WITH_XMP)
def test_xmp_rotates_nothing(name: str, with_exif: bool) -> None:
    options: dict[str, Any] = {"xmp": XMP}
    if with_exif:
        # Pillow looks into EXIF early where it is to find the resolution there.
        exif = Image.Exif()
        exif[ExifTags.Base.XResolution] = exif[ExifTags.Base.YResolution] = 72.0
        options["exif"] = exif.tobytes()
    if name == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP)
    if name == "TIFF":
        options["tiffinfo"] = {700: XMP}
    data = save(Image.fromarray(four_corners()), name, **options)
    assert b'tiff:Orientation="6"' in data
    frame = decoder().decode(data)
    assert (frame.width, frame.height) == (96, 64)
    np.testing.assert_allclose(corners(frame.pixels), corners(four_corners()[..., ::-1]), atol=12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_in_a_text_of_a_png_as_by_imagemagick(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    block = exif.tobytes()
    text = PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    stored = Image.fromarray(stored_as(four_corners(), orientation))
    frame = decoder().decode(save(stored, "PNG", pnginfo=text))
    assert (frame.width, frame.height) == (96, 64)
    assert corners(frame.pixels) == corners(four_corners()[..., ::-1])


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(value: int) -> None:
    frame = decoder().decode(save(Image.fromarray(four_corners()), "JPEG", value))
    assert (frame.width, frame.height) == (96, 64)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("tail", [b"junk", b"II\x2a\0\xff\xff\xff\xff", b"MM\0\x2a\0\0\0\x08\0\x02\x01"])
def test_a_broken_exif_block_does_not_spoil_the_picture(tail: bytes) -> None:
    frame = decoder().decode(save(portrait(64), "JPEG", exif=b"Exif\0\0" + tail))
    assert (frame.width, frame.height) == (64, 64)
