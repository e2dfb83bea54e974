"""Nets that have learned before, to learn from beside the votes.

A teacher says what it makes of the very view that the student sees (Beyer et al. 2022, "Knowledge distillation: a good
teacher is patient and consistent"): ten votes are a noisy sample of what a crowd thinks of a face, and know nothing of
how this view hides it. A teacher that was trained on a face has learned that face's votes, chance included, so the
best to ask about it are those that never saw it: see `folds`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.emotion.metrics import softmax
from training.emotion.session import Session


class Taught(NamedTuple):
    """The teachers' mean probabilities on n faces."""

    ferplus: NDArray[np.float32]  # [n, 8]
    fer2013: NDArray[np.float32]  # [n, 7]


class Teachers:
    """ONNX files of the emotion model, each on `threads` threads: `files` speak of every face, `of_folds[k]` only of
    those in fold k, which it was trained without."""

    def __init__(self, files: Sequence[Path], of_folds: Sequence[Path] = (), threads: int = 1) -> None:
        self._everywhere = [Session(path, threads) for path in files]
        self._of_folds = [Session(path, threads) for path in of_folds]

    def probabilities(
        self, views: NDArray[np.uint8], fold: int = 0, at_once: int = 0, rng: Generator | None = None
    ) -> Taught:
        """What those who may speak of fold `fold` make of its `views` [n, 48, 48], on average.

        With `rng` only `at_once` of them are asked, another choice each time: a student hears the mean of all of them
        over its steps (the gradient is linear in what they say), at the price of few.
        """
        speakers = [*self._everywhere, *self._of_folds[fold : fold + 1]]
        if rng is not None:
            speakers = [speakers[index] for index in rng.permutation(len(speakers))[:at_once]]
        said = [session.logits(views) for session in speakers]
        return Taught(
            np.mean([softmax(logits.ferplus) for logits in said], axis=0, dtype=np.float32),
            np.mean([softmax(logits.fer2013) for logits in said], axis=0, dtype=np.float32),
        )
