"""Nets that have learned before, to learn from beside the votes.

A teacher says what it makes of the very view that the student sees (Beyer et al. 2022, "Knowledge distillation: a good
teacher is patient and consistent"): ten votes are a noisy sample of what a crowd thinks of a face, and know nothing of
how this view hides it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.emotion.metrics import softmax
from training.emotion.session import Session


class Taught(NamedTuple):
    """The teachers' mean probabilities on n faces."""

    ferplus: NDArray[np.float32]  # [n, 8]
    fer2013: NDArray[np.float32]  # [n, 7]


class Teachers:
    """One or more ONNX files of the emotion model, on `threads` threads."""

    def __init__(self, files: Sequence[Path], threads: int = 1) -> None:
        self._sessions = [Session(path, threads) for path in files]

    def probabilities(self, views: NDArray[np.uint8]) -> Taught:
        """What the teachers make of `views` [n, 48, 48], on average."""
        said = [session.logits(views) for session in self._sessions]
        return Taught(
            np.mean([softmax(logits.ferplus) for logits in said], axis=0, dtype=np.float32),
            np.mean([softmax(logits.fer2013) for logits in said], axis=0, dtype=np.float32),
        )
