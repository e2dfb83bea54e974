"""Train faces in parts, so that teachers can speak of faces that they never saw.

A net remembers the votes that it was trained on, their chance included: what it says of a train face is partly those
votes again. A teacher that was trained without a face's fold says what other faces let one expect of it (out-of-fold
predictions, as stacking needs them: Wolpert 1992, "Stacked generalization").
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.emotion import data


@dataclass(frozen=True)
class LeftOut:
    """Fold `fold` of `folds`, which a teacher must not see."""

    fold: int
    folds: int

    def __str__(self) -> str:
        return f"{self.fold}/{self.folds}"

    @classmethod
    def parse(cls, text: str) -> "LeftOut":
        """`K/N` of the command line. Raises ValueError where it is not that, with 0 <= K < N and N >= 2."""
        fold, _, folds = text.partition("/")
        left_out = cls(int(fold), int(folds))
        if not 0 <= left_out.fold < left_out.folds or left_out.folds < 2:
            raise ValueError(f"{text!r} is not K/N with 0 <= K < N and N >= 2")
        return left_out


def batches(fold: NDArray[np.int64], size: int, rng: Generator) -> list[NDArray[np.int64]]:
    """Rows in random order, `size` a batch and each batch of one fold; what fills no batch is left for another time."""
    dealt = []
    for one in np.unique(fold):
        rows = rng.permutation(np.flatnonzero(fold == one))
        dealt += [rows[start : start + size] for start in range(0, len(rows) - size + 1, size)]
    return [dealt[index] for index in rng.permutation(len(dealt))]


def assign(images: NDArray[np.uint8], folds: int, threshold: float = 0.95, block: int = 1024) -> NDArray[np.int64]:
    """The fold, 0 to `folds` - 1, of each of `images` [n, 48, 48]: the same each time.

    Near-identical pictures (`data.twins`) are in one fold, and so are the twins of twins: else a teacher would have
    seen what it speaks of.
    """
    leader = _families(images, threshold, block)
    fold_of_family = np.random.default_rng(folds).integers(folds, size=len(images))
    chosen: NDArray[np.int64] = fold_of_family[leader]
    return chosen


def _families(images: NDArray[np.uint8], threshold: float, block: int) -> NDArray[np.int64]:
    """For each picture the index of the first one of its family."""
    leader = np.arange(len(images))

    def root(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = int(leader[index])
        return index

    rows = data.unit_rows(images)
    both = (rows, data.unit_rows(images[:, :, ::-1]))
    for start in range(0, len(images), block):
        for reference in both:
            alike = rows[start : start + block] @ reference[start:].T > threshold
            for one, other in zip(*np.nonzero(alike), strict=True):
                first, second = sorted((root(start + int(one)), root(start + int(other))))
                leader[second] = first
    return np.array([root(index) for index in range(len(images))])
