"""Runs an ONNX file of the emotion model as the service does: onnxruntime on one CPU thread."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mien.runtime import exact_sums

OUTPUTS = ("ferplus", "fer2013")


class Logits(NamedTuple):
    """Both heads' logits on n faces."""

    ferplus: NDArray[np.float32]  # [n, 8]
    fer2013: NDArray[np.float32]  # [n, 7]


class Session:
    """An onnxruntime session on `path`."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        exact_sums(options)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    @property
    def output_shapes(self) -> dict[str, list[int | str]]:
        """The shape of each output; the batch stands as its name."""
        return {output.name: list(output.shape) for output in self._session.get_outputs()}

    def run(self, images: NDArray[np.uint8], names: tuple[str, ...] = OUTPUTS) -> list[NDArray[np.float32]]:
        """The outputs `names` on crops [n, 48, 48], in one call."""
        outputs: list[NDArray[np.float32]] = self._session.run(list(names), {"images": images[..., None]})
        return outputs

    def logits(self, images: NDArray[np.uint8], batch: int = 32) -> Logits:
        """Logits on crops [n, 48, 48], `batch` at a time."""
        parts = [self.run(images[start : start + batch]) for start in range(0, len(images), batch)]
        return Logits(*(np.concatenate(part) for part in zip(*parts, strict=True)))
