"""Milliseconds a face on one thread, several files in one run, and whether the batch changes a face's numbers.

A time is that of a net's shape on a kind of processor: other weights take as long, and int8 is fast where the processor
multiplies bytes in one instruction (VNNI).
"""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.emotion.session import OUTPUTS, Session, open_session

BATCHES = (1, 8, 32)
ROUNDS = {1: 300, 8: 60, 32: 24}  # calls a file; about a second each


VNNI = {"avx512_vnni", "avx_vnni"}  # as Linux names them
CPUINFO = Path("/proc/cpuinfo")
GENERATION = ("cpu family", "model")  # Linux's names


def processor(described: str) -> str:
    """`vnni` where `described`, the text of /proc/cpuinfo, has such instructions; `no_vnni` elsewhere."""
    flags = (line.partition(":")[2].split() for line in described.splitlines() if line.startswith("flags"))
    return "vnni" if any(VNNI.intersection(line) for line in flags) else "no_vnni"


def described(cpuinfo: str) -> str:
    """The processor's name, and the family and model that tell its generation: `AMD EPYC, family 25, model 17`."""
    said = dict(line.split(":", 1) for line in cpuinfo.partition("\n\n")[0].splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in said.items()}
    named = [facts.get("model name", ""), *(f"{key.split()[-1]} {facts[key]}" for key in GENERATION if key in facts)]
    return ", ".join(part for part in named if part) or "unknown"


def race(files: Mapping[str, Path], batches: tuple[int, ...] = BATCHES) -> dict[str, dict[str, float]]:
    """Milliseconds a face of each file, `{name: {"batch_1": median, "batch_1_fast": fastest tenth, ...}}`.

    The files take turns call by call, so that a busy moment of a shared machine hits all of them: ratios between files
    of one race mean more than any figure by itself.
    """
    sessions = {name: open_session(path) for name, path in files.items()}
    times: dict[str, dict[str, float]] = {name: {} for name in files}
    for batch in batches:
        feeds = {name: _feed(session, batch) for name, session in sessions.items()}
        spent: dict[str, list[float]] = {name: [] for name in files}
        for turn in range(ROUNDS.get(batch, 40) + 2):
            for name, session in sessions.items():
                began = time.perf_counter()
                session.run(None, feeds[name])
                if turn >= 2:  # the first calls still find their memory
                    spent[name].append(time.perf_counter() - began)
        for name, values in spent.items():
            times[name][f"batch_{batch}"] = float(np.median(values)) / batch * 1e3
            times[name][f"batch_{batch}_fast"] = float(np.quantile(values, 0.1)) / batch * 1e3
    return times


def _feed(session: onnxruntime.InferenceSession, batch: int) -> dict[str, NDArray[np.generic]]:
    """Random faces in the form that the file takes: bytes for ours, floats in 0..1 for others."""
    entry = session.get_inputs()[0]
    shape = (batch, *entry.shape[1:])
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return {entry.name: pixels if entry.type == "tensor(uint8)" else (pixels / 255).astype(np.float32)}


def batch_dependence(
    session: Session, images: NDArray[np.uint8], batches: tuple[int, ...] = (2, 3, 7, 8, 16, 32)
) -> float:
    """Largest difference of any output between one face a call and `batches` faces a call; 0 means equal bits."""
    names = (*OUTPUTS, "features", "activation")
    alone = [np.concatenate(part) for part in zip(*(session.run(image[None], names) for image in images), strict=True)]
    worst = 0.0
    for batch in batches:
        parts = [session.run(images[start : start + batch], names) for start in range(0, len(images), batch)]
        together = [np.concatenate(part) for part in zip(*parts, strict=True)]
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(alone, together, strict=True)))
    return worst
