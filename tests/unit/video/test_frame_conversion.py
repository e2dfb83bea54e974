"""Conversion to upright pixels, through the whole of reading a clip."""

import gc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mien.domain import Box
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, scene, steps, write_clip
from tests.unit.video.helpers import NATIVE, NO_LIMITS, read


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("counterclockwise", [0, 90, 180, -90])
def test_the_picture_is_rotated_upright(tmp_path: Path, counterclockwise: int, mirror: bool) -> None:
    coded = scene(160, 96, Box(16, 8, 40, 24))
    recipe = Recipe(rotation=counterclockwise, mirror=mirror)
    (frame,) = read(write_clip(tmp_path / "clip.mp4", [0.0], [coded], recipe))
    upright = np.rot90(coded, counterclockwise // 90)
    upright = upright[:, ::-1] if mirror else upright
    assert (frame.width, frame.height) == upright.shape[1::-1]
    assert np.abs(frame.pixels.astype(int) - upright).mean() < 6


def test_rotation_is_reported_clockwise(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [0.0], [scene(64, 48)], Recipe(rotation=-90))
    with Clip(path, Sampling(), ClipLimits()) as clip:
        assert (clip.info.rotation, clip.info.mirrored) == (90, False)
        assert (clip.info.width, clip.info.height) == (48, 64)


def test_anamorphic_pixels_are_made_square(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [0.0], [scene(120, 96)], Recipe(aspect=Fraction(4, 3)))
    (frame,) = read(path)
    assert (frame.width, frame.height) == (160, 96)
    assert frame.pixels.shape == (96, 160, 3)


def test_an_interlaced_frame_keeps_one_field(tmp_path: Path) -> None:
    pixels = scene(160, 120)
    pixels[0::2, 40:80] = 200
    pixels[1::2, 60:100] = 200
    options = (("flags", "+ilme+ildct"), ("field_order", "tt"), ("x264-params", "tff=1:qp=10"))
    with Clip(
        write_clip(tmp_path / "clip.mp4", [0.0], [pixels], Recipe(options=options)), Sampling(), ClipLimits()
    ) as c:
        (frame,) = c.frames()
    assert c.info.interlaced
    grey = frame.pixels[..., 1].astype(int)
    assert np.abs(np.diff(grey[:, 50:55], axis=0)).max() < 30  # no comb
    assert grey[:, 50:55].mean() > 180
    assert grey[:, 90:95].mean() < 110


def test_large_frames_are_reduced_and_report_their_full_size(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [0.0], [scene(1280, 720, Box(320, 180, 320, 180))], Recipe(rotation=90))
    with Clip(path, Sampling(), ClipLimits(), long_side=640) as clip:
        (frame,) = clip.frames()
    assert (frame.width, frame.height) == (720, 1280)
    assert frame.pixels.shape == (640, 360, 3)
    assert np.abs(frame.pixels[350:450, 100:170].astype(int) - (30, 30, 220)).mean() < 20


def test_frames_are_freed_without_the_garbage_collector(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50), Recipe(rotation=90))
    with Clip(path, NATIVE, NO_LIMITS) as clip:
        frames = clip.frames()
        next(frames)
        gc.collect()
        gc.disable()
        try:
            for _ in frames:
                pass
            assert gc.collect() < 20
        finally:
            gc.enable()
