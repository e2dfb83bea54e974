"""Runs an ONNX file of the emotion model as the service does: onnxruntime on one CPU thread."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien import runtime
from mien.store import StoredModel
from training.common.stages import sha256

OUTPUTS = ("ferplus", "fer2013", "features", "activation")


class Logits(NamedTuple):
    """Both heads' logits on n faces."""

    ferplus: NDArray[np.float32]  # [n, 8]
    fer2013: NDArray[np.float32]  # [n, 7]


class Session:
    """A session on `path`."""

    def __init__(self, path: Path) -> None:
        self._stored = StoredModel("emotion", "", path.parent, {"file": path.name, "sha256": sha256(path)})
        self._heads = runtime.Session(self._stored, OUTPUTS[:2])

    def logits(self, images: NDArray[np.uint8], batch: int = 32) -> Logits:
        """Logits on crops [n, 48, 48], `batch` at a time."""
        parts = [self._heads.run(images[start : start + batch, ..., None]) for start in range(0, len(images), batch)]
        return Logits(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def outputs(self, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """All outputs on crops [n, 48, 48], in one call."""
        return dict(zip(OUTPUTS, runtime.Session(self._stored, OUTPUTS).run(images[..., None]), strict=True))
