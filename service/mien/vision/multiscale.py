"""Detection at several scales, by mode.

``fast`` is one pass at the small input size. Only if that finds no face does it run the large input as well.

``accurate`` runs both sizes: a face that fills the picture scores best at the small one. A detection at the large size
must be confirmed by a detection at the small size if it would be visible there: wheels and fists that look like faces
at one scale seldom do at both.

A face of 40 px in a 6,000 px photograph is 4 px at the large input size, below what any stride can resolve, so
``accurate`` also searches large pictures in overlapping tiles: at twice the large input size up to 1080p; beyond that
at full size up to 2,816 px, and then at three quarters of its size, where 40 px are still 30.

The detector handles faces that lean by about 30 degrees. A camera held sideways or upside down rotates them all, so if
``accurate`` finds no certain face it searches the three other rotations as well, at the small input size.

If all of this finds no face, weak detections that several passes share still count: see ``consensus``.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mien.domain import DetectorMode, U8Array
from mien.vision.boxes import Detections, area, intersection
from mien.vision.consensus import SAME_FACE_IOU, average_position, consensus, flip
from mien.vision.detector import FaceDetector, RawOutput
from mien.vision.duplicates import merge_passes
from mien.vision.resampling import sample, shrink

MAX_DETECTIONS = 1000  # per pass, and so per picture: as many as callers may ask for

CONFIRMING_SCORE = 0.3  # of the small input, to confirm a detection at the large one
MIN_CONFIRMED_SIDE = 40  # px of the large input, root of the area; half of it at the small one, which sees such faces
CERTAIN_SCORE = 0.88  # upright faces of some size seldom miss it, other things seldom reach it

TILE_SIDE = 1280  # px, at most: a few large tiles overlap least
TILE_OVERLAP = 96  # px; larger faces are left to the whole picture, where they have at least a fifth of this
SEAM_MARGIN = 2.0  # px; a box that ends this close to a seam is cut off, and whole in the next tile
# Long side of the tiled picture, in large input sides: full size up to FULL_SIZE, then SHARE of it up to MAX.
TILED_FULL_SIZE = 4.4
TILED_SHARE = 0.75
TILED_MAX = 7.1


def detect_multiscale(
    detector: FaceDetector,
    pixels: U8Array,
    mode: DetectorMode,
    min_score: float | None = None,
    max_detections: int = MAX_DETECTIONS,
) -> Detections:
    """The best ``max_detections`` faces of ``uint8 [h, w, 3]`` BGR, in its pixels, best first.

    ``min_score`` replaces the detector's own threshold. ``max_detections`` only cuts the result: passes confirm one
    another by all that each of them found.
    """
    spec = detector.spec
    threshold = spec.threshold_of(mode) if min_score is None else min_score
    consensus_threshold = max(min_score or 0.0, spec.consensus_threshold)
    detect = _fast if mode is DetectorMode.FAST else _accurate
    return detect(detector, pixels, threshold, consensus_threshold).select(slice(max_detections))


def _fast(detector: FaceDetector, pixels: U8Array, threshold: float, consensus_threshold: float) -> Detections:
    spec = detector.spec
    found = detector.detect(pixels, spec.fast_long_side, threshold, MAX_DETECTIONS)
    if found.scores.size:
        return found
    both = _run_both(detector, *_downscaled(pixels, spec.accurate_long_side, shrink))
    found = _merged(detector, _confirmed(detector, both, max(threshold, spec.accurate_threshold)))
    if not found.scores.size:
        return _consensus(detector, both, consensus_threshold)
    mirrored = detector.detect(flip(both.picture), spec.accurate_long_side, CONFIRMING_SCORE, MAX_DETECTIONS)
    return average_position(found, mirrored.unflip(both.picture.shape[1]).transform(1 / both.scale))


def _accurate(detector: FaceDetector, pixels: U8Array, threshold: float, consensus_threshold: float) -> Detections:
    side, long_side = detector.spec.accurate_long_side, max(pixels.shape[:2])
    # Each scale is made from the next larger one, not from millions of pixels.
    tiled, tiled_scale = _downscaled(pixels, _tiled_long_side(long_side, side), sample)
    picture, scale = _downscaled(tiled, side, shrink)
    both = _run_both(detector, picture, scale * tiled_scale)
    parts = _confirmed(detector, both, threshold)
    if long_side > 2 * side:
        parts += [found.transform(1 / tiled_scale) for found in _detect_in_tiles(detector, tiled, threshold)]
    found = _merged(detector, parts)
    if not found.scores.size:
        found = _consensus(detector, both, consensus_threshold)
    if found.scores.max(initial=0.0) >= CERTAIN_SCORE:
        return found
    rotated = _detect_rotated(detector, both.picture, max(threshold, CERTAIN_SCORE))
    return _merged(detector, [found, *(part.transform(1 / both.scale) for part in rotated)])


@dataclass(frozen=True, slots=True, eq=False)
class _BothScales:
    """The outputs for ``picture`` at both input sizes; it is ``scale`` times as large as the original."""

    picture: U8Array
    scale: float
    large: RawOutput
    small: RawOutput


def _run_both(detector: FaceDetector, picture: U8Array, scale: float) -> _BothScales:
    large, small = (detector.run(picture, s) for s in (detector.spec.accurate_long_side, detector.spec.fast_long_side))
    return _BothScales(picture, scale, large, small)


def _confirmed(detector: FaceDetector, both: _BothScales, threshold: float) -> list[Detections]:
    """Faces of both sizes, in pixels of the original; those of the large one only if confirmed or too small to be."""
    large = detector.decode(both.large, threshold, MAX_DETECTIONS).transform(1 / both.scale)
    small = detector.decode(both.small, min(threshold, CONFIRMING_SCORE), MAX_DETECTIONS).transform(1 / both.scale)
    min_side = MIN_CONFIRMED_SIDE / (both.large.letterbox.scale * both.scale)  # in pixels of the original
    areas, other_areas = area(large.boxes), area(small.boxes)
    keep = areas < min_side**2
    for index in np.flatnonzero(~keep):
        shared = intersection(large.boxes[index], small.boxes)
        keep[index] = bool((shared >= SAME_FACE_IOU * (areas[index] + other_areas - shared)).any())
    return [large.select(keep), small.select(small.scores >= threshold)]


def _consensus(detector: FaceDetector, both: _BothScales, threshold: float) -> Detections:
    found = consensus(detector, both.picture, (both.large, both.small), threshold, MAX_DETECTIONS)
    return _merged(detector, [found.transform(1 / both.scale)])


def _detect_rotated(detector: FaceDetector, picture: U8Array, threshold: float) -> Iterator[Detections]:
    """Faces of the three other rotations, in pixels of ``picture``.

    An upside-down face may have been detected as an upright one, with its eyes for its mouth; it scores higher here.
    """
    long_side = detector.spec.fast_long_side
    pixels, scale = _downscaled(picture, long_side, shrink)
    height, width = pixels.shape[:2]
    for quarters in (1, 2, 3):
        rotated = np.ascontiguousarray(np.rot90(pixels, quarters))
        found = detector.detect(rotated, long_side, threshold, MAX_DETECTIONS)
        yield found.unrotate(quarters, width, height).transform(1 / scale)


def _merged(detector: FaceDetector, parts: Sequence[Detections]) -> Detections:
    return merge_passes(parts, detector.spec.nms_iou, MAX_DETECTIONS)


def _downscaled(
    pixels: U8Array, long_side: float, resize: Callable[[U8Array, int, int], U8Array]
) -> tuple[U8Array, float]:
    """The picture reduced to ``long_side`` if it is larger, and its scale."""
    scale = min(1.0, long_side / max(pixels.shape[:2]))
    height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
    return resize(pixels, width, height), scale


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the tiled picture, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int


def plan_tiles(width: int, height: int, max_side: int, overlap: int) -> list[Tile]:
    """The fewest tiles of at most ``max_side`` that cover the picture, equal in size, overlapping by ``overlap`` or
    more."""
    columns, rows = _spans(width, max_side, overlap), _spans(height, max_side, overlap)
    return [Tile(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _spans(length: int, max_side: int, overlap: int) -> list[tuple[int, int]]:
    if length <= max_side:
        return [(0, length)]
    count = math.ceil((length - overlap) / (max_side - overlap))
    side = math.ceil((length + (count - 1) * overlap) / count)
    starts = [(length - side) * step // (count - 1) for step in range(count)]
    return [(start, start + side) for start in starts]


def _tiled_long_side(long_side: int, side: int) -> float:
    """Long side at which a picture of ``long_side`` is searched in tiles, ``side`` being the large input size: twice
    that up to 1080p, where more costs more than it finds."""
    if long_side <= 3 * side:
        return 2 * side
    return min(long_side, max(TILED_FULL_SIZE * side, TILED_SHARE * long_side), TILED_MAX * side)


def _detect_in_tiles(detector: FaceDetector, pixels: U8Array, threshold: float) -> Iterator[Detections]:
    """Small faces of each tile, in pixels of ``pixels``."""
    height, width = pixels.shape[:2]
    for tile in plan_tiles(width, height, TILE_SIDE, TILE_OVERLAP):
        part = pixels[tile.top : tile.bottom, tile.left : tile.right]
        found = detector.detect(part, max(part.shape[:2]), threshold, MAX_DETECTIONS)
        left, top, right, bottom = found.boxes.T
        drop = ((left < SEAM_MARGIN) & (tile.left > 0)) | ((top < SEAM_MARGIN) & (tile.top > 0))
        drop |= (right > part.shape[1] - SEAM_MARGIN) & (tile.right < width)
        drop |= (bottom > part.shape[0] - SEAM_MARGIN) & (tile.bottom < height)
        # A tile may show a part of a large face as if it were a whole one.
        drop |= np.maximum(right - left, bottom - top) > TILE_OVERLAP
        yield found.select(~drop).transform(1, tile.left, tile.top)
