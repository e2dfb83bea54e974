"""Sheets, label orders, near-duplicates and faces of photographs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.emotion import data, targets
from training.emotion.data import BASIC7, FER2013_INDEX, FERPLUS8, NO_LABEL, VOTE_COLUMNS

SHARED = Path(__file__).parents[4] / "shared" / "data"


def test_vote_columns_and_outputs_stand_in_the_same_order():
    ours = {"happiness": "happy", "sadness": "sad", "anger": "angry"}
    assert tuple(ours.get(column, column) for column in VOTE_COLUMNS[:8]) == FERPLUS8


def test_fer2013_names_map_to_our_order():
    assert FER2013_INDEX == {
        "neutral": 0, "happy": 1, "surprise": 2, "sad": 3, "angry": 4, "disgust": 5, "fear": 6,
    }  # fmt: skip
    assert len(BASIC7) == 7


def test_crops_run_along_rows_of_forty():
    sheet = np.zeros((96, 40 * 48), dtype=np.uint8)
    sheet[48:, 3 * 48 : 4 * 48] = 7
    assert (data.crop_at(sheet, 43) == 7).all()
    assert not data.crop_at(sheet, 3).any()


def test_loads_one_split_in_csv_order(tmp_path: Path):
    folder = tmp_path / "emotions"
    folder.mkdir()
    sheet = np.zeros((48, 40 * 48), dtype=np.uint8)
    for position in range(40):
        sheet[:, position * 48 : (position + 1) * 48] = position
    cv2.imwrite(str(folder / "train-00.png"), sheet)
    header = "split,sheet,position,ferplus_row," + ",".join(VOTE_COLUMNS) + ",fer2013"
    rows = ["train,train-00.png,5,0,9,1,0,0,0,0,0,0,0,0,angry", "valid,none.png,0,1,0,0,0,0,0,0,0,0,0,0,sad"]
    rows.append("train,train-00.png,2,2,0,0,0,0,0,0,0,0,3,7,")
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")

    faces = data.load(tmp_path, "train")

    assert faces.images[:, 0, 0].tolist() == [5, 2]
    assert faces.votes[1].tolist() == [0] * 8 + [3, 7]
    assert faces.fer2013.tolist() == [BASIC7.index("angry"), NO_LABEL]


def test_a_missing_sheet_is_named(tmp_path: Path):
    (tmp_path / "emotions").mkdir()
    header = "split,sheet,position,ferplus_row," + ",".join(VOTE_COLUMNS) + ",fer2013"
    (tmp_path / "emotions" / "labels.csv").write_text(header + "\ntrain,gone.png,0,0" + ",0" * 10 + ",sad\n")
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        data.load(tmp_path, "train")


def test_near_duplicates_are_found_in_other_light_and_mirrored():
    rng = np.random.default_rng(0)
    mine = rng.integers(0, 256, (5, 48, 48), dtype=np.uint8)
    brighter = (mine[1] * 0.5 + 90).astype(np.uint8)
    others = np.stack([brighter, mine[3, :, ::-1], rng.integers(0, 256, (48, 48), dtype=np.uint8)])
    assert data.near_duplicates(mine, others, block=2).tolist() == [False, True, False, True, False]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the training data is not on this machine")
def test_the_shared_data_has_the_counts_of_the_papers():
    faces = data.load(SHARED, "valid")
    kept, _ = targets.protocol_a(faces.votes)
    assert (len(faces), int(kept.sum())) == (3579, 3199)


EYES_TO_MOUTH = [[0.3, 0.35], [0.7, 0.35], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]


def labelled_face(left: float, top: float, side: float, **more: object) -> dict[str, object]:
    landmarks = [[left + x * side, top + y * side] for x, y in EYES_TO_MOUTH]
    return {"box": [left, top, side, side], "landmarks": landmarks, "score": 0.9, **more}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two photographs: the first of a source is held out. Faces are bright squares on black."""
    (tmp_path / "faces").mkdir()
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[20:80, 40:100] = 200
    rows = []
    for name in ("held.png", "kept.png"):
        cv2.imwrite(str(tmp_path / "faces" / name), pixels)
        faces = [labelled_face(40, 20, 60), labelled_face(200, 20, 60, ignore=True), labelled_face(200, 120, 20)]
        faces.append({"box": [10, 120, 60, 60]})
        rows.append({"file": name, "source": "street", "width": 300, "height": 200, "faces": faces})
    (tmp_path / "faces" / "boxes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def test_only_whole_faces_of_photographs_that_are_not_held_out(photographs: Path):
    faces = data.load_photograph_faces(photographs, np.zeros((1, 48, 48), np.uint8))
    assert faces.images.shape == (1, 48, 48)
    assert not faces.votes.any()
    assert (faces.fer2013 == NO_LABEL).all()
    assert (faces.images[0, 12:36, 12:36] == 200).all()  # the face fills the crop
    assert len(faces.joined(faces)) == 2


def test_faces_that_are_in_valid_as_well_are_left_out(photographs: Path):
    faces = data.load_photograph_faces(photographs, np.zeros((1, 48, 48), np.uint8))
    assert len(data.load_photograph_faces(photographs, faces.images[:, :, ::-1])) == 0
