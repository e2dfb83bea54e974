"""Score, box and landmark losses over the cells that `assign` chose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.detector.assign import CANDIDATES, Assignment, assign
from training.detector.model import decode


@dataclass(frozen=True)
class LossWeights:
    score: float = 1.0
    box: float = 3.0
    landmarks: float = 10.0


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels of a batch, padded to G faces: boxes [n, G, 4], landmarks [n, G, 5, 2] (NaN: unknown), real and ignore
    [n, G] bool (both false in padding)."""

    boxes: Tensor
    landmarks: Tensor
    real: Tensor
    ignore: Tensor


def focal(logits: Tensor, present: Tensor) -> Tensor:
    """Focal loss (Lin et al. 2017, arXiv:1708.02002, gamma 2) towards `present`, 0 or 1: the score means presence, at
    every size alike; how well a box overlaps its face is no part of it."""
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


def cell_weights(face: Tensor, faces: int) -> Tensor:
    """face [n, A]: which of `faces` each cell answers for, -1 for none -> [n, A], 1 for cells that answer for none.

    A large face has ten cells and a small one has one or two: the root of that is evened out, or small faces would
    hardly be heard.
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
    score = (focal(logits, positive.float()) * matched.counted * weight).sum() / total_weight
    picture, cell = positive.nonzero(as_tuple=True)
    face = matched.face[picture, cell]
    wanted = targets.boxes[picture, face]
    box = (eiou_loss(boxes[picture, cell], wanted) * weight[picture, cell]).sum() / total_weight
    points = landmark_loss(landmarks[picture, cell], targets.landmarks[picture, face], wanted)
    return {
        "loss": weights.score * score + weights.box * box + weights.landmarks * points,
        "score": score,
        "box": box,
        "landmarks": points,
        "iou": matched.iou.sum() / positive.sum().clamp(min=1),
    }
