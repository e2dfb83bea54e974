"""Detectors behind one method: ours by the service's own code, and the peer, so that both are measured alike."""

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from mien.runtime import Session
from mien.store import StoredModel
from mien.vision.boxes import Detections
from mien.vision.calibration import AS_IT_IS, ScoreCalibration
from mien.vision.detector import OUTPUTS, DetectorSpec, FaceDetector
from training.common.stages import sha256
from training.detector.data import Image

STRIDES = (8, 16, 32)
MULTIPLE = 32
NMS_IOU = 0.45
FAST, ACCURATE = 320, 640  # px, the long side of an input
MIN_SCORE = 0.02  # far below any useful threshold: the precision-recall curve needs its tail
MAX_FACES = 1000
MIN_SIDE = 8.0  # px of the input: the side from which faces are found, as the manifest tells the service


class Detector(Protocol):
    """Anything that finds faces in a uint8 [h, w, 3] BGR picture fitted to `long_side` pixels."""

    def detect(self, picture: Image, long_side: int) -> Detections:
        """Boxes, scores and landmarks in pixels of `picture`, best score first."""


class Ours:
    """A file of ours: the service's letterbox, non-maximum suppression and box voting. Its scores are calibrated."""

    def __init__(self, path: Path, min_score: float = MIN_SCORE, calibration: ScoreCalibration = AS_IT_IS) -> None:
        stored = StoredModel("face-detector", "", path.parent, {"file": path.name, "sha256": sha256(path)})
        spec = DetectorSpec(STRIDES, MULTIPLE, min_score, NMS_IOU, MIN_SIDE)
        self._detector, self._min_score = FaceDetector(Session(stored, OUTPUTS), spec), min_score
        self._calibration = calibration

    def detect(self, picture: Image, long_side: int) -> Detections:
        """See `Detector.detect`."""
        found = self._detector.detect(picture, long_side, self._min_score, MAX_FACES)
        return Detections(found.boxes, self._calibration.probability(found.scores), found.landmarks)

    def letterbox(self, picture: Image, long_side: int) -> Image:
        """The network's input [1, h, w, 3]."""
        return self._detector.prepare(picture, long_side).image


class Yunet:
    """The peer and teacher, YuNet-n, as OpenCV runs it."""

    def __init__(self, path: Path, min_score: float = MIN_SCORE) -> None:
        self._detector = cv2.FaceDetectorYN.create(str(path), "", (FAST, FAST), min_score, NMS_IOU, MAX_FACES)

    def detect(self, picture: Image, long_side: int) -> Detections:
        """See `Detector.detect`."""
        height, width = picture.shape[:2]
        scale = long_side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._detector.setInputSize(size)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        faces = self._detector.detect(cv2.resize(picture, size, interpolation=method))[1]
        rows = np.zeros((0, 15), np.float32) if faces is None else np.asarray(faces, np.float32)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return Detections(boxes, rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2)).transform(1 / scale)
