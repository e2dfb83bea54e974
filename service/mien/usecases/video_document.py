"""A clip's answer as plain JSON values: the same for the service and the command line.

Times are rounded to a millisecond, boxes to a hundredth of a pixel, scores to four decimals: equal analyses give equal
bytes, and scores still sum to 1 within 0.0005.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mien.timeline.model import FaceRow, FrameRow, Person, Segment, Summary, Timeline
from mien.usecases.analyze_video import VideoAnalysis

Document = dict[str, Any]


def encoded(value: object) -> str:
    """``value`` as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def analysis_chunks(analysis: VideoAnalysis, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The whole answer as pieces of one JSON object, a row and a person at a time: the text is never there as a whole.

    ``before`` and ``after`` are further members, put first and last.
    """
    timeline = analysis.timeline
    yield encoded({**before, "video": _video(analysis)})[:-1] + ',"timeline":'
    yield from _array(row_document(row, timeline.labels) for row in timeline.rows)
    yield from _account(timeline, after)


def account_chunks(analysis: VideoAnalysis, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The same without the rows."""
    yield encoded({**before, "video": _video(analysis)})[:-1]
    yield from _account(analysis.timeline, after)


def _account(timeline: Timeline, after: Mapping[str, Any]) -> Iterator[str]:
    yield ',"people":'
    yield from _array(_person(person) for person in timeline.people)
    yield "," + encoded({"summary": _summary(timeline.summary), **after})[1:]


def _array(values: Iterable[Document]) -> Iterator[str]:
    before = "["
    for value in values:
        yield before + encoded(value)
        before = ","
    yield "]" if before == "," else "[]"


def _video(analysis: VideoAnalysis) -> Document:
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
