"""A picture's result as JSON values: the same for the service and the command line.

Boxes and landmarks are rounded to a hundredth of a pixel and probabilities to four decimals, so that equal results give
equal bytes and the scores of one face still sum to 1 within 0.0005.
"""

import json
from typing import Any

from mien.domain import Box, Face, StageTimes
from mien.usecases.analyze_image import PictureResult

Document = dict[str, Any]

_LANDMARKS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")


def to_json(value: object) -> str:
    """``value`` as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def picture_document(picture: PictureResult, error: Document | None = None) -> Document:
    """One picture; ``error`` describes ``picture.error``."""
    return {
        "index": picture.index,
        "name": picture.name,
        "width": picture.width,
        "height": picture.height,
        "warnings": list(picture.warnings),
        "faces": [face_document(face) for face in picture.faces],
        "error": error,
    }


def face_document(face: Face) -> Document:
    """One face of a picture."""
    quality = face.quality
    return {
        "box": box_document(face.box),
        "confidence": unit(face.confidence),
        "landmarks": {name: [pixels(value) for value in getattr(face.landmarks, name)] for name in _LANDMARKS},
        "emotion": face.emotion,
        "score": unit(face.score),
        "uncertain": face.uncertain,
        "scores": {label: unit(score) for label, score in face.scores.items()},
        "valence": unit(face.valence),
        "quality": {
            "sharpness": unit(quality.sharpness),
            "brightness": unit(quality.brightness),
            "size": pixels(quality.size),
            "pose": unit(quality.pose),
            "ok": quality.ok,
            "reasons": list(quality.reasons),
        },
    }


def box_document(box: Box) -> Document:
    """A box in pixels of the upright picture."""
    return {"x": pixels(box.x), "y": pixels(box.y), "width": pixels(box.width), "height": pixels(box.height)}


def timing_document(times: StageTimes, waited_ms: float) -> Document:
    """Milliseconds per stage; ``waited_ms``, the wait for a thread, is added to the queue and the total."""
    return {
        "queue": round(times.queue + waited_ms, 2),
        "decode": round(times.decode, 2),
        "detect": round(times.detect, 2),
        "classify": round(times.classify, 2),
        "total": round(times.total + waited_ms, 2),
    }


def pixels(value: float) -> float:
    """Rounded to a hundredth."""
    return round(float(value), 2)


def unit(value: float) -> float:
    """A probability, or another number between -1 and 1, rounded to four decimals."""
    return round(float(value), 4)
