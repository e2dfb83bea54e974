"""A small timeline: two people in four frames, one of which is empty."""

from mien.domain import LABELS, Box, LabelSet
from mien.timeline.model import FaceRow, FrameRow, Person, Segment, Summary, Timeline

LABEL_SET = LABELS[LabelSet.BASIC5]
HAPPY, SAD = (0.1, 0.9, 0.0, 0.0, 0.0), (0.2, 0.0, 0.0, 0.8, 0.0)


def face(person: int, emotion: str, scores: tuple[float, ...]) -> FaceRow:
    return FaceRow(person, Box(10.0 * person, 20.0, 30.0, 40.0), 0.95, emotion, max(scores), scores)


def timeline() -> Timeline:
    rows = [
        FrameRow(0.0, 0, 0, (face(1, "happy", HAPPY),)),
        FrameRow(0.5, 12, 0, (face(1, "happy", HAPPY), face(2, "sad", SAD))),
        FrameRow(1.0, 25, 0, (face(1, "sad", SAD),)),
        FrameRow(1.5, 37, 0, ()),
    ]
    means = dict(zip(LABEL_SET, HAPPY, strict=True))
    people = [
        Person(
            1,
            0.0,
            1.0,
            1.5,
            "happy",
            means,
            (Segment(0.0, 1.0, "happy", 0.9, 0.5), Segment(1.0, 1.5, "sad", 0.8, 1.0)),
        ),
        Person(2, 0.5, 0.5, 0.5, "sad", means, (Segment(0.5, 1.0, "sad", 0.8, 0.5),)),
    ]
    return Timeline(LABEL_SET, rows, people, Summary("happy", means, 1.0, 2))
