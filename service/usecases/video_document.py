"""A clip's answer as plain JSON values: the same for the service and the command line.

Times are rounded to a millisecond, boxes to a hundredth of a pixel, scores to four decimals: equal analyses give equal
bytes, and scores still sum to 1 within 0.0005.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from service.timeline.model import FaceRow, FrameRow, Person, Segment, Summary
from service.usecases.analyze_video import VideoAnalysis

Document = dict[str, Any]


def encoded(value: object) -> str:
    """``value`` as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def analysis_chunks(analysis: VideoAnalysis, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The whole answer as pieces of one JSON object, a row at a time: a long clip's text is never there twice.

    ``before`` and ``after`` are further members, put first and last.
    """
    head = encoded({**before, "video": video_document(analysis)})
    yield head[:-1] + ',"timeline":['
    labels = analysis.timeline.labels
    for at, row in enumerate(analysis.timeline.rows):
        yield ("," if at else "") + encoded(row_document(row, labels))
    yield "]," + encoded({**account_document(analysis), **after})[1:]


def video_document(analysis: VideoAnalysis) -> Document:
    """What was read."""
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


def account_document(analysis: VideoAnalysis) -> Document:
    """The people and the summary."""
    timeline = analysis.timeline
    return {"people": [_person(person) for person in timeline.people], "summary": _summary(timeline.summary)}


def _face(face: FaceRow, labels: tuple[str, ...]) -> Document:
    box = face.box
    return {
        "person": face.person,
        "box": {name: round(getattr(box, name), 2) for name in ("x", "y", "width", "height")},
        "confidence": _unit(face.confidence),
        "emotion": face.emotion,
        "score": _unit(face.score),
        "scores": {label: _unit(score) for label, score in zip(labels, face.scores, strict=True)},
    }


def _person(person: Person) -> Document:
    return {
        "person": person.person,
        "first_seen": _time(person.first_seen),
        "last_seen": _time(person.last_seen),
        "screen_time": _time(person.screen_time),
        "dominant": person.dominant,
        "mean_scores": {label: _unit(score) for label, score in person.mean_scores.items()},
        "segments": [_segment(segment) for segment in person.segments],
    }


def _segment(segment: Segment) -> Document:
    return {
        "start": _time(segment.start),
        "end": _time(segment.end),
        "emotion": segment.emotion,
        "mean_score": _unit(segment.mean_score),
        "peak_time": _time(segment.peak_time),
    }


def _summary(summary: Summary) -> Document:
    return {
        "dominant": summary.dominant,
        "share": {label: _unit(part) for label, part in summary.share.items()},
        "faces_per_frame": {"mean": round(summary.mean_faces, 3), "max": summary.max_faces},
    }


def _time(seconds: float) -> float:
    return round(float(seconds), 3)


def _unit(value: float) -> float:
    return round(float(value), 4)
