"""The batches of a training: views of some faces, and what is known of each.

Batch `step` is a pure function of (configuration, step): a resumed run, and processes that make batches side by side,
see the same ones.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from training.emotion import data, targets
from training.emotion.augment import AugmentConfig, augment_batch, resized
from training.emotion.data import BASIC7
from training.emotion.mixing import MixConfig, mix


@dataclass(frozen=True)
class BatchConfig:
    """What a batch shows."""

    epochs: int
    batch: int = 128
    seed: int = 0
    rare_power: float = 0.1  # a face weighs as its classes' frequency to minus this
    small_side: int = 32  # px: the early epochs see smaller pictures, at (32 / 48)^2 of the cost
    small_share: float = 0.3  # of the epochs, the first
    calm_share: float = 0.15  # of the epochs, the last: views as photographs are, without mixing
    photographs: bool = True  # with the photographs' faces, which only teachers label
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    mix: MixConfig = field(default_factory=lambda: MixConfig(chance=0.3))


class Target(NamedTuple):
    """What one head is trained on."""

    distribution: Tensor  # [n, k]
    weight: Tensor  # [n]

    def taught(self, teacher: Tensor, share: float) -> "Target":
        """These labels and a teacher's probabilities [n, k], which count `share` whatever the labels' weight."""
        ours = (1 - share) * self.weight
        weight = ours + share
        return Target((ours[:, None] * self.distribution + share * teacher) / weight[:, None], weight)


class Batch(NamedTuple):
    """n views."""

    step: int
    images: Tensor  # uint8 [n, side, side, 1], for the network that is trained
    views: Tensor  # uint8 [n, 48, 48, 1], the same for the teachers
    ferplus: Target
    fer2013: Target
    rarity: Tensor  # [n], a factor on the weight of the FER+ votes

    def to(self, device: torch.device) -> "Batch":
        """This batch on `device`."""
        images, views, rarity = (each.to(device, non_blocking=True) for each in (self.images, self.views, self.rarity))
        heads = ([part.to(device, non_blocking=True) for part in head] for head in (self.ferplus, self.fer2013))
        ferplus, fer2013 = (Target(*head) for head in heads)
        return Batch(self.step, images, views, ferplus, fer2013, rarity)


class Batches(Dataset[Batch]):
    """All batches of a training on `faces`, in order."""

    def __init__(self, faces: data.Faces, config: BatchConfig) -> None:
        self.faces, self.config = faces, config
        self._size = min(config.batch, len(faces))
        self.per_epoch = len(faces) // self._size
        self._ferplus = targets.vote_targets(faces.votes)
        self._fer2013 = targets.label_targets(faces.fer2013, len(BASIC7))
        self._rarity = targets.rarity(self._ferplus, config.rare_power)

    def __len__(self) -> int:
        return self.config.epochs * self.per_epoch

    def __getitem__(self, step: int) -> Batch:
        cv2.setNumThreads(1)
        config, (epoch, index) = self.config, divmod(step, self.per_epoch)
        order = np.random.default_rng((config.seed, epoch)).permutation(len(self.faces))
        rows: NDArray[np.int64] = order[index * self._size : (index + 1) * self._size]
        calm = epoch >= round(config.epochs * (1 - config.calm_share))
        rng = np.random.default_rng((config.seed, epoch, index))
        views = augment_batch(self.faces.images[rows], config.augment.calmer() if calm else config.augment, rng)
        ferplus, fer2013, rarity = self._ferplus.rows(rows), self._fer2013.rows(rows), self._rarity[rows]
        views, pairs = (views, None) if calm else mix(views, config.mix, rng)
        if pairs is not None:
            ferplus, fer2013 = pairs.targets(ferplus), pairs.targets(fer2013)
            rarity = pairs.share * rarity + (1 - pairs.share) * rarity[pairs.other]
        side = config.small_side if epoch < round(config.epochs * config.small_share) else data.SIDE
        images, pictures = (torch.from_numpy(each[..., None]) for each in (resized(views, side), views))
        votes, label = (Target(*(torch.from_numpy(part) for part in head)) for head in (ferplus, fer2013))
        return Batch(step, images, pictures, votes, label, torch.from_numpy(rarity))
