from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.domain import U8Array
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, steps, write_clip


def texture(seed: int, width: int = 320, height: int = 180) -> U8Array:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def shots() -> Iterator[U8Array]:
    for seed in (1, 2, 3):
        for k in range(20):
            yield np.roll(texture(seed), 2 * k, axis=1)  # a panning camera


def scenes(path: Path, fps: float | None) -> list[tuple[int, int]]:
    with Clip(path, Sampling(fps), ClipLimits()) as clip:
        return [(frame.index, frame.scene) for frame in clip.frames()]


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_shot_boundaries_are_found_at_any_sampling_rate(tmp_path: Path, pix_fmt: str) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(60), shots(), Recipe(pix_fmt=pix_fmt))
    assert scenes(path, None) == [(k, k // 20) for k in range(60)]
    assert scenes(path, 5.0) == [(k, k // 20) for k in range(0, 60, 5)]


def test_flashes_and_fades_are_not_shot_boundaries(tmp_path: Path) -> None:
    base = texture(1)
    bright = [1.0] * 10 + [1.8, 1.8] + [1.0] * 10 + [1.0 - 0.05 * k for k in range(15)]
    pictures = [np.clip(base * b, 0, 255).astype(np.uint8) for b in bright]
    path = write_clip(tmp_path / "clip.mp4", steps(len(bright)), pictures)
    assert {scene for _, scene in scenes(path, None)} == {0}
