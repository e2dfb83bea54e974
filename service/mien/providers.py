"""What may run the models: onnxruntime's execution providers, by the names of ``MIEN_PROVIDER``."""

from dataclasses import dataclass, field
from typing import Literal

Provider = Literal["cpu", "cuda", "openvino", "coreml"]


@dataclass(frozen=True, slots=True)
class Execution:
    """What runs a graph, and for how many callers at a time."""

    provider: Provider = "cpu"
    callers: int = 1


ON_CPU = Execution()


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A provider other than the CPU: its ``name`` and ``options`` in onnxruntime, how to get it, and what it needs."""

    name: str
    remedy: str
    needs: str
    options: dict[str, str] = field(default_factory=dict)


def accelerator(execution: Execution) -> Accelerator | None:
    """``None`` for the CPU."""
    match execution.provider:
        case "cpu":
            return None
        case "cuda":
            return Accelerator(
                "CUDAExecutionProvider",
                "replace it by another package (pip uninstall onnxruntime; pip install 'onnxruntime-gpu[cuda,cudnn]')",
                "an NVIDIA GPU, its driver, CUDA 13 and cuDNN 9",
            )
        case "openvino":
            # One stream per caller, of one thread each: calls on a single stream wait for each other.
            callers = str(execution.callers)
            return Accelerator(
                "OpenVINOExecutionProvider",
                "replace it by another package (pip uninstall onnxruntime; pip install onnxruntime-openvino)",
                "an x86-64 processor",
                {"num_of_threads": callers, "num_streams": callers},
            )
        case "coreml":
            return Accelerator(
                "CoreMLExecutionProvider",
                "it is in the package onnxruntime for Macs (pip install onnxruntime)",
                "a Mac with macOS 14 or newer",
            )
