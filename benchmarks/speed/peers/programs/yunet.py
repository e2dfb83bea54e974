"""YuNet-n and a network of mini-XCEPTION's shape through onnxruntime: what a short program of one's own would run.

YuNet-n (Wu, Peng and Yu 2023) is the detector that OpenCV ships outside its wheels; the file is not part of the
project. The second network has random weights: its answers mean nothing, and its time is that of the real one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort

from benchmarks.speed.peers.programs import Analyze, Unavailable
from benchmarks.speed.peers.programs.decoding import decode
from benchmarks.speed.peers.programs.mini_xception import SIDE, mini_xception

_FILE = Path("../shared/teacher/yunet_n.onnx")
_STRIDES = (8, 16, 32)
_MULTIPLE = 32
_SCORE, _IOU = 0.6, 0.45


def load(setting: str) -> Analyze:
    """See the package; ``setting`` is the long side in px that pictures are fitted to."""
    if not _FILE.exists():
        raise Unavailable(f"{_FILE} is not here. It is yunet_n.onnx, or face_detection_yunet of OpenCV's model zoo.")
    long_side = int(setting)
    detector, classifier = _session(_FILE.read_bytes()), _session(mini_xception())
    outputs = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox") for stride in _STRIDES]

    def analyze(files: Sequence[bytes]) -> int:
        found = 0
        for data in files:
            picture = decode(data)
            image, scale = _fit(picture, long_side)
            values = detector.run(outputs, {"input": image.transpose(2, 0, 1)[None].astype(np.float32)})
            boxes = _decode(values, image.shape[1]) / scale
            if len(boxes):
                classifier.run(None, {"images": np.stack([_crop(picture, box) for box in boxes])})
            found += len(boxes)
        return found

    return analyze


def _session(graph: bytes) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _fit(picture: Any, long_side: int) -> tuple[Any, float]:
    """The picture scaled and padded to whole cells, and pixels of it per pixel of the picture."""
    height, width = picture.shape[:2]
    scale = long_side / max(height, width)
    small = cv2.resize(picture, (max(1, round(width * scale)), max(1, round(height * scale))))
    down, right = (-side % _MULTIPLE for side in small.shape[:2])
    return cv2.copyMakeBorder(small, 0, down, 0, right, cv2.BORDER_CONSTANT), scale


def _decode(values: list[Any], width: int) -> Any:
    """Boxes float [n, 4] (left, top, width, height) as FaceDetectorYN decodes them, of an input of this width."""
    boxes, scores = [], []
    for stride, cls, obj, box in zip(_STRIDES, values[:3], values[3:6], values[6:], strict=True):
        cell_scores = np.sqrt(np.clip(cls[0, :, 0], 0, 1) * np.clip(obj[0, :, 0], 0, 1))
        kept = np.flatnonzero(cell_scores >= _SCORE)
        rows, columns = np.divmod(kept, width // stride)
        centres = (np.stack([columns, rows], axis=1) + box[0, kept, :2]) * stride
        sides = np.exp(box[0, kept, 2:]) * stride
        boxes.append(np.concatenate([centres - sides / 2, sides], axis=1))
        scores.append(cell_scores[kept])
    found, found_scores = np.concatenate(boxes), np.concatenate(scores)
    best = cv2.dnn.NMSBoxes(found.tolist(), found_scores.tolist(), _SCORE, _IOU)
    return found[np.asarray(best, np.intp).ravel()]


def _crop(picture: Any, box: Any) -> Any:
    left, top, width, height = (round(float(value)) for value in box)
    face = picture[max(0, top) : max(0, top) + max(1, height), max(0, left) : max(0, left) + max(1, width)]
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (SIDE, SIDE)).astype(np.float32)[None] / 127.5 - 1
