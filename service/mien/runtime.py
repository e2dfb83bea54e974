"""The only home of onnxruntime: how a graph becomes something that runs."""

import base64
import os
from collections.abc import Sequence

import numpy as np

# From 1.29 on, onnxruntime tells its makers of every process: an id of the machine, its processor, paths, names and
# hashes of models, queued in the home folder until there is a network. It looks for this once, when it is loaded;
# ``disable_telemetry_events`` comes too late and leaves the files. (onnxruntime pull requests 27379 and 29843)
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort

from mien.domain import F32Array, U8Array
from mien.errors import ModelUnreadable
from mien.store import StoredModel

ort.disable_telemetry_events()  # where it goes by another way: Windows

_QUIET = 3  # errors only: onnxruntime's warnings speak of its own graph surgery
# On processors with AVX2 but no VNNI (AMD before Zen 4, Intel before Ice Lake), onnxruntime's fast int8 kernels add
# pairs of products in 16 bits, which overflow: landmarks move by pixels, scores by hundredths. This makes them add
# exactly, at 1.2 to 1.5 times the time. With VNNI the fast kernels are exact, and this would cost 2.5 times the time.
_EXACT_SUMS = ("session.x64quantprecision", "1")

# y = MatMulInteger(a, b), a uint8 [m, k], b int8 [k, n]; 108 bytes of ONNX (IR 8, opset 13).
_PRODUCT = base64.b64decode(
    "CAg6YgoYCgFhCgFiEgF5Ig1NYXRNdWxJbnRlZ2VyEgFnWhUKAWESEAoOCAISCgoDEgFtCgMSAWtaFQoBYhIQCg4IAxIKCgMSAWsKAxIBbmIVCgF5"
    "EhAKDggGEgoKAxIBbQoDEgFuQgQKABAN"
)


def int8_sums_overflow() -> bool:
    """Whether onnxruntime's default int8 kernels are wrong on this processor: asked of them, with the largest numbers.

    The processor's flags would have to be read in another way on every system, and say nothing of the kernel chosen.
    """
    session = ort.InferenceSession(_PRODUCT, providers=["CPUExecutionProvider"])
    depth = 64
    a, b = np.full((1, depth), 255, np.uint8), np.full((depth, 16), 127, np.int8)
    (sums,) = session.run(None, {"a": a, "b": b})
    return bool((sums != depth * 255 * 127).any())


def exact_sums(options: ort.SessionOptions) -> None:
    """Make a session of `options` add int8 products exactly, at no cost where it would anyway."""
    if int8_sums_overflow():
        options.add_session_config_entry(*_EXACT_SUMS)


class Session:
    """A loaded graph with one ``uint8`` input. Shared by all workers: onnxruntime sessions are thread-safe.

    Each call runs on the calling thread alone. The pool has one worker a core, so threads inside a call would only
    fight over the same cores.

    Raises:
        ModelMissing, ModelChanged: see ``StoredModel.read_graph``.
        ModelUnreadable: when onnxruntime rejects the graph or an output that is asked for is not in it.
    """

    def __init__(self, model: StoredModel, outputs: Sequence[str]) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _QUIET
        # Shapes differ from call to call; remembered allocation patterns would pile up, one a shape.
        options.enable_mem_pattern = False
        exact_sums(options)
        graph = model.read_graph()
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a class a status code, with no base of its own
            raise ModelUnreadable(f"onnxruntime cannot load {model.directory}: {error}") from error
        missing = set(outputs) - {output.name for output in self._session.get_outputs()}
        if missing:
            raise ModelUnreadable(f"The graph in {model.directory} has no output {', '.join(sorted(missing))}.")
        self._input = self._session.get_inputs()[0].name
        self._outputs = list(outputs)

    def run(self, images: U8Array) -> list[F32Array]:
        """The outputs named at construction, in that order, for ``uint8 [n, h, w, c]``."""
        return list(self._session.run(self._outputs, {self._input: images}))
