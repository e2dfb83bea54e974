"""The face detector: letterbox, run, decode, threshold, suppress.

Anchor-free on strides 8, 16 and 32 (Tian et al. 2019, FCOS): each cell predicts a score, the distances from its
centre to the four sides and the offsets of five landmarks, all in pixels of the network's input.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import DetectorMode, F32Array, U8Array
from mien.errors import ModelUnreadable
from mien.runtime import Session
from mien.vision.boxes import suppress, voted
from mien.vision.resampling import shrink

VOTERS = 0.1  # of the threshold: cells from here on help to place a face that others found
VOTE_IOU = 0.6
# The surest cells of one input that are looked at. A caller may ask for every cell (``min_confidence=0``), and a tile
# of 1,280 px has 33,600, which would cost seconds. This many are all 8,400 of an input of 640 px, and more than the
# 7,900 that reach 0.5 in a tile packed with 1,500 faces of 32 px: there only the doubtful lose their vote.
MOST_CELLS = 9_000
# Where a caller asks for less than any face scores, every cell would be suppressed and voted on by every other one, for
# a tenth of a second. Of the cells under that score only the best few are candidates.
NOISE = 0.1
MOST_NOISE = 16
OUTPUTS = ("scores", "boxes", "landmarks")


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """The ``[detector]`` table of the manifest. Sides are in pixels of the network's input.

    The larger input shows more of everything, also of what only looks like a face, so it has a threshold of its own;
    so has the mean of several looks, which needs less than a single one to be sure (``agreement``).
    """

    strides: tuple[int, ...]
    multiple: int
    threshold: float
    accurate_threshold: float
    agreed_threshold: float
    nms_iou: float
    fast_long_side: int
    accurate_long_side: int

    @classmethod
    def from_manifest(cls, table: Mapping[str, Any]) -> "DetectorSpec":
        """Raises ``ModelUnreadable`` when a key is missing or its value is not of its kind."""
        try:
            return cls(
                tuple(int(stride) for stride in table["strides"]),
                int(table["multiple"]),
                float(table["threshold"]),
                float(table.get("accurate_threshold", table["threshold"])),
                float(table.get("agreed_threshold", table.get("accurate_threshold", table["threshold"]))),
                float(table["nms_iou"]),
                int(table["fast_long_side"]),
                int(table["accurate_long_side"]),
            )
        except KeyError as error:
            raise ModelUnreadable(f"The detector's manifest lacks {error} in [detector].") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise ModelUnreadable(
                f"A value in [detector] of the detector's manifest cannot be used: {error}."
            ) from error

    def threshold_of(self, mode: DetectorMode) -> float:
        """The lowest score reported when the caller names none."""
        return self.threshold if mode is DetectorMode.FAST else self.accurate_threshold


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Faces, best score first: ``boxes`` float32 ``[n, 4]`` (left, top, right, bottom), ``scores`` ``[n]``,
    ``landmarks`` ``[n, 5, 2]``, in pixels of the picture that was looked at."""

    boxes: F32Array
    scores: F32Array
    landmarks: F32Array

    def moved(self, scale: float, x: float = 0.0, y: float = 0.0) -> "Detections":
        """The same faces in a frame that is ``scale`` times larger and shifted by (x, y)."""
        shift = np.asarray([x, y], dtype=np.float32)
        return Detections(
            self.boxes * np.float32(scale) + np.tile(shift, 2), self.scores, self.landmarks * np.float32(scale) + shift
        )

    def only(self, keep: Any) -> "Detections":
        """The faces that an index or mask array selects."""
        return Detections(self.boxes[keep], self.scores[keep], self.landmarks[keep])

    @staticmethod
    def joined(parts: "list[Detections]") -> "Detections":
        """All faces of several looks, one after the other."""
        return Detections(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.landmarks for part in parts]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Letterbox:
    """A picture fitted into the network's input: ``image`` uint8 ``[1, h, w, 3]``; ``scale`` is input pixels per
    picture pixel."""

    image: U8Array
    scale: float


Cells = tuple[F32Array, F32Array, F32Array]  # scores [a], side distances [a, 4], landmark offsets [a, 5, 2]


@dataclass(frozen=True, slots=True, eq=False)
class RawOutput:
    """What the network said of a picture whose longer side was fitted to ``long_side``, before it is decoded."""

    long_side: int
    letterbox: Letterbox
    cells: Cells


class FaceDetector:
    """Finds faces in one picture at a given size."""

    def __init__(self, session: Session, spec: DetectorSpec) -> None:
        self._session = session
        self.spec = spec

    def prepare(self, pixels: U8Array, long_side: int) -> Letterbox:
        """Fit ``uint8 [h, w, 3]`` BGR so that its longer side is ``long_side``; pad right and bottom with black."""
        height, width = pixels.shape[:2]
        scale = long_side / max(height, width)
        fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
        if fitted != (width, height):
            # Averaging keeps small faces from dissolving into aliases; it has no meaning when enlarging.
            pixels = shrink(pixels, *fitted) if scale < 1 else np.asarray(cv2.resize(pixels, fitted), dtype=np.uint8)
        multiple = self.spec.multiple
        padded_width, padded_height = (-(-side // multiple) * multiple for side in fitted)
        image = np.zeros((1, padded_height, padded_width, 3), dtype=np.uint8)
        image[0, : fitted[1], : fitted[0]] = pixels
        return Letterbox(image, scale)

    def see(self, pixels: U8Array, long_side: int) -> RawOutput:
        """Prepare and run."""
        letterbox = self.prepare(pixels, long_side)
        scores, distances, offsets = self._session.run(letterbox.image)
        return RawOutput(long_side, letterbox, (scores[0], distances[0], offsets[0].reshape(-1, 5, 2)))

    def decode(self, seen: RawOutput, threshold: float, most: int) -> Detections:
        """Cells over ``threshold`` as faces of the picture, at most ``most``.

        Overlaps are suppressed; what is kept is placed where it and its neighbours, also less sure ones, agree.
        """
        letterbox, (scores, distances, offsets) = seen.letterbox, seen.cells
        chosen = _surest(scores, _bounded(scores, VOTERS * threshold, VOTERS * NOISE))
        centres = _centres(letterbox.image.shape[1], letterbox.image.shape[2], self.spec.strides)[chosen]
        sides = distances[chosen]
        boxes = np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], axis=1)
        found = Detections(boxes, scores[chosen], centres[:, None, :] + offsets[chosen])
        sure = _bounded(found.scores, threshold, NOISE)  # a less sure cell cannot suppress one of these
        kept = sure[suppress(found.boxes[sure], found.scores[sure], self.spec.nms_iou, most)]
        places = np.concatenate([found.boxes, found.landmarks.reshape(-1, 10)], axis=1)
        means = voted(places, kept, found.boxes, found.scores, VOTE_IOU)
        landmarks = means[:, 4:].reshape(-1, 5, 2)
        return Detections(means[:, :4], found.scores[kept], landmarks).moved(1 / letterbox.scale)

    def find(self, pixels: U8Array, long_side: int, threshold: float, most: int) -> Detections:
        """See and decode."""
        return self.decode(self.see(pixels, long_side), threshold, most)


def _bounded(scores: F32Array, least: float, noise: float) -> NDArray[np.intp]:
    """Indices of the cells that score ``least`` or more, in order; of those under ``noise`` the ``MOST_NOISE`` best."""
    certain = np.flatnonzero(scores >= max(least, noise))
    if least >= noise:
        return certain
    doubtful = _surest(scores, np.flatnonzero((scores >= least) & (scores < noise)), MOST_NOISE)
    return np.sort(np.concatenate([certain, doubtful]))


def _surest(scores: F32Array, cells: NDArray[np.intp], most: int = MOST_CELLS) -> NDArray[np.intp]:
    """The ``most`` of the ``cells`` that score best, in the order they came in."""
    if cells.size <= most:
        return cells
    best = np.argsort(-scores[cells], kind="stable")[:most]
    return cells[np.sort(best)]


@lru_cache(maxsize=64)
def _centres(height: int, width: int, strides: tuple[int, ...]) -> F32Array:
    """Centre (x, y) of every cell, stride by stride, row by row: float32 ``[a, 2]``."""
    levels = []
    for stride in strides:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        levels.append((np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) * stride)
    centres = np.concatenate(levels).astype(np.float32)
    centres.setflags(write=False)
    return centres
