from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from mien.domain import U8Array
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
def test_a_reduced_decode_is_turned_too(orientation: int) -> None:
    stored = Image.fromarray(stored_as(four_corners(960, 640), orientation))
    frame = decoder().decode(save(stored, "JPEG", orientation), detector_side=80)
    assert (frame.width, frame.height) == (960, 640)
    assert frame.pixels.shape == (160, 240, 3)
    np.testing.assert_allclose(corners(frame.pixels), corners(four_corners()[..., ::-1]), atol=12)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["avi", "mov"])
def test_a_camera_that_writes_jpegs_into_a_clip_says_how_it_was_held(
    tmp_path: Path, form: str, orientation: int
) -> None:
    stored = save(Image.fromarray(stored_as(four_corners(), orientation)), "JPEG", orientation)
    path = wrap_pictures(tmp_path / f"clip.{form}", "mjpeg", "yuvj444p", [stored] * 3)
    with Clip(path, Sampling(None), ClipLimits()) as clip:
        frames = list(clip.frames())
    assert [(frame.width, frame.height) for frame in frames] == [(96, 64)] * 3
    np.testing.assert_allclose(corners(frames[2].pixels), corners(four_corners()[..., ::-1]), atol=12)


@pytest.mark.parametrize("with_exif", [False, True])
@pytest.mark.parametrize("name", WITH_XMP)
def test_xmp_turns_nothing(name: str, with_exif: bool) -> None:
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
def test_exif_that_imagemagick_put_into_the_text_of_a_png(orientation: int) -> None:
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
