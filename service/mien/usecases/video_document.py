"""A clip's analysis as JSON text: the same for the service and the command line.

Numbers are rounded as in ``picture_document``, times to a millisecond.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mien.timeline.model import FaceRow, FrameRow, Person, Segment, Summary, Timeline
from mien.usecases.analyze_video import VideoAnalysis
from mien.usecases.picture_document import Document, box_document, to_json, unit


def analysis_chunks(analysis: VideoAnalysis, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The whole document as pieces of one JSON object, one row or person each, so that memory never holds it whole.

    ``before`` and ``after`` are further members, put first and last.
    """
    timeline = analysis.timeline
    yield to_json({**before, "video": video_document(analysis)})[:-1] + ',"timeline":'
    yield from _array(row_document(row, timeline.labels) for row in timeline.rows)
    yield from _people_and_summary(timeline, after)


def summary_chunks(analysis: VideoAnalysis, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The same without the timeline."""
    yield to_json({**before, "video": video_document(analysis)})[:-1]
    yield from _people_and_summary(analysis.timeline, after)


def _people_and_summary(timeline: Timeline, after: Mapping[str, Any]) -> Iterator[str]:
    yield ',"people":'
    yield from _array(_person(person) for person in timeline.people)
    yield "," + to_json({"summary": _summary(timeline.summary), **after})[1:]


def _array(values: Iterable[Document]) -> Iterator[str]:
    separator = "["
    for value in values:
        yield separator + to_json(value)
        separator = ","
    yield "]" if separator == "," else "[]"


def video_document(analysis: VideoAnalysis) -> Document:
    """The clip as it was read."""
    info = analysis.info
    return {
        "duration": _time(analysis.duration),
        "width": info.width,
        "height": info.height,
        "frames_decoded": analysis.frames_decoded,
        "frames_analyzed": analysis.frames_analyzed,
        "rotation": info.rotation,
        "codec": info.codec,
        "warnings": list(analysis.warnings),
    }


def row_document(row: FrameRow, labels: tuple[str, ...]) -> Document:
    """One sampled frame."""
    return {"time": _time(row.time), "frame": row.frame, "faces": [_face(face, labels) for face in row.faces]}


def _face(face: FaceRow, labels: tuple[str, ...]) -> Document:
    return {
        "person": face.person,
        "box": box_document(face.box),
        "confidence": unit(face.confidence),
        "emotion": face.emotion,
        "score": unit(face.score),
        "scores": {label: unit(score) for label, score in zip(labels, face.scores, strict=True)},
    }


def _person(person: Person) -> Document:
    return {
        "person": person.person,
        "first_seen": _time(person.first_seen),
        "last_seen": _time(person.last_seen),
        "screen_time": _time(person.screen_time),
        "dominant": person.dominant,
        "mean_scores": {label: unit(score) for label, score in person.mean_scores.items()},
        "segments": [_segment(segment) for segment in person.segments],
    }


def _segment(segment: Segment) -> Document:
    return {
        "start": _time(segment.start),
        "end": _time(segment.end),
        "emotion": segment.emotion,
        "mean_score": unit(segment.mean_score),
        "peak_time": _time(segment.peak_time),
    }


def _summary(summary: Summary) -> Document:
    return {
        "dominant": summary.dominant,
        "share": {label: unit(part) for label, part in summary.share.items()},
        "faces_per_frame": {"mean": round(summary.mean_faces, 3), "max": summary.max_faces},
    }


def _time(seconds: float) -> float:
    return round(float(seconds), 3)
