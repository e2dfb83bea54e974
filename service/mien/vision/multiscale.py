"""Where the detector looks: once at the whole picture, and closer where that showed no face at all; when it is to be
accurate twice, and again at parts of a very large one, and when nothing sure was seen at the picture turned.

The accurate look adds the larger input to the smaller one: a face that fills the picture is surest at the smaller.
What the larger one takes for a face must be borne out by the smaller if it is large enough to be seen there: wheels
and fists that look like faces at one size seldom do at both.

A face of 40 px in a 6,000 px photograph is 4 px at the accurate size, below what any stride can see. The second look
goes over the picture in overlapping tiles: at twice the accurate size up to 1080p; beyond, as it is while it has no
more than 2,816 px, and then at three quarters of its size, where 40 px are still 30.

The detector knows faces that lean by 30 degrees or so. A camera held sideways or upside down turns them all, so an
accurate look that found nothing sure goes over the three other ways to hold the picture, at the smaller input.

Where no look is sure of any face, what all of them half believe still counts: see ``agreement``.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.domain import DetectorMode, U8Array
from mien.vision.boxes import area, intersection, suppress
from mien.vision.consensus import SAME, agreed, steadied
from mien.vision.detector import Detections, FaceDetector, RawOutput
from mien.vision.flips import mirrored, mirrored_back, turned, turned_back
from mien.vision.resampling import sample, shrink

MOST_FACES = 1000  # of one look, and so of a picture: as many as callers may ask for
WHOLE = 4.4  # accurate long sides; a picture up to that is gone over as it is
PART = 0.75  # of a larger one's long side
SECOND_LOOK = 7.1  # most of the second look's long side, in accurate long sides
TILE = 1280  # px; the largest side of a tile: few large ones overlap least
OVERLAP = 96  # px of the second look; a fifth of that or more in the first, which larger faces are left to
WITNESSED = 40  # px of the accurate input, root of the area; half of that in the smaller one, which sees such faces
HINT = 0.3  # a score that bears out
INSIDE = 0.7  # of the smaller of two boxes; more of it in the other one makes them one face
SURE = 0.88  # a score that upright faces of some size seldom miss, and other things seldom reach
_EDGE = 2.0  # px; a box that ends at a seam is half a face whose other tile sees it whole


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the second look, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int


def plan_tiles(width: int, height: int, most: int, overlap: int) -> list[Tile]:
    """As few tiles of at most ``most`` a side as cover the picture, alike in size and overlapping by ``overlap`` or
    more."""
    columns, rows = _spans(width, most, overlap), _spans(height, most, overlap)
    return [Tile(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _spans(length: int, most: int, overlap: int) -> list[tuple[int, int]]:
    if length <= most:
        return [(0, length)]
    count = math.ceil((length - overlap) / (most - overlap))
    side = math.ceil((length + (count - 1) * overlap) / count)
    starts = [(length - side) * step // (count - 1) for step in range(count)]
    return [(start, start + side) for start in starts]


def look(
    detector: FaceDetector, pixels: U8Array, mode: DetectorMode, asked: float | None = None, most: int = MOST_FACES
) -> Detections:
    """Faces of ``uint8 [h, w, 3]`` BGR, in its pixels: the ``most`` surest, at most ``MOST_FACES``, best first.

    ``asked`` is the lowest score of the caller's choice, None the detector's own. What is left out for ``most`` is left
    out at the end: looks check one another by all that each of them saw.
    """
    threshold = detector.spec.threshold_of(mode) if asked is None else asked
    agree = detector.spec.agreed_threshold if asked is None else max(asked, detector.spec.agreed_threshold)
    search = _fast if mode is DetectorMode.FAST else _accurate
    return search(detector, pixels, threshold, agree).only(slice(most))


def _fast(detector: FaceDetector, pixels: U8Array, threshold: float, agree: float) -> Detections:
    found = _whole(detector, pixels, threshold)
    if found.scores.size:
        return found
    # Before "no face" is the answer.
    side = detector.spec.accurate_long_side
    middle, scale = _within(pixels, side, shrink)
    straight = _both(detector, middle)
    # Held to what the larger input is held to elsewhere.
    found = _best(detector, _certain(detector, straight, scale, max(threshold, detector.spec.accurate_threshold)))
    if not found.scores.size:
        return _agreed(detector, middle, straight, scale, agree)
    other = mirrored_back(detector.find(mirrored(middle), side, HINT, MOST_FACES), middle.shape[1])
    return steadied(found, other.moved(1 / scale))


def _both(detector: FaceDetector, middle: U8Array) -> list[RawOutput]:
    """The larger input and the smaller one."""
    return [detector.see(middle, side) for side in (detector.spec.accurate_long_side, detector.spec.fast_long_side)]


def _certain(detector: FaceDetector, straight: list[RawOutput], scale: float, threshold: float) -> list[Detections]:
    """Faces of both inputs, those of the larger one borne out by the smaller; what was looked at is ``scale`` times as
    large as the picture in whose pixels they are."""
    larger = detector.decode(straight[0], threshold, MOST_FACES).moved(1 / scale)
    smaller = detector.decode(straight[1], min(threshold, HINT), MOST_FACES).moved(1 / scale)
    # In pixels of the picture: the letterbox says how much larger the input is.
    witnessed = WITNESSED / (straight[0].letterbox.scale * scale)
    return [larger.only(_borne_out(larger, smaller, witnessed)), smaller.only(smaller.scores >= threshold)]


def _agreed(
    detector: FaceDetector, middle: U8Array, straight: list[RawOutput], scale: float, threshold: float
) -> Detections:
    found = agreed(detector, middle, straight, threshold, MOST_FACES)
    return _best(detector, [found.moved(1 / scale)])


def _whole(detector: FaceDetector, pixels: U8Array, threshold: float) -> Detections:
    return detector.find(pixels, detector.spec.fast_long_side, threshold, MOST_FACES)


def _accurate(detector: FaceDetector, pixels: U8Array, threshold: float, agree: float) -> Detections:
    spec = detector.spec
    side = spec.accurate_long_side
    long_side = max(pixels.shape[:2])
    # Each input is made of the next larger one, and not of millions of pixels.
    closer, closer_scale = _within(pixels, _second_side(long_side, side), sample)
    middle, scale = _within(closer, side, shrink)
    scale *= closer_scale
    straight = _both(detector, middle)
    parts = _certain(detector, straight, scale, threshold)
    if long_side > 2 * side:
        parts += [part.moved(1 / closer_scale) for part in _tiled(detector, closer, threshold)]
    found = _best(detector, parts)
    if not found.scores.size:
        found = _agreed(detector, middle, straight, scale, agree)
    if found.scores.max(initial=0.0) >= SURE:
        return found
    turned_finds = (part.moved(1 / scale) for part in _other_ways_up(detector, middle, threshold))
    return _best(detector, [found, *turned_finds])


def _within(
    pixels: U8Array, long_side: float, smaller: Callable[[U8Array, int, int], U8Array]
) -> tuple[U8Array, float]:
    """The picture made small enough, and its scale."""
    scale = min(1.0, long_side / max(pixels.shape[:2]))
    height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
    return smaller(pixels, width, height), scale


def _borne_out(found: Detections, others: Detections, least: float) -> NDArray[np.bool_]:
    """Whether each face ``[n]`` is smaller than ``least`` px or has one of ``others`` about where it is."""
    areas, other_areas = area(found.boxes), area(others.boxes)
    kept = areas < least**2
    for index in np.flatnonzero(~kept):
        shared = intersection(found.boxes[index], others.boxes)
        kept[index] = bool((shared >= SAME * (areas[index] + other_areas - shared)).any())
    return np.asarray(kept, dtype=np.bool_)


def _best(detector: FaceDetector, parts: list[Detections]) -> Detections:
    every = Detections.joined(parts)
    found = every.only(suppress(every.boxes, every.scores, detector.spec.nms_iou, MOST_FACES))
    return found.only(~_nested(found))


def _nested(found: Detections) -> NDArray[np.bool_]:
    """Which of the faces ``[n]``, best first, lie in a better one or around it: two looks at one face may differ in
    size by more than suppression sees, and faces are not inside faces."""
    areas = area(found.boxes)
    nested = np.zeros(len(areas), dtype=np.bool_)
    for index in range(1, len(areas)):
        better = np.flatnonzero(~nested[:index])
        shared = intersection(found.boxes[index], found.boxes[better])
        nested[index] = bool((shared >= INSIDE * np.minimum(areas[index], areas[better])).any())
    return nested


def _other_ways_up(detector: FaceDetector, pixels: U8Array, threshold: float) -> Iterator[Detections]:
    """Sure faces of the picture held in the three other ways. An upside-down face may also have been seen as an
    upright one, with its eyes for its mouth; the right way up it scores higher."""
    long_side = detector.spec.fast_long_side
    fitted, scale = _within(pixels, long_side, shrink)
    height, width = fitted.shape[:2]
    for quarters in (1, 2, 3):
        found = detector.find(turned(fitted, quarters), long_side, max(threshold, SURE), MOST_FACES)
        yield turned_back(found, quarters, width, height).moved(1 / scale)


def _second_side(long_side: int, side: int) -> float:
    """The long side of the second look at a picture with ``long_side``, where the accurate look has ``side``: twice
    that up to 1080p, where more costs more than it finds."""
    if long_side <= 3 * side:
        return 2 * side
    return min(long_side, max(WHOLE * side, PART * long_side), SECOND_LOOK * side)


def _tiled(detector: FaceDetector, closer: U8Array, threshold: float) -> Iterator[Detections]:
    """The second look, tile by tile; faces in pixels of ``closer``."""
    height, width = closer.shape[:2]
    for tile in plan_tiles(width, height, TILE, OVERLAP):
        part = closer[tile.top : tile.bottom, tile.left : tile.right]
        found = detector.find(part, max(part.shape[:2]), threshold, MOST_FACES)
        yield _of_this_look(found, tile, width, height).moved(1, tile.left, tile.top)


def _of_this_look(found: Detections, tile: Tile, width: int, height: int) -> Detections:
    left, top, right, bottom = found.boxes.T
    cut = ((left < _EDGE) & (tile.left > 0)) | ((top < _EDGE) & (tile.top > 0))
    cut |= (right > tile.right - tile.left - _EDGE) & (tile.right < width)
    cut |= (bottom > tile.bottom - tile.top - _EDGE) & (tile.bottom < height)
    # A tile may show a part of a large face as if it were a whole one.
    large = np.maximum(right - left, bottom - top) > OVERLAP
    return found.only(~(cut | large))
