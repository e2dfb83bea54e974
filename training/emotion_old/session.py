"""Runs an ONNX file of the emotion model as the service does: onnxruntime on one CPU thread."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mien.runtime import exact_sums

OUTPUTS = ("ferplus", "fer2013")
UNSURE = "unsure"  # output of a cascade: which faces its second net looked at
EPOCHS = "epochs"  # key of the file's metadata: how long its weights were trained


class Logits(NamedTuple):
    """Both heads' logits on n faces."""

    ferplus: NDArray[np.float32]  # [n, 8]
    fer2013: NDArray[np.float32]  # [n, 7]


def open_session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A bare session on `path`, on one CPU thread unless told otherwise."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    exact_sums(options)
    if threads > 1:
        # Threads that spin while they wait take the cores from whoever works beside them: torch, when this teaches.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Session:
    """An onnxruntime session on `path`."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = open_session(path, threads)

    @property
    def output_shapes(self) -> dict[str, list[int | str]]:
        """The shape of each output; the batch stands as its name."""
        return {output.name: list(output.shape) for output in self._session.get_outputs()}

    @property
    def epochs(self) -> int:
        """How long the weights in the file were trained (the run may have gone on since); 0 where it does not say."""
        return int(self._session.get_modelmeta().custom_metadata_map.get(EPOCHS, 0))

    def run(self, images: NDArray[np.uint8], names: tuple[str, ...] = OUTPUTS) -> list[NDArray[np.float32]]:
        """The outputs `names` on tiles [n, 48, 48], in one call."""
        outputs: list[NDArray[np.float32]] = self._session.run(list(names), {"images": images[..., None]})
        return outputs

    @property
    def is_cascade(self) -> bool:
        """Whether the file holds two nets, of which the second looks only at some faces: see `cascade`."""
        return UNSURE in self.output_shapes

    def looked_twice(self, images: NDArray[np.uint8], batch: int = 32) -> NDArray[np.bool_]:
        """Which of the tiles [n, 48, 48] a cascade's second net looks at, [n]."""
        parts = [self.run(images[start : start + batch], (UNSURE,))[0] for start in range(0, len(images), batch)]
        return np.concatenate(parts).astype(np.bool_)

    def logits(self, images: NDArray[np.uint8], batch: int = 32) -> Logits:
        """Logits on tiles [n, 48, 48], `batch` at a time."""
        parts = [self.run(images[start : start + batch]) for start in range(0, len(images), batch)]
        return Logits(*(np.concatenate(part) for part in zip(*parts, strict=True)))
