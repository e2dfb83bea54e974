"""One detection per face: detections of several passes merged, and second boxes on the same head dropped."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array
from mien.vision.boxes import Detections, area, box_voting, intersection, intersections, nms, rows_at_once

VOTING_SCORE = 0.3  # every pass reports its finds down to this, whatever is asked for
VOTE_IOU = 0.6
_FAR = 100_000.0  # px; longer than any picture
NESTED_SHARE = 0.7  # of the smaller of two boxes: with more of it inside the other they are one face

# Second boxes on a head, see ``second_boxes``. Distances are in sides of the smaller box, the root of its area.
MIN_OVERLAP = 0.2  # shared part of the smaller box
MAX_HORIZONTAL_DISTANCE = 0.3  # of the centres
MIN_VERTICAL_DISTANCE = 0.3  # nearer ones are not face and hair but the same face twice
MIN_SHARED_LANDMARKS = 1  # of one face, inside the other's box
CERTAIN_SCORE = 0.78  # a box that scores more is a face of its own


def merge_passes(passes: Sequence[Detections], iou: float, threshold: float) -> Detections:
    """The faces of several passes over one picture that score ``threshold`` or more, best first.

    A face lies at the mean of the finds of ``VOTING_SCORE`` and more that agree on it and on which way is up: which
    pass scores best changes with the noise of a picture.
    """
    finds = Detections.concat(passes)
    candidates = np.flatnonzero(finds.scores >= threshold)  # a weaker find cannot suppress one of these
    kept = candidates[nms(finds.boxes[candidates], finds.scores[candidates], iou, len(candidates))]
    if len(finds.scores) == 1:
        return finds.select(kept)
    values = np.concatenate([finds.boxes, finds.landmarks.reshape(-1, 10)], axis=1)
    votes = np.where(finds.scores >= VOTING_SCORE, finds.scores, np.float32(0))
    # Finds that disagree on which way is up must not overlap, so each way has a plane of its own.
    planes = finds.boxes + np.float32(_FAR) * _quarters(finds.landmarks)[:, None]
    means = box_voting(values, kept, planes, votes, VOTE_IOU)
    found = Detections(means[:, :4], finds.scores[kept], means[:, 4:].reshape(-1, 5, 2))
    return found.select(~_nested(found))


def _quarters(landmarks: F32Array) -> F32Array:
    """The rolls of faces ``[n, 5, 2]``, see ``alignment.roll_of``, in whole quarter turns: 0, 1, 2 or 3."""
    across = landmarks[:, 1] - landmarks[:, 0]
    down = (landmarks[:, 3] + landmarks[:, 4] - landmarks[:, 0] - landmarks[:, 1]) / 2
    rolls = np.arctan2(across[:, 1] - down[:, 0], across[:, 0] + down[:, 1])
    return np.asarray(np.round(rolls / (np.pi / 2)) % 4, dtype=np.float32)


def _nested(found: Detections) -> NDArray[np.bool_]:
    """Which of the faces ``[n]``, best first, lie inside a better one or around it.

    Two passes may see one face in sizes too different for suppression, and faces are not inside faces.
    """
    areas = area(found.boxes)
    nested = np.zeros(len(areas), dtype=np.bool_)
    step = rows_at_once(len(areas))
    for start in range(0, len(areas), step):
        rows = slice(start, start + step)
        inside = intersections(found.boxes[rows], found.boxes) >= NESTED_SHARE * np.minimum(areas[rows, None], areas)
        for index, others in enumerate(inside, start):
            nested[index] = (others[:index] & ~nested[:index]).any()
    return nested


def second_boxes(found: Detections) -> NDArray[np.bool_]:
    """Which of the faces ``[n]``, best first, are a second box on a head: hair, a hand or a collar beside its face.

    Non-maximum suppression compares areas, and less than half of such a box lies on the face. Faces of two people in a
    crowd may overlap as much, but side by side or with the features of both visible. A second box is right above or
    below the first, landmarks it claims (hair takes the eyes below it for its mouth) lie on the other face, and its
    score is low. The better box stays, so that no face depends on a worse one.
    """
    seconds = np.zeros(len(found.scores), dtype=np.bool_)
    for index in range(1, len(seconds)):
        if found.scores[index] >= CERTAIN_SCORE:
            continue
        seconds[index] = not seconds[_on_same_head(found, index)].all()
    return seconds


def _on_same_head(found: Detections, index: int) -> NDArray[np.intp]:
    """Indices of the better faces that share a head with face ``index``."""
    box, better = found.boxes[index], found.boxes[:index]
    smaller = np.minimum(area(box[None]), area(better))
    distances = np.abs(_centres(better) - _centres(box[None])) / np.sqrt(smaller)[:, None]
    aligned = (distances[:, 0] <= MAX_HORIZONTAL_DISTANCE) & (distances[:, 1] >= MIN_VERTICAL_DISTANCE)
    overlapping = intersection(box, better) >= MIN_OVERLAP * smaller
    shared = np.maximum(
        _inside(found.landmarks[index], better).sum(axis=1),
        _inside(found.landmarks[:index], box[None]).sum(axis=1),
    )
    return np.flatnonzero(aligned & overlapping & (shared >= MIN_SHARED_LANDMARKS))


def _centres(boxes: F32Array) -> F32Array:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, dtype=np.float32)


def _inside(points: F32Array, boxes: F32Array) -> NDArray[np.bool_]:
    """Whether points ``[5, 2]`` or ``[n, 5, 2]`` lie in boxes ``[n, 4]``: ``[n, 5]``."""
    inside = (points >= boxes[:, None, :2]) & (points <= boxes[:, None, 2:])
    return np.asarray(inside.all(axis=-1), dtype=np.bool_)
