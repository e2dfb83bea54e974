"""Which cells answer for which face: SimOTA (YOLOX, Ge et al. 2021, arXiv:2107.08430), for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CENTRE_RADIUS = 2.5  # strides
CANDIDATES = 10
IOU_COST = 3.0
IMPOSSIBLE = 1e6


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
