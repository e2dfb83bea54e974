"""Detectors behind one method, so that our file and the peer's are measured by the same code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from mien.runtime import exact_sums
from mien.vision.boxes import voting_weights
from mien.vision.detector import VOTE_IOU
from training.detector.data import FloatArray, Image

STRIDES = (8, 16, 32)
MULTIPLE = 32
NMS_IOU = 0.45
# far below any useful threshold: the precision-recall curve needs its tail
LOWEST_SCORE = 0.02


@dataclass(frozen=True, eq=False)
class Detections:
    """Best first: boxes [n, 4] x1 y1 x2 y2, scores [n], landmarks [n, 5, 2], in pixels of the picture given."""

    boxes: FloatArray
    scores: FloatArray
    landmarks: FloatArray


class Detector(Protocol):
    """Anything that finds faces in a uint8 [h, w, 3] BGR picture fitted to `long_side` pixels."""

    def detect(self, picture: Image, long_side: int) -> Detections: ...


def open_session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """onnxruntime on the CPU with this many threads, as the service opens it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    exact_sums(options)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def letterbox(picture: Image, long_side: int) -> tuple[Image, float]:
    """The service's fit: longer side to `long_side`, black to the right and below up to multiples of 32.

    Returns uint8 [h, w, 3] and the scale (input pixels per picture pixel).
    """
    height, width = picture.shape[:2]
    scale = long_side / max(height, width)
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(picture, fitted, interpolation=method), np.uint8)
    padded_width, padded_height = (-(-side // MULTIPLE) * MULTIPLE for side in fitted)
    canvas = np.zeros((padded_height, padded_width, 3), np.uint8)
    canvas[: fitted[1], : fitted[0]] = resized
    return canvas, scale


def grid(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Cell centres [A, 2] and strides [A] in input pixels: stride 8, 16, 32, row-major within a level."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        centres.append((np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(np.full(rows.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def suppress(boxes: FloatArray, scores: FloatArray, iou: float = NMS_IOU) -> npt.NDArray[np.intp]:
    """Greedy non-maximum suppression; indices of the kept boxes, best first."""
    order = np.argsort(-scores, kind="stable")
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    area = sides[:, 0] * sides[:, 1]
    kept: list[int] = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        overlap = np.maximum(high - low, 0).prod(axis=1)
        order = order[overlap <= iou * (area[best] + area[order] - overlap)]
    return np.array(kept, np.intp)


def _finish(boxes: FloatArray, scores: FloatArray, landmarks: FloatArray, scale: float) -> Detections:
    kept = suppress(boxes, scores)
    return Detections(boxes[kept] / np.float32(scale), scores[kept], landmarks[kept] / np.float32(scale))


def _voted(boxes: FloatArray, scores: FloatArray, landmarks: FloatArray, scale: float) -> Detections:
    """As `_finish`, but placed where neighbouring cells agree: what the service does with our file."""
    kept = suppress(boxes, scores)
    weights = voting_weights(kept, boxes, scores, VOTE_IOU)
    placed = (weights @ boxes / scale).astype(np.float32)
    points = (np.tensordot(weights, landmarks, axes=1) / scale).astype(np.float32)
    return Detections(placed, scores[kept], points)


class OnnxDetector:
    """Our file: the contract of the manifest (uint8 NHWC in; scores, distances and offsets in pixels out)."""

    def __init__(self, path: Path, lowest: float = LOWEST_SCORE, threads: int = 1) -> None:
        self._session = open_session(path, threads)
        self._lowest = lowest

    def detect(self, picture: Image, long_side: int) -> Detections:
        canvas, scale = letterbox(picture, long_side)
        scores, distances, offsets = (np.asarray(o)[0] for o in self._session.run(None, {"images": canvas[None]}))
        centres, _ = grid(*canvas.shape[:2])
        boxes = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
        landmarks = offsets.reshape(-1, 5, 2) + centres[:, None]
        likely = scores >= self._lowest
        return _voted(boxes[likely], scores[likely], landmarks[likely], scale)


class YunetDetector:
    """The peer, YuNet-n (OpenCV zoo): float planar BGR 0..255 in, twelve tensors out, decoded as OpenCV does."""

    def __init__(self, path: Path, lowest: float = LOWEST_SCORE, threads: int = 1) -> None:
        self._session = open_session(path, threads)
        self._lowest = lowest

    def detect(self, picture: Image, long_side: int) -> Detections:
        canvas, scale = letterbox(picture, long_side)
        planar = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
        names = [o.name for o in self._session.get_outputs()]
        raw = dict(zip(names, self._session.run(None, {"input": planar}), strict=True))
        cls, obj, bbox, kps = (
            np.concatenate([np.asarray(raw[f"{part}_{s}"])[0] for s in STRIDES])
            for part in ("cls", "obj", "bbox", "kps")
        )
        centres, strides = grid(*canvas.shape[:2])
        corner, stride = centres - strides[:, None] / 2, strides[:, None]  # YuNet counts from the cell's corner
        middle = corner + bbox[:, :2] * stride
        half = np.exp(bbox[:, 2:]) * stride / 2
        boxes = np.concatenate([middle - half, middle + half], axis=1, dtype=np.float32)
        scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1), dtype=np.float32)
        landmarks = (kps.reshape(-1, 5, 2) * stride[:, None] + corner[:, None]).astype(np.float32)
        likely = scores >= self._lowest
        return _finish(boxes[likely], scores[likely], landmarks[likely], scale)


def open_detector(path: Path, lowest: float = LOWEST_SCORE, threads: int = 1) -> Detector:
    """Ours or YuNet's, told apart by the name of the input."""
    name = open_session(path).get_inputs()[0].name
    kind = OnnxDetector if name == "images" else YunetDetector
    return kind(path, lowest, threads)
