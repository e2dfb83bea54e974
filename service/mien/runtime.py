"""The only module that imports onnxruntime: loads graphs and runs them."""

import base64
import os
from collections.abc import Sequence

import numpy as np

# Since 1.29, onnxruntime sends telemetry for every process: a machine id, the processor, paths, names and hashes of
# models, queued in the home folder until there is a network. It reads this variable once, when it is loaded;
# ``disable_telemetry_events`` comes too late and leaves the files. (onnxruntime pull requests 27379 and 29843)
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort

from mien.domain import F32Array, U8Array
from mien.errors import InvalidOption, ModelUnreadable
from mien.providers import ON_CPU, Accelerator, Execution, accelerator
from mien.store import StoredModel

ort.disable_telemetry_events()  # on Windows, where the variable has no effect

_CPU = "CPUExecutionProvider"
_ERRORS_ONLY = 3  # onnxruntime's warnings are about its own graph optimisations
# On processors with AVX2 but no VNNI (AMD before Zen 4, Intel before Ice Lake), onnxruntime's fast int8 kernels add
# pairs of products in 16 bits, which overflow: landmarks move by pixels, scores by hundredths. This option makes the
# sums exact, at 1.2 to 1.5 times the time. With VNNI the fast kernels are exact, and it would cost 2.5 times the time.
_EXACT_SUMS = ("session.x64quantprecision", "1")

# y = MatMulInteger(a, b), a uint8 [m, k], b int8 [k, n]; 108 bytes of ONNX (IR 8, opset 13).
_PRODUCT = base64.b64decode(
    "CAg6YgoYCgFhCgFiEgF5Ig1NYXRNdWxJbnRlZ2VyEgFnWhUKAWESEAoOCAISCgoDEgFtCgMSAWtaFQoBYhIQCg4IAxIKCgMSAWsKAxIBbmIVCgF5"
    "EhAKDggGEgoKAxIBbQoDEgFuQgQKABAN"
)


def int8_sums_overflow() -> bool:
    """Whether onnxruntime's default int8 kernels overflow on this processor, tested with the largest operands.

    CPU flags are read differently on every system, and do not tell which kernel is chosen.
    """
    session = ort.InferenceSession(_PRODUCT, providers=[_CPU])
    depth = 64
    a, b = np.full((1, depth), 255, np.uint8), np.full((depth, 16), 127, np.int8)
    (sums,) = session.run(None, {"a": a, "b": b})
    return bool((sums != depth * 255 * 127).any())


def exact_sums(options: ort.SessionOptions) -> None:
    """Make sessions with ``options`` add int8 products exactly; no change where they do so anyway."""
    if int8_sums_overflow():
        options.add_session_config_entry(*_EXACT_SUMS)


def _preferred(execution: Execution, chosen: Accelerator | None) -> list[tuple[str, dict[str, str]]]:
    """The providers that come before the CPU, with their options."""
    if chosen is None:
        return []
    available = ort.get_available_providers()
    if chosen.name not in available:
        raise InvalidOption(
            "provider",
            f"The provider {execution.provider} is not in the installed onnxruntime {ort.__version__}, which has "
            f"{', '.join(available)}; {chosen.remedy}, or choose MIEN_PROVIDER=cpu.",
        )
    if execution.provider == "cuda":
        ort.preload_dlls()  # the libraries that pip has installed, which the system's linker does not find
    return [(chosen.name, chosen.options)]


class Session:
    """A loaded graph with one ``uint8`` input. Shared by all workers: onnxruntime sessions are thread-safe.

    On the CPU each call runs on the calling thread alone. The pool has one worker per core, so threads inside a call
    would compete for the same cores. Operators that another provider lacks run on the CPU too.

    Raises:
        ModelMissing, ModelChanged: see ``StoredModel.read_graph``.
        ModelUnreadable: when onnxruntime rejects the graph, or a requested output is not in it.
        InvalidOption: the provider is not in the installed onnxruntime, or does not work on this machine.
    """

    def __init__(self, model: StoredModel, outputs: Sequence[str], execution: Execution = ON_CPU) -> None:
        chosen = accelerator(execution)
        providers = [*_preferred(execution, chosen), _CPU]
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _ERRORS_ONLY
        # Shapes differ from call to call, and one allocation pattern per shape would be kept for ever.
        options.enable_mem_pattern = False
        # Threads that share an arena hand each other memory that the other core's cache holds: with two of them the
        # detector took a fifth longer. The C library's memory has no such cost, and is returned when asked.
        options.enable_cpu_mem_arena = False
        exact_sums(options)
        graph = model.read_graph()
        try:
            self._session = ort.InferenceSession(graph, options, providers=providers)
        except Exception as error:  # onnxruntime raises one class per status code, without a common base
            raise ModelUnreadable(f"onnxruntime cannot load {model.directory}: {error}") from error
        if chosen is not None and chosen.name not in self._session.get_providers():
            raise InvalidOption(
                "provider",
                f"onnxruntime cannot use the provider {execution.provider} on this machine: it needs {chosen.needs}; "
                "see its message above, or choose MIEN_PROVIDER=cpu.",
            )
        missing = set(outputs) - {output.name for output in self._session.get_outputs()}
        if missing:
            raise ModelUnreadable(f"The graph in {model.directory} has no output {', '.join(sorted(missing))}.")
        self._input = self._session.get_inputs()[0].name
        self._outputs = list(outputs)

    def run(self, images: U8Array) -> list[F32Array]:
        """The outputs named at construction, in that order, for ``uint8 [n, h, w, c]``."""
        return list(self._session.run(self._outputs, {self._input: images}))
