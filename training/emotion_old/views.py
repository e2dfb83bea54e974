"""What a step of a training is made of: views of some train faces, and what is known of each.

A pure function of (configuration, epoch, step): a run that goes on, and processes that make views side by side, show
the same ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.emotion import data, folds, targets
from training.emotion.augment import augment_batch, resized
from training.emotion.config import TrainConfig
from training.emotion.labels import BASIC7
from training.emotion.mixing import mix


class Material(NamedTuple):
    """n views and what people say of them; teachers have yet to be asked."""

    images: NDArray[np.uint8]  # [n, side, side], for the student; small in the early epochs
    views: NDArray[np.uint8]  # [n, 48, 48], the same for the teachers
    crowd: targets.Targets  # [n, 8] and [n]
    fer2013: targets.Targets  # [n, 7] and [n]
    rarity: NDArray[np.float32]  # [n], a factor on the crowd's weight


class ViewMaker:
    """Deals `faces` into batches, epoch by epoch."""

    def __init__(self, config: TrainConfig, faces: data.Faces, fold: NDArray[np.int64] | None = None) -> None:
        """`fold` [n] says which of the teachers of folds may speak of each face; all are in one without it."""
        self.config = config
        self.faces = faces
        self.fold = np.zeros(len(faces), np.int64) if fold is None else fold
        self.crowd = targets.vote_targets(faces.votes)
        self.fer2013 = targets.label_targets(faces.fer2013, len(BASIC7))
        self.rarity = targets.rarity(self.crowd, config.rare_power)

    @property
    def steps_per_epoch(self) -> int:
        return int((np.bincount(self.fold) // self.config.batch).sum())

    def deal(self, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of each batch of `epoch`, counted from 0."""
        return folds.batches(self.fold, self.config.batch, np.random.default_rng((self.config.seed, epoch)))

    def material(self, epoch: int, index: int, rows: NDArray[np.int64]) -> Material:
        """Views of `rows`, batch `index` of `epoch`."""
        config = self.config
        calm = epoch >= round(config.epochs * (1 - config.calm_share))
        side = config.small_side if epoch < round(config.epochs * config.small_share) else data.TILE
        rng = np.random.default_rng((config.seed, epoch, index))
        views = augment_batch(self.faces.images[rows], config.augment.calmer() if calm else config.augment, rng)
        crowd, fer2013, rarity = self.crowd.rows(rows), self.fer2013.rows(rows), self.rarity[rows]
        views, pairs = (views, None) if calm else mix(views, config.mix, rng)
        if pairs is not None:
            crowd, fer2013 = pairs.targets(crowd), pairs.targets(fer2013)
            rarity = pairs.share * rarity + (1 - pairs.share) * rarity[pairs.other]
        return Material(resized(views, side), views, crowd, fer2013, rarity)
