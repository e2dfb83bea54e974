"""The plain way: FastAPI with nothing but ``UploadFile``, OpenCV's decoder and the two networks of Mien's store.

Served by ``uvicorn --factory benchmarks.speed.peers.plain:create_app``. One letterbox of 320 px, as ``detector=fast``
has it, and one upright crop per face; no limits, no checks, no orientation, no quality, no metrics; everything else
as the libraries' documentation shows it.
"""

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
from fastapi import FastAPI, UploadFile

from mien.store import default_store

_SIDE = 320  # px
_STRIDES = (8, 16, 32)
_MULTIPLE = 32
_SCORE, _IOU = 0.6, 0.45
_LABELS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")


def create_app() -> FastAPI:
    """The service: ``POST /predict`` with a multipart ``file``."""
    app = FastAPI()
    app.post("/predict")(partial(predict, _session("face-detector"), _session("emotion")))
    return app


def predict(detector: Any, classifier: Any, file: UploadFile) -> dict[str, object]:
    """Boxes in pixels of the picture and scores of the faces."""
    picture: Any = cv2.imdecode(np.frombuffer(file.file.read(), np.uint8), cv2.IMREAD_COLOR)
    boxes = detect(detector, picture)
    if not len(boxes):
        return {"faces": []}
    crops = np.stack([_crop(picture, box) for box in boxes])[..., None]
    (logits,) = classifier.run(["ferplus"], {"images": crops})
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores = weights / weights.sum(axis=1, keepdims=True)
    rows = zip(boxes.tolist(), scores.tolist(), strict=True)
    return {"faces": [{"box": box, "scores": dict(zip(_LABELS, row, strict=True))} for box, row in rows]}


def detect(detector: Any, picture: Any) -> Any:
    """Boxes, float [n, 4]: left, top, width, height in pixels of ``picture``."""
    height, width = picture.shape[:2]
    scale = _SIDE / max(height, width)
    small = cv2.resize(picture, (round(width * scale), round(height * scale)))
    down, right = (-side % _MULTIPLE for side in small.shape[:2])
    image = cv2.copyMakeBorder(small, 0, down, 0, right, cv2.BORDER_CONSTANT)
    scores, distances = (one[0] for one in detector.run(["scores", "boxes"], {"images": image[None]}))
    kept = np.flatnonzero(scores >= _SCORE)
    centres = _centres(*image.shape[:2])[kept]
    corners = np.concatenate([centres - distances[kept, :2], distances[kept, :2] + distances[kept, 2:]], axis=1)
    best = cv2.dnn.NMSBoxes(corners.tolist(), scores[kept].tolist(), _SCORE, _IOU)
    return corners[np.asarray(best, np.intp).ravel()] / scale


def _session(name: str) -> Any:
    newest = max((default_store() / name).glob("*/model.onnx"), key=_version)
    return ort.InferenceSession(newest, providers=["CPUExecutionProvider"])


def _version(path: Path) -> int:
    return int(path.parent.name)


def _centres(height: int, width: int) -> Any:
    levels = []
    for stride in _STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        levels.append((np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride)
    return np.concatenate(levels)


def _crop(picture: Any, box: Any) -> Any:
    """The box in grey, uint8 [48, 48]."""
    left, top, width, height = (max(0, round(float(value))) for value in box)
    grey = cv2.cvtColor(picture[top : top + max(1, height), left : left + max(1, width)], cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)
