"""What is measured: the service's own search in each mode, and the peer at the inputs of ours."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.search.scenes import FloatArray, Image
from benchmarks.search.table import Bench
from mien.domain import AnalyzeOptions, DetectorMode, Face, Frame, FrameResult
from mien.engine.local import LocalEngine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits

PEER_THRESHOLD = 0.6
MIN_FACE = 8.0
SAME = 0.35  # overlap from which a box is that of a face


@dataclass(frozen=True, eq=False)
class Finder:
    """A name and a function from a picture to boxes, float32 [n, 4] left, top, right, bottom."""

    name: str
    find: Callable[[Image], FloatArray]


def ours(engine: LocalEngine, mode: DetectorMode) -> Finder:
    """The service's search. Large pictures pass through a JPEG file, as uploads do."""
    options = AnalyzeOptions(detector=mode, min_face=MIN_FACE, max_faces=1000)
    return Finder(str(mode), lambda picture: boxes_of(analyze(engine, picture, options).faces))


def peer_file(bench: Bench) -> Path:
    return bench.shared / "teacher" / "yunet_n.onnx"


def peers(bench: Bench, sides: tuple[int, ...] = (320, 640)) -> list[Finder]:
    """YuNet-n at these inputs; none if its file is not here."""
    path = peer_file(bench)
    return [Finder(f"{side}", partial(yunet, path=path, long_side=side)) for side in sides] if path.exists() else []


def analyze(engine: LocalEngine, picture: Image, options: AnalyzeOptions) -> FrameResult:
    """The service's answer to ``picture``, uint8 [h, w, 3] BGR."""
    height, width = picture.shape[:2]
    frame = Frame(picture, width, height)
    if max(height, width) > 4000:
        data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 92))[1].tobytes()
        side = engine.detector_side(options.detector)
        frame = PictureDecoder(DecodeLimits(), concurrency=1).decode(data, detector_side=side)
    (result,) = engine.analyze([frame], options)
    return result


def boxes_of(faces: tuple[Face, ...]) -> FloatArray:
    rows = [(f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height) for f in faces]
    return np.asarray(rows, np.float32).reshape(-1, 4)


def yunet(picture: Image, path: Path, long_side: int) -> FloatArray:
    """The peer as OpenCV runs it."""
    height, width = picture.shape[:2]
    scale = long_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    detector = cv2.FaceDetectorYN.create(str(path), "", size, PEER_THRESHOLD, 0.45, 1000)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    faces = detector.detect(cv2.resize(picture, size, interpolation=method))[1]
    rows = np.zeros((0, 15), np.float32) if faces is None else np.asarray(faces, np.float32)
    return np.asarray(np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1) / scale, np.float32)


def overlaps(one: FloatArray, other: FloatArray) -> FloatArray:
    """Intersection over union of boxes [n, 4] and [m, 4]: [n, m]."""
    size = np.minimum(one[:, None, 2:], other[None, :, 2:]) - np.maximum(one[:, None, :2], other[None, :, :2])
    shared = np.maximum(size, 0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-6), np.float32)


def count(found: FloatArray, faces: FloatArray) -> tuple[int, int]:
    """How many ``faces`` are found, each by a box of its own, and how many boxes are left over."""
    shared = overlaps(faces, found)
    hits = 0
    while shared.size and shared.max() >= SAME:
        face, box = np.unravel_index(np.argmax(shared), shared.shape)
        hits += 1
        shared[face, :] = shared[:, box] = 0
    return hits, len(found) - hits
