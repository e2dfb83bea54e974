"""A training's steps as a cohort takes them: made by whichever process is free, and copied to a device."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from training.emotion.views import ViewMaker


class Aim(NamedTuple):
    """What one head is to say, on the device."""

    distribution: Tensor  # [n, k]
    weight: Tensor  # [n]

    def mixed(self, taught: Tensor, share: float) -> "Aim":
        """As `targets.Targets.mixed`."""
        ours = (1 - share) * self.weight
        weight = ours + share
        return Aim((ours[:, None] * self.distribution + share * taught) / weight[:, None], weight)


class Slots(NamedTuple):
    """One step's material; on the device, where each step's is copied to the place of the one before."""

    images: Tensor  # uint8 [n, side, side, 1], for the members
    views: Tensor  # uint8 [n, 48, 48, 1], for the teachers
    crowd: Aim
    fer2013: Aim
    rarity: Tensor  # [n], a factor on the crowd's weight

    def to(self, device: torch.device) -> "Slots":
        """A copy on `device`."""
        crowd, fer2013 = (Aim(*(part.to(device, copy=True) for part in aim)) for aim in (self.crowd, self.fer2013))
        images, views, rarity = (part.to(device, copy=True) for part in (self.images, self.views, self.rarity))
        return Slots(images, views, crowd, fer2013, rarity)

    def tensors(self) -> list[Tensor]:
        """All of it, in one order."""
        return [self.images, self.views, *self.crowd, *self.fer2013, self.rarity]


class Steps(Dataset[Slots]):
    """Every step of a whole training, in order; each made by whichever process is free."""

    def __init__(self, maker: ViewMaker) -> None:
        self._maker = maker
        self._dealt: tuple[int, list[NDArray[np.int64]]] = (-1, [])

    def __len__(self) -> int:
        return self._maker.config.epochs * self._maker.steps_per_epoch

    def __iter__(self) -> Iterator[Slots]:
        return (self[step] for step in range(len(self)))

    def __getitem__(self, step: int) -> Slots:
        epoch, index = divmod(step, self._maker.steps_per_epoch)
        if self._dealt[0] != epoch:
            self._dealt = (epoch, self._maker.deal(epoch))
        made = self._maker.material(epoch, index, self._dealt[1][index])
        images, views = (torch.from_numpy(pictures[..., None]) for pictures in (made.images, made.views))
        crowd, fer2013 = (Aim(*(torch.from_numpy(part) for part in aim)) for aim in (made.crowd, made.fer2013))
        return Slots(images, views, crowd, fer2013, torch.from_numpy(made.rarity))
