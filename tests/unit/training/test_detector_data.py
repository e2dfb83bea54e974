"""Labels, the hold-out rule and the pixel cache of the detector's photographs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.detector import data


def _row(source: str, **face: object) -> dict[str, object]:
    return {"file": "images/a.png", "width": 6, "height": 4, "source": source, "faces": [face] if face else []}


def test_every_tenth_photograph_of_each_source_is_held_out_in_file_order(tmp_path: Path) -> None:
    rows = [_row("fddb" if i % 2 else "objects") for i in range(42)]
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "boxes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    photographs = data.load_photographs(tmp_path)
    held = [(p.source, p.index) for p in photographs if p.held_out]
    assert held == [("objects", 0), ("fddb", 0), ("objects", 10), ("fddb", 10), ("objects", 20), ("fddb", 20)]


def test_boxes_become_corners_and_what_is_unknown_becomes_nan() -> None:
    parsed = data.parse(_row("fddb", box=[10.0, 20.0, 30.0, 40.0], ignore=True), 3)
    np.testing.assert_array_equal(parsed.boxes, [[10, 20, 40, 60]])
    assert np.isnan(parsed.human_boxes).all()
    assert np.isnan(parsed.landmarks).all()
    assert parsed.landmarks.shape == (1, 5, 2)
    assert parsed.ignore.tolist() == [True]


def test_a_photograph_without_faces_has_empty_labels() -> None:
    parsed = data.parse(_row("objects"), 0)
    assert parsed.boxes.shape == (0, 4)
    assert parsed.landmarks.shape == (0, 5, 2)


def test_the_cache_gives_back_the_pixels_and_refuses_a_picture_of_another_size(tmp_path: Path) -> None:
    (tmp_path / "faces" / "images").mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "faces" / "images" / "a.png"), picture)
    photographs = [data.parse(_row("fddb"), 0), data.parse(_row("fddb"), 1)]
    cache = data.PixelCache(tmp_path / "pixels", photographs)
    cache.build(tmp_path, photographs)
    np.testing.assert_array_equal(cache[1], picture)

    cv2.imwrite(str(tmp_path / "faces" / "images" / "a.png"), picture[:2])
    other = data.PixelCache(tmp_path / "other", photographs)
    with pytest.raises(ValueError, match=r"a\.png"):
        other.build(tmp_path, photographs)
