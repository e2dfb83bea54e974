"""The search for faces in a picture: the detector's passes over a pyramid of scales, and one suppression of all finds.

What a pass finds depends on the picture alone, not on the other passes or on the score asked for, and a find is only
ever suppressed by one that scores more. So asking for more confidence never gives more faces, and a scale more never
costs a face that stands by itself.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import DetectorMode, U8Array
from mien.vision.boxes import Detections, area
from mien.vision.detector import FaceDetector
from mien.vision.duplicates import VOTING_SCORE, merge_passes
from mien.vision.pyramid import Pass, Tile, plan
from mien.vision.resampling import sample

MAX_DETECTIONS = 1000  # per tile and per picture: as many as callers may ask for

TURNED_DOUBT = 2.0
SEAM_MARGIN = 2.0  # px; a box that ends this close to a seam is cut off, and whole in the next tile


def search(
    detector: FaceDetector,
    pixels: U8Array,
    mode: DetectorMode,
    min_score: float | None = None,
    max_detections: int = MAX_DETECTIONS,
) -> Detections:
    """The best ``max_detections`` faces of ``uint8 [h, w, 3]`` BGR, in its pixels, best first.

    ``min_score``, of the network, replaces the one at the detector's threshold.
    """
    threshold = detector.spec.min_score if min_score is None else min_score
    height, width = pixels.shape[:2]
    finds: list[Detections] = []
    fitted = pixels
    for each in plan(width, height, mode, detector.spec.multiple):
        # Each scale is made from the next finer one, not from millions of pixels; an enlarged one adds nothing.
        fitted = _fit(fitted if each.long_side <= max(fitted.shape[:2]) <= max(width, height) else pixels, each)
        scale = max(width, height) / each.long_side
        parts = _detect(detector, fitted, each, min(threshold, VOTING_SCORE))
        finds += [part if scale == 1 else part.transform(scale) for part in parts]
    return merge_passes(finds, detector.spec.nms_iou, threshold).select(slice(max_detections))


def _fit(pixels: U8Array, each: Pass) -> U8Array:
    size = (each.width, each.height)
    if size == pixels.shape[1::-1]:
        return pixels
    if each.width <= pixels.shape[1] and each.height <= pixels.shape[0]:
        return sample(pixels, *size)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _detect(detector: FaceDetector, pixels: U8Array, each: Pass, threshold: float) -> Iterator[Detections]:
    """The faces that a pass owns, tile by tile, in pixels of the scaled picture ``pixels``."""
    turned = np.ascontiguousarray(np.rot90(pixels, each.quarters)) if each.quarters else pixels
    height, width = turned.shape[:2]
    for tile in each.tiles:
        part = turned[tile.top : tile.bottom, tile.left : tile.right]
        found = detector.detect(part, max(part.shape[:2]), threshold, MAX_DETECTIONS)
        if each.quarters:
            found = _doubted(found, threshold)
        if each.max_side < math.inf:
            found = found.select(area(found.boxes) <= each.max_side**2)
        if len(each.tiles) > 1:
            found = found.select(~_cut_off(found, tile, width, height)).transform(1, tile.left, tile.top)
        yield found.unrotate(each.quarters, each.width, each.height)


def _cut_off(found: Detections, tile: Tile, width: int, height: int) -> NDArray[np.bool_]:
    """Which boxes ``[n]``, in pixels of the tile, end at a seam of the scaled picture of ``width`` x ``height`` px."""
    left, top, right, bottom = found.boxes.T
    cut = ((left < SEAM_MARGIN) & (tile.left > 0)) | ((top < SEAM_MARGIN) & (tile.top > 0))
    cut |= (right > tile.right - tile.left - SEAM_MARGIN) & (tile.right < width)
    cut |= (bottom > tile.bottom - tile.top - SEAM_MARGIN) & (tile.bottom < height)
    return np.asarray(cut, dtype=np.bool_)


def _doubted(found: Detections, threshold: float) -> Detections:
    """Finds of a turned pass, whose doubt counts ``TURNED_DOUBT`` times: the detector learned what is no face from
    upright pictures, and hands and shoes that stand on their heads look more like faces to it."""
    scores = np.maximum(1 - np.float32(TURNED_DOUBT) * (1 - found.scores), 0)
    return Detections(found.boxes, scores, found.landmarks).select(scores >= threshold)
