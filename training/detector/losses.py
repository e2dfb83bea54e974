"""Which cells answer for which face, and the score, box and landmark losses over them.

The assignment is SimOTA (YOLOX, Ge et al. 2021, arXiv:2107.08430), for a whole batch at once.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.detector.model import decode

CENTRE_RADIUS = 2.5  # strides
CANDIDATES = 10
TURNED_FROM = 60.0  # degrees from upright, see `LossWeights.turned`
IOU_COST = 3.0
IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class LossWeights:
    """`turned`: the score that is wanted of a face which lies on its side or stands on its head. With less than 1 the
    service can tell it from an upright one, and looks again the right way up (mien.vision.uprightness)."""

    score: float = 1.0
    box: float = 3.0
    landmarks: float = 10.0
    turned: float = 1.0


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels of a batch, padded to G faces: boxes [n, G, 4], landmarks [n, G, 5, 2] (NaN: unknown), real and ignore
    [n, G] bool (both false in padding)."""

    boxes: Tensor
    landmarks: Tensor
    real: Tensor
    ignore: Tensor


def focal(logits: Tensor, present: Tensor) -> Tensor:
    """Focal loss (Lin et al. 2017, arXiv:1708.02002, gamma 2; for targets between 0 and 1 Li et al. 2020,
    arXiv:2006.04388) towards `present`: the score means presence, at every size alike; how well a box overlaps its face
    is no part of it."""
    distance = (logits.sigmoid() - present).abs()
    return functional.binary_cross_entropy_with_logits(logits, present, reduction="none") * distance**2


def eiou_loss(boxes: Tensor, faces: Tensor) -> Tensor:
    """1 - EIoU (Zhang et al. 2021, arXiv:2101.08158) of paired boxes [m, 4] x1 y1 x2 y2 -> [m]."""
    sides = (torch.minimum(boxes[:, 2:], faces[:, 2:]) - torch.maximum(boxes[:, :2], faces[:, :2])).clamp(0)
    shared = sides[:, 0] * sides[:, 1]
    size, face_size = boxes[:, 2:] - boxes[:, :2], faces[:, 2:] - faces[:, :2]
    iou = shared / (size.prod(-1) + face_size.prod(-1) - shared).clamp(min=1e-6)
    hull = torch.maximum(boxes[:, 2:], faces[:, 2:]) - torch.minimum(boxes[:, :2], faces[:, :2])
    hull_squared = (hull**2).clamp(min=1e-6)
    offset = (boxes[:, :2] + boxes[:, 2:] - faces[:, :2] - faces[:, 2:]) / 2
    centre = (offset**2).sum(-1) / hull_squared.sum(-1)
    shape = ((size - face_size) ** 2 / hull_squared).sum(-1)
    return 1 - iou + centre + shape


def landmark_loss(points: Tensor, wanted: Tensor, faces: Tensor) -> Tensor:
    """Smooth L1 over [m, 5, 2], in sides of the face; points of unknown place count nothing. One number."""
    known = wanted.isfinite().all(-1, keepdim=True)
    side = (faces[:, 2:] - faces[:, :2]).prod(-1).clamp(min=1).sqrt()[:, None, None]
    error = (points - torch.nan_to_num(wanted)) / side
    loss = functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05, reduction="none")
    return (loss * known).sum() / (2 * known.sum()).clamp(min=1)


def wanted_scores(landmarks: Tensor, turned: float) -> Tensor:
    """1 for upright faces and those of unknown landmarks, `turned` for the others; landmarks [m, 5, 2] -> [m].

    The roll is measured as by `mien.vision.alignment.roll_of`.
    """
    across = landmarks[:, 1] - landmarks[:, 0]
    down = (landmarks[:, 3:].sum(1) - landmarks[:, :2].sum(1)) / 2
    roll = torch.atan2(across[:, 1] - down[:, 0], across[:, 0] + down[:, 1]).abs()  # NaN compares as not greater
    return torch.where(roll > math.radians(TURNED_FROM), turned, 1.0)


def cell_weights(face: Tensor, faces: int) -> Tensor:
    """face [n, A]: which of `faces` each cell answers for, -1 for none -> [n, A], 1 for cells that answer for none.

    A large face has ten cells and a small one has one or two: the root of that is evened out, or small faces would
    hardly count.
    """
    answering = face >= 0
    cells = torch.zeros(face.shape[0], faces + 1, device=face.device)
    cells.scatter_add_(1, face + 1, answering.float())
    share = cells.gather(1, face + 1).clamp(min=1)
    return torch.where(answering, (CANDIDATES / share).sqrt(), torch.ones_like(share))


def detector_loss(
    raw: Tensor, centres: Tensor, strides: Tensor, targets: Targets, weights: LossWeights
) -> dict[str, Tensor]:
    """The weighted sum as `loss`, and its parts for the log. raw [n, A, 15] as the network gives it."""
    logits, boxes, landmarks = decode(raw, centres, strides)
    matched: Assignment = assign(logits, boxes, centres, strides, targets.boxes, targets.real, targets.ignore)
    positive = matched.face >= 0
    weight = cell_weights(matched.face, targets.boxes.shape[1])
    total_weight = weight[positive].sum().clamp(min=1)
    picture, cell = positive.nonzero(as_tuple=True)
    face = matched.face[picture, cell]
    wanted, wanted_points = targets.boxes[picture, face], targets.landmarks[picture, face]
    present = torch.zeros_like(logits)
    present[picture, cell] = wanted_scores(wanted_points, weights.turned)
    score = (focal(logits, present) * matched.counted * weight).sum() / total_weight
    box = (eiou_loss(boxes[picture, cell], wanted) * weight[picture, cell]).sum() / total_weight
    points = landmark_loss(landmarks[picture, cell], wanted_points, wanted)
    return {
        "loss": weights.score * score + weights.box * box + weights.landmarks * points,
        "score": score,
        "box": box,
        "landmarks": points,
        "iou": matched.iou.sum() / positive.sum().clamp(min=1),
    }


@dataclass(frozen=True, eq=False)
class Assignment:
    """face [n, A] int64: index of the face that a cell answers for, -1 for none; iou [n, A]: overlap of the cell's
    box with it (0 where none); counted [n, A] bool: cells whose score enters the loss."""

    face: Tensor
    iou: Tensor
    counted: Tensor


def pairwise_iou(boxes: Tensor, faces: Tensor) -> Tensor:
    """[n, A, 4] and [n, G, 4] (x1 y1 x2 y2) -> [n, G, A]."""
    x1, y1, x2, y2 = boxes[:, None].unbind(-1)
    left, top, right, bottom = faces[..., None].unbind(-2)
    shared = (torch.minimum(x2, right) - torch.maximum(x1, left)).clamp_(0)
    shared *= (torch.minimum(y2, bottom) - torch.maximum(y1, top)).clamp_(0)
    area = ((faces[..., 2] - faces[..., 0]) * (faces[..., 3] - faces[..., 1]))[:, :, None]
    other = ((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))[:, None]
    return shared / (area + other - shared).clamp(min=1e-6)


def inside(centres: Tensor, faces: Tensor, strides: Tensor) -> Tensor:
    """Cell centres [A, 2] inside boxes [n, G, 4], each made at least as large as the cell: [n, G, A] bool.

    A face of 6 px may lie between the centres of the cells of stride 8; the cell that it lies in answers for it.
    """
    x, y = centres.unbind(-1)
    x1, y1, x2, y2 = faces[..., None].unbind(-2)
    reach_x, reach_y = (torch.maximum(x2 - x1, strides) / 2, torch.maximum(y2 - y1, strides) / 2)
    # several times faster than .all(-1) over pairs
    return ((x - (x1 + x2) / 2).abs() <= reach_x) & ((y - (y1 + y2) / 2).abs() <= reach_y)


@torch.no_grad()
def assign(
    logits: Tensor, boxes: Tensor, centres: Tensor, strides: Tensor, faces: Tensor, real: Tensor, ignore: Tensor
) -> Assignment:
    """logits [n, A], boxes [n, A, 4]; faces [n, G, 4] padded; real, ignore [n, G] bool (padding: both false).

    A cell may answer for a face if its centre is inside the face and within 2.5 strides of the face's centre; of
    those, the k with the lowest cost (score and overlap) do, k being the sum of the ten best overlaps. A cell inside
    a face of `ignore`, or inside one no cell could be found for, that answers for nothing else is left out.
    """
    n, cells = logits.shape
    if faces.shape[1] == 0:
        nothing = torch.full((n, cells), -1, dtype=torch.int64, device=logits.device)
        return Assignment(nothing, torch.zeros_like(logits), torch.ones_like(logits, dtype=torch.bool))
    within = inside(centres, faces, strides)
    middle = ((faces[..., :2] + faces[..., 2:]) / 2)[..., None]
    reach = CENTRE_RADIUS * strides
    near = ((centres[:, 0] - middle[:, :, 0]).abs() < reach) & ((centres[:, 1] - middle[:, :, 1]).abs() < reach)
    possible = within & near & real[..., None]
    iou = pairwise_iou(boxes, faces) * possible
    score_cost = functional.softplus(-logits)[:, None]
    cost = score_cost - IOU_COST * torch.log(iou.clamp(min=1e-8))
    cost = torch.where(possible, cost, IMPOSSIBLE)
    k = min(CANDIDATES, cells)
    wanted = iou.topk(k, dim=-1).values.sum(-1).int().clamp(min=1)
    cheapest = cost.topk(k, dim=-1, largest=False)
    chosen = (torch.arange(k, device=cost.device) < wanted[..., None]) & (cheapest.values < IMPOSSIBLE)
    matching = torch.zeros_like(possible).scatter_(-1, cheapest.indices, chosen)
    best = torch.where(matching, cost, IMPOSSIBLE).min(dim=1)
    face = torch.where(best.values < IMPOSSIBLE, best.indices, -1)
    unreachable = real & ~possible.any(-1)
    left_out = (within & (ignore | unreachable)[..., None]).any(1)
    overlap = iou.gather(1, face.clamp(min=0)[:, None]).squeeze(1) * (face >= 0)
    return Assignment(face, overlap, ~left_out | (face >= 0))
