"""Milliseconds a face on one thread, several files in one run, and whether the batch changes a face's numbers.

A time is that of a net's shape on a kind of processor: other weights take as long, and int8 is fast where the processor
multiplies bytes in one instruction (VNNI). That of a cascade depends on the faces too.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.emotion.data import TILE
from training.emotion.session import UNSURE, Session, open_session

BATCHES = (1, 8, 32)
ROUNDS = 7
FACES = 2560  # enough that chance moves the share of hard ones by half a point at most
COLD_FACES = 200
ELSEWHERE = 32 * 2**20  # bytes; more than a core's own caches hold


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


def race(
    files: Mapping[str, Path], faces: NDArray[np.uint8] | None = None, batches: tuple[int, ...] = BATCHES
) -> dict[str, dict[str, float]]:
    """Milliseconds a face of each file, `{name: {"batch_1": usual, "batch_1_fast": fastest, ...}}`.

    The files take turns, so that a busy moment of a shared machine does not hit one alone: ratios between files of one
    race mean more than any figure by itself. In its turn a file is given all of `faces` [n, 48, 48], or random ones,
    one batch after the other, as a service is that has many. Of a batch the usual time is the median over the rounds,
    and the fastest the least; a file's time is the mean over all batches, since a cascade takes longer over some faces
    than over others. `batch_1_cold` is the time of a face by itself after other work, which has pushed the weights out
    of the processor's caches.
    """
    sessions = {name: open_session(path) for name, path in files.items()}
    pictures = _random_faces() if faces is None else faces
    times: dict[str, dict[str, float]] = {name: {} for name in files}
    for batch in batches:
        feeds = {name: _feeds(session, pictures, batch) for name, session in sessions.items()}
        rounds: dict[str, list[list[float]]] = {name: [] for name in files}
        for turn in range(ROUNDS + 1):
            for name, session in sessions.items():
                spent = [_spent(session, feed) for feed in feeds[name]]
                if turn:  # in the first they still find their memory
                    rounds[name].append(spent)
        for name, spents in rounds.items():
            times[name][f"batch_{batch}"] = float(np.median(spents, axis=0).mean())
            times[name][f"batch_{batch}_fast"] = float(np.min(spents, axis=0).mean())
    if 1 in batches:
        elsewhere = np.zeros(ELSEWHERE, np.uint8)
        for name, session in sessions.items():
            cold = []
            for feed in _feeds(session, pictures[:COLD_FACES], 1):
                elsewhere += 1
                cold.append(_spent(session, feed))
            times[name]["batch_1_cold"] = float(np.mean(cold))
    return times


def sample(faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`FACES` of `faces` [n, 48, 48], or as many as there are, always the same ones."""
    chosen: NDArray[np.uint8] = faces[np.random.default_rng(0).permutation(len(faces))[:FACES]]
    return chosen


def _spent(session: onnxruntime.InferenceSession, feed: dict[str, NDArray[np.generic]]) -> float:
    """Milliseconds a face of a call."""
    (faces,) = feed.values()
    began = time.perf_counter()
    session.run(None, feed)
    return 1e3 * (time.perf_counter() - began) / len(faces)


def _random_faces() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (FACES, TILE, TILE), dtype=np.uint8)


def _feeds(
    session: onnxruntime.InferenceSession, faces: NDArray[np.uint8], batch: int
) -> list[dict[str, NDArray[np.generic]]]:
    """Whole batches of `faces` in the form that the file takes: bytes for ours; floats in 0..1 for others, random ones,
    since theirs is another size."""
    entry, count = session.get_inputs()[0], max(1, len(faces) // batch)
    if entry.type == "tensor(uint8)":
        return [{entry.name: faces[start * batch : (start + 1) * batch, :, :, None]} for start in range(count)]
    random = np.random.default_rng(0).random((batch, *entry.shape[1:]), dtype=np.float32)
    return [{entry.name: random}] * count


def batch_dependence(
    session: Session, images: NDArray[np.uint8], batches: tuple[int, ...] = (2, 3, 7, 8, 16, 32)
) -> float:
    """Largest difference of any output between one face a call and `batches` faces a call; 0 means equal bits."""
    names = tuple(name for name in session.output_shapes if name != UNSURE)
    alone = [np.concatenate(part) for part in zip(*(session.run(image[None], names) for image in images), strict=True)]
    worst = 0.0
    for batch in batches:
        parts = [session.run(images[start : start + batch], names) for start in range(0, len(images), batch)]
        together = [np.concatenate(part) for part in zip(*parts, strict=True)]
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(alone, together, strict=True)))
    return worst
