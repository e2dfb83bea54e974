"""From the documents to what charts, tables and research formats are made from."""

from collections.abc import Sequence

from mien.domain import Face
from mien.results import documents
from mien.timeline.model import FaceRow, FrameRow, Person, Summary, Timeline

_SCENE = 0  # the documents do not tell shot boundaries, and a person never crosses one


def timeline_of(
    frames: Sequence[documents.TimelineFrame],
    people: Sequence[Person],
    summary: documents.Summary,
    labels: tuple[str, ...],
) -> Timeline:
    """The timeline, with the rounding of the documents."""
    return Timeline(
        labels,
        [FrameRow(row.time, row.frame, _SCENE, tuple(_row(face, labels) for face in row.faces)) for row in frames],
        people,
        Summary(summary.dominant, summary.share, summary.faces_per_frame.mean, summary.faces_per_frame.max),
    )


def _row(face: documents.PersonFace, labels: tuple[str, ...]) -> FaceRow:
    scores = tuple(face.scores[label] for label in labels)
    return FaceRow(face.person, face.box, face.confidence, face.emotion, face.score, scores)


def face_of(face: documents.Face) -> Face:
    """The face as it is drawn."""
    return Face(
        face.box,
        face.confidence,
        face.landmarks,
        face.emotion,
        face.score,
        face.uncertain,
        face.scores,
        face.valence,
        face.quality,
    )
