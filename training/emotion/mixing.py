"""Two faces in one view, with the labels of both: mixup and CutMix."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.emotion.targets import Targets


@dataclass(frozen=True)
class MixConfig:
    """How often, and how evenly, faces are mixed."""

    chance: float = 0.0  # that a batch is mixed; half of those by mixup, half by CutMix
    alpha: float = 0.4  # of mixup's Beta distribution: small, so that most views stay nearly one face
    cut: tuple[float, float] = (0.3, 0.7)  # sides of the part that CutMix takes over, in sides of the picture


@dataclass(frozen=True)
class Pairs:
    """Row i shows `share[i]` of its own face and the rest of face `other[i]`."""

    other: NDArray[np.int64]  # [n]
    share: NDArray[np.float32]  # [n]

    def targets(self, own: Targets) -> Targets:
        """Labels of the mixed views: each face's counts as far as it is seen and trusted."""
        theirs = own.rows(self.other)
        mine, rest = self.share * own.weight, (1 - self.share) * theirs.weight
        weight = mine + rest
        mixed = mine[:, None] * own.distribution + rest[:, None] * theirs.distribution
        known = weight > 0
        distribution = np.where(known[:, None], mixed / np.where(known, weight, 1)[:, None], own.distribution)
        return Targets(distribution.astype(np.float32), weight.astype(np.float32))


def mix(
    views: NDArray[np.uint8], config: MixConfig, rng: Generator
) -> tuple[NDArray[np.uint8], Pairs] | tuple[NDArray[np.uint8], None]:
    """`views` [n, h, w], each mixed with another one of the batch, and what is in them; or left alone, and None.

    mixup: Zhang et al. 2018, arXiv:1710.09412; CutMix: Yun et al. 2019, arXiv:1905.04899. A share of its own for every
    row: one share per batch would make the steps uneven.
    """
    if rng.random() >= config.chance:
        return views, None
    other = rng.permutation(len(views))
    return _mixup(views, other, config, rng) if rng.random() < 0.5 else _cutmix(views, other, config, rng)


def _mixup(
    views: NDArray[np.uint8], other: NDArray[np.int64], config: MixConfig, rng: Generator
) -> tuple[NDArray[np.uint8], Pairs]:
    share = rng.beta(config.alpha, config.alpha, len(views)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    weight = share[:, None, None]
    mixed = np.rint(weight * views + (1 - weight) * views[other]).astype(np.uint8)
    return mixed, Pairs(other, share)


def _cutmix(
    views: NDArray[np.uint8], other: NDArray[np.int64], config: MixConfig, rng: Generator
) -> tuple[NDArray[np.uint8], Pairs]:
    count, height, width = views.shape
    mixed = views.copy()
    share = np.empty(count, dtype=np.float32)
    for row in range(count):
        box_h, box_w = (max(1, round(rng.uniform(*config.cut) * side)) for side in (height, width))
        top, left = int(rng.integers(height - box_h + 1)), int(rng.integers(width - box_w + 1))
        part = (slice(top, top + box_h), slice(left, left + box_w))
        mixed[row][part] = views[other[row]][part]
        share[row] = 1 - box_h * box_w / (height * width)
    return mixed, Pairs(other, share)
