"""Faces without votes are cut out of photographs as the service cuts them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.emotion import data, unlabelled
from training.emotion.labels import NO_LABEL

EYES_TO_MOUTH = [[0.3, 0.35], [0.7, 0.35], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]


def face(left: float, top: float, side: float, **more: object) -> dict[str, object]:
    landmarks = [place for x, y in EYES_TO_MOUTH for place in (left + x * side, top + y * side)]
    return {"box": [left, top, side, side], "landmarks": landmarks, "score": 0.9, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs: the first of a source is held out. Faces are bright squares on black."""
    (tmp_path / "faces").mkdir()
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[20:80, 40:100] = 200
    rows = []
    for name in ("held.png", "kept.png"):
        cv2.imwrite(str(tmp_path / "faces" / name), pixels)
        faces = [face(40, 20, 60), face(200, 20, 60, ignore=True), face(200, 120, 20), {"box": [10, 120, 60, 60]}]
        rows.append({"file": name, "source": "street", "width": 300, "height": 200, "faces": faces})
    (tmp_path / "faces" / "boxes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def test_only_whole_faces_of_photographs_that_are_not_held_out(folder: Path):
    faces = unlabelled.load(folder)
    assert faces.images.shape == (1, 48, 48)
    assert not faces.votes.any()
    assert (faces.fer2013 == NO_LABEL).all()
    assert (faces.images[0, 12:36, 12:36] == 200).all()  # the face fills the tile


def test_a_photograph_that_cannot_be_read_is_named(folder: Path):
    (folder / "faces" / "kept.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"kept\.png"):
        unlabelled.load(folder)


def test_they_stand_behind_the_labelled_ones(folder: Path):
    both = unlabelled.load(folder).joined(unlabelled.load(folder)).joined(data.nobody())
    assert len(both) == 2
