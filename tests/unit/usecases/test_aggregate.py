import csv

import pytest

from mien.domain import Box
from mien.timeline.model import FaceRow, FrameRow
from mien.timeline.summary import summarize
from mien.usecases.aggregate import MIN_PEOPLE, WITHHELD, Aggregate, aggregate_csv, clip_aggregate, picture_aggregate
from mien.usecases.analyze_image import PictureResult
from tests.fakes import make_face

LABELS = ("happy", "sad", "neutral")
BOX = Box(0, 0, 9, 9)


def of_picture(*emotions: str) -> Aggregate:
    faces = tuple(make_face(BOX, emotion, labels=LABELS) for emotion in emotions)
    return picture_aggregate(PictureResult(0, None, 9, 9, faces), LABELS)


def of_clip(*frames: dict[int, str]) -> Aggregate:
    """Each frame: the emotion of each person."""
    rows = []
    for time, people in enumerate(frames):
        faces = []
        for person, emotion in people.items():
            scores = tuple(0.8 if label == emotion else 0.1 for label in LABELS)
            faces.append(FaceRow(person, BOX, 0.9, emotion, 0.8, scores))
        rows.append(FrameRow(float(time), time, 0, tuple(faces)))
    return clip_aggregate(summarize(rows, LABELS, float(len(frames))))


def test_faces_of_a_picture_are_counted() -> None:
    assert of_picture(*["happy"] * 4, "sad") == Aggregate(5, {"happy": 4, "sad": 1, "neutral": 0})


@pytest.mark.parametrize("count", range(MIN_PEOPLE))
def test_below_five_people_nothing_is_said(count: int) -> None:
    assert of_picture(*["happy"] * count) == WITHHELD
    assert of_clip(dict.fromkeys(range(count), "sad")) == WITHHELD
    assert WITHHELD.document() == {"people": None, "counts": None, "withheld": True}


def test_people_of_a_clip_are_counted_once_by_what_they_mostly_showed() -> None:
    first = dict.fromkeys(range(6), "happy")
    later = {**dict.fromkeys(range(5), "happy"), 5: "sad"}
    assert of_clip(first, later, later) == Aggregate(6, {"happy": 5, "sad": 1, "neutral": 0})


def test_people_one_after_the_other_may_be_one_person() -> None:
    assert of_clip(*({person: "happy"} for person in range(8))) == WITHHELD
    assert of_clip(dict.fromkeys(range(4), "happy"), dict.fromkeys(range(4, 8), "sad")) == WITHHELD


def test_the_table() -> None:
    counted = of_picture(*["happy"] * 4, "sad")
    text = "".join(aggregate_csv([(counted, ""), (WITHHELD, ""), (WITHHELD, "corrupt_media")], LABELS))
    assert list(csv.reader(text.splitlines())) == [
        ["index", "people", "withheld", "error", *LABELS],
        ["0", "5", "false", "", "4", "1", "0"],
        ["1", "", "true", "", "", "", ""],
        ["2", "", "true", "corrupt_media", "", "", ""],
    ]
