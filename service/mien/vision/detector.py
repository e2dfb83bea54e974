"""The face detector: letterbox, run, decode, threshold, non-maximum suppression, box voting.

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

from mien.domain import F32Array, U8Array
from mien.errors import ModelUnreadable
from mien.runtime import Session
from mien.vision.boxes import Detections, box_voting, iou, nms
from mien.vision.calibration import AS_IT_IS, ScoreCalibration
from mien.vision.resampling import shrink

VOTER_SCORE = 0.06  # cells from this score on help to localise the faces that others found, whatever is asked for
VOTE_IOU = 0.6
SAME_IOU = 0.35  # from here on, a cell of ``best_cells`` sees the face that is asked for
# Cells of one input that are decoded, best first. ``min_confidence=0`` asks for every cell, and a 1,280 px tile has
# 33,600, which would take seconds. This many are all 8,400 of a 640 px input, and more than the 7,900 that reach 0.5
# in a tile packed with 1,500 faces of 32 px: there only the weakest lose their vote.
MAX_CELLS = 9_000
# No face scores less than a voter. With a lower threshold every cell would be suppressed by and vote with every other,
# which takes a tenth of a second, so only the best few below it are candidates.
MAX_NOISE_CELLS = 16
OUTPUTS = ("scores", "boxes", "landmarks")
# From the centre of a cell: to the left and up, to the right and down, and to the five landmarks.
_DIRECTIONS: F32Array = np.asarray([-1, -1, *12 * [1]], dtype=np.float32)

_MIN_SIDE = 8.0  # px, of a manifest that does not say
_MAX_LOGIT = 600.0  # of a calibration: beyond it exponentials overflow


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """The ``[detector]`` table of the manifest.

    ``threshold`` is the lowest probability of a face that is reported unless the caller names one, at every scale;
    ``min_side`` the side in pixels of the network's input from which faces are found.
    """

    strides: tuple[int, ...]
    multiple: int
    threshold: float
    nms_iou: float
    min_side: float
    calibration: ScoreCalibration = AS_IT_IS

    @property
    def min_score(self) -> float:
        """The network's score at ``threshold``."""
        return self.calibration.score(self.threshold)

    @classmethod
    def from_manifest(cls, table: Mapping[str, Any]) -> "DetectorSpec":
        """Raises ``ModelUnreadable`` if a key is missing or its value has the wrong type."""
        try:
            return cls(
                tuple(int(stride) for stride in table["strides"]),
                int(table["multiple"]),
                float(table["threshold"]),
                float(table["nms_iou"]),
                float(table.get("min_side", _MIN_SIDE)),
                _calibration(table["calibration"]) if "calibration" in table else AS_IT_IS,
            )
        except KeyError as error:
            raise ModelUnreadable(f"The detector's manifest lacks {error} in [detector].") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise ModelUnreadable(f"A value in [detector] of the detector's manifest is invalid: {error}.") from error


def _calibration(table: Mapping[str, Any]) -> ScoreCalibration:
    gain, bias = float(table["gain"]), float(table["bias"])
    if not (gain > 0 and abs(bias) < _MAX_LOGIT * min(gain, 1.0)):
        raise ValueError(f"a calibration with gain {gain} and bias {bias}")
    return ScoreCalibration(gain, bias)


@dataclass(frozen=True, slots=True, eq=False)
class Letterbox:
    """A picture fitted into the network's input: ``image`` uint8 ``[1, h, w, 3]``; ``scale`` is input pixels per
    picture pixel."""

    image: U8Array
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class RawOutput:
    """The network's output for a picture fitted to ``long_side``: ``scores`` ``[a]``, ``distances`` to the four sides
    ``[a, 4]`` and landmark ``offsets`` ``[a, 10]`` (x and y of five) of every cell, in input pixels."""

    long_side: int
    letterbox: Letterbox
    scores: F32Array
    distances: F32Array
    offsets: F32Array


class FaceDetector:
    """Detects faces in one picture at a given input size."""

    def __init__(self, session: Session, spec: DetectorSpec) -> None:
        self._session = session
        self.spec = spec

    def detect(self, pixels: U8Array, long_side: int, threshold: float, max_detections: int) -> Detections:
        """One pass over ``uint8 [h, w, 3]`` BGR: at most ``max_detections`` faces that score ``threshold`` or more."""
        return self.decode(self.run(pixels, long_side), threshold, max_detections)

    def run(self, pixels: U8Array, long_side: int) -> RawOutput:
        """Prepare the picture and run the network."""
        letterbox = self.prepare(pixels, long_side)
        scores, distances, offsets = self._session.run(letterbox.image)
        return RawOutput(long_side, letterbox, scores[0], distances[0], offsets[0])

    def prepare(self, pixels: U8Array, long_side: int) -> Letterbox:
        """Fit ``uint8 [h, w, 3]`` BGR so that its longer side is ``long_side``; pad right and bottom with black."""
        height, width = pixels.shape[:2]
        scale = long_side / max(height, width)
        fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
        if fitted != (width, height):
            # Averaging preserves small faces that aliasing would destroy; it has no meaning when enlarging.
            pixels = shrink(pixels, *fitted) if scale < 1 else np.asarray(cv2.resize(pixels, fitted), dtype=np.uint8)
        multiple = self.spec.multiple
        if not (fitted[0] % multiple or fitted[1] % multiple):
            return Letterbox(np.ascontiguousarray(pixels)[None], scale)
        padded_width, padded_height = (-(-side // multiple) * multiple for side in fitted)
        image = np.zeros((1, padded_height, padded_width, 3), dtype=np.uint8)
        image[0, : fitted[1], : fitted[0]] = pixels
        return Letterbox(image, scale)

    def decode(self, output: RawOutput, threshold: float, max_detections: int) -> Detections:
        """Cells that score ``threshold`` or more as faces in pixels of the picture, at most ``max_detections``.

        Overlapping ones are suppressed; those kept are localised by box voting with their neighbours, including
        neighbours below the threshold.
        """
        height, width = output.letterbox.image.shape[1:3]
        cells = _cells(output.scores, threshold)
        scores = output.scores.take(cells)
        values = np.concatenate([output.distances.take(cells, axis=0), output.offsets.take(cells, axis=0)], axis=1)
        values *= _DIRECTIONS
        values += np.tile(_centres(height, width, self.spec.strides).take(cells, axis=0), 7)
        boxes = values[:, :4]
        candidates = np.flatnonzero(scores >= threshold)  # a weaker cell cannot suppress one of these
        kept = candidates[nms(boxes[candidates], scores[candidates], self.spec.nms_iou, max_detections)]
        votes = np.where(scores >= VOTER_SCORE, scores, np.float32(0))
        means = box_voting(values, kept, boxes, votes, VOTE_IOU)
        found = Detections(means[:, :4], scores[kept], means[:, 4:].reshape(-1, 5, 2))
        return found if output.letterbox.scale == 1 else found.transform(1 / output.letterbox.scale)

    def best_cells(self, images: U8Array, box: F32Array) -> Detections:
        """In each of ``uint8 [n, h, w, 3]`` BGR, sides as the network takes them, the cell that scores best of those
        that see the face of ``box`` ``[4]``, as ``n`` detections in the order of the images; score 0 if there is none.
        """
        scores, distances, offsets = self._session.run(images)
        centres = _centres(*images.shape[1:3], self.spec.strides)
        corners = np.concatenate([centres - distances[..., :2], centres + distances[..., 2:]], axis=2)
        seen = iou(box, corners.reshape(-1, 4)).reshape(scores.shape) >= SAME_IOU
        scores = np.where(seen, scores, np.float32(0)).astype(np.float32)
        rows, best = np.arange(len(images)), scores.argmax(axis=1)
        landmarks = centres[best][:, None] + offsets[rows, best].reshape(-1, 5, 2)
        return Detections(corners[rows, best], scores[rows, best], landmarks)


def _cells(scores: F32Array, threshold: float) -> NDArray[np.intp]:
    """Indices, in order, of the cells that vote or score ``threshold`` or more; of those that do not vote only
    the ``MAX_NOISE_CELLS`` best."""
    found = np.flatnonzero(scores >= VOTER_SCORE)
    if threshold < VOTER_SCORE:
        doubtful = _best(scores, np.flatnonzero((scores >= threshold) & (scores < VOTER_SCORE)), MAX_NOISE_CELLS)
        found = np.sort(np.concatenate([found, doubtful]))
    return _best(scores, found, MAX_CELLS)


def _best(scores: F32Array, cells: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """The ``count`` of ``cells`` that score best, in their original order."""
    if cells.size <= count:
        return cells
    return cells[np.sort(np.argsort(-scores[cells], kind="stable")[:count])]


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
