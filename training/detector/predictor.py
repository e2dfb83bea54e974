"""Detectors behind one method: ours by the service's own code, and the peer, so that both are measured alike."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime

from mien.runtime import Session, exact_sums
from mien.store import StoredModel
from mien.vision.boxes import Detections, nms
from mien.vision.detector import OUTPUTS, DetectorSpec, FaceDetector
from training.common.store import sha256
from training.detector.data import FloatArray, Image

STRIDES = (8, 16, 32)
MULTIPLE = 32
NMS_IOU = 0.45
FAST, ACCURATE = 320, 640  # px, the long side of an input
LOWEST_SCORE = 0.02  # far below any useful threshold: the precision-recall curve needs its tail
MAX_FACES = 1000


class Detector(Protocol):
    """Anything that finds faces in a uint8 [h, w, 3] BGR picture fitted to `long_side` pixels."""

    def detect(self, picture: Image, long_side: int) -> Detections: ...


class Ours:
    """A file of ours: the service's letterbox, suppression and box voting."""

    def __init__(self, path: Path, lowest: float = LOWEST_SCORE) -> None:
        stored = StoredModel("face-detector", "", path.parent, {"file": path.name, "sha256": sha256(path)})
        spec = DetectorSpec(STRIDES, MULTIPLE, lowest, lowest, lowest, NMS_IOU, FAST, ACCURATE)
        self._detector, self._lowest = FaceDetector(Session(stored, OUTPUTS), spec), lowest

    def detect(self, picture: Image, long_side: int) -> Detections:
        """Boxes, scores and landmarks in pixels of `picture`."""
        return self._detector.detect(picture, long_side, self._lowest, MAX_FACES)


class Yunet:
    """The peer, YuNet-n (OpenCV zoo): float planar BGR 0..255 in, twelve tensors out, decoded as OpenCV does."""

    def __init__(self, path: Path, lowest: float = LOWEST_SCORE) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        exact_sums(options)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._lowest = lowest

    def detect(self, picture: Image, long_side: int) -> Detections:
        """As `Ours.detect`; its boxes are its own best cells, as OpenCV has it."""
        canvas, scale = letterbox(picture, long_side)
        planar = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
        names = [output.name for output in self._session.get_outputs()]
        raw = dict(zip(names, self._session.run(None, {"input": planar}), strict=True))
        cls, obj, bbox, kps = (
            np.concatenate([np.asarray(raw[f"{part}_{stride}"])[0] for stride in STRIDES])
            for part in ("cls", "obj", "bbox", "kps")
        )
        corner, stride = _corners(*canvas.shape[:2])
        middle = corner + bbox[:, :2] * stride
        half = np.exp(bbox[:, 2:]) * stride / 2
        boxes = np.concatenate([middle - half, middle + half], axis=1, dtype=np.float32)
        scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1), dtype=np.float32)
        landmarks = (kps.reshape(-1, 5, 2) * stride[:, None] + corner[:, None]).astype(np.float32)
        likely = np.flatnonzero(scores >= self._lowest)
        kept = likely[nms(boxes[likely], scores[likely], NMS_IOU, MAX_FACES)]
        return Detections(boxes[kept] / np.float32(scale), scores[kept], landmarks[kept] / np.float32(scale))


def letterbox(picture: Image, long_side: int) -> tuple[Image, float]:
    """Longer side to `long_side`, black to the right and below up to multiples of 32, and the scale."""
    height, width = picture.shape[:2]
    scale = long_side / max(height, width)
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(picture, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    padded_width, padded_height = (-(-side // MULTIPLE) * MULTIPLE for side in fitted)
    canvas = np.zeros((padded_height, padded_width, 3), np.uint8)
    canvas[: fitted[1], : fitted[0]] = resized
    return canvas, scale


def _corners(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Corners [A, 2] and strides [A, 1] of all cells in input pixels."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        corners.append(np.stack([columns, rows], -1).reshape(-1, 2) * stride)
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
