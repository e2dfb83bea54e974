"""Synthetic detections along known paths, and the identity switches that a tracker makes on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mien.domain import Box, Face, FrameResult
from mien.timeline.tracker import track
from tests.fakes import make_face

WIDTH, HEIGHT = 1280, 720

Path = Callable[[float], tuple[float, float] | None]
"""Centre of a face at a time in seconds; ``None`` while it is out of sight."""


@dataclass(frozen=True)
class Take:
    """Results and ground truth: ``names[i][j]`` is the person behind face ``j`` of result ``i``."""

    results: tuple[FrameResult, ...]
    names: tuple[tuple[str, ...], ...]


def film(
    paths: Mapping[str, Path],
    times: Sequence[float],
    *,
    size: float = 100.0,
    cuts: Sequence[float] = (),
    hides: bool = False,
    seed: int = 1,
) -> Take:
    """Detections with jitter (3 % of the face size); sizes of people's faces differ by about 10 %.

    With ``hides`` a face that is more than half covered by a nearer one (first in ``paths``) is not detected.
    """
    rng = np.random.default_rng(seed)
    sizes = {name: size * rng.uniform(0.9, 1.1) for name in paths}
    results, names = [], []
    for index, time in enumerate(times):
        seen: list[tuple[str, Box]] = []
        for name, path in paths.items():
            centre = path(time)
            if centre is None or not (0 <= centre[0] <= WIDTH and 0 <= centre[1] <= HEIGHT):
                continue
            x, y, w, h = np.array([*centre, sizes[name], sizes[name] * 1.2]) + rng.normal(0, 0.03 * size, 4)
            box = Box(float(x - w / 2), float(y - h / 2), float(w), float(h))
            if not (hides and any(_overlap(box, other) > 0.5 for _, other in seen)):
                seen.append((name, box))
        order = rng.permutation(len(seen))
        faces: tuple[Face, ...] = tuple(make_face(seen[k][1]) for k in order)
        scene = sum(1 for cut in cuts if time >= cut)
        results.append(FrameResult(WIDTH, HEIGHT, faces, time=time, index=index, scene=scene))
        names.append(tuple(seen[k][0] for k in order))
    return Take(tuple(results), tuple(names))


def numbers(take: Take) -> dict[str, list[int]]:
    """The numbers assigned to each person, in order of time, while clear of the others.

    Two boxes that cover each other by more than half are within the detector's jitter of each other, so their identity
    means nothing (as in the CLEAR MOT measures); their identity afterwards does.
    """
    assigned: dict[str, list[int]] = {}
    for row, result, names in zip(track(take.results), take.results, take.names, strict=True):
        person_at = {face.box: face.person for face in row.faces}
        for face, name in zip(result.faces, names, strict=True):
            others = (other.box for other in result.faces if other is not face)
            if not any(_overlap(face.box, other) > 0.5 for other in others):
                assigned.setdefault(name, []).append(person_at[face.box])
    return assigned


def switches(take: Take) -> int:
    """Identity switches: how often a person's number changes from one hit to the next."""
    return sum(sum(a != b for a, b in pairwise(seen)) for seen in numbers(take).values())


def every(fps: float, seconds: float) -> list[float]:
    """Times at a constant rate."""
    return [k / fps for k in range(int(fps * seconds) + 1)]


def line(x: float, y: float, vx: float, vy: float = 0.0) -> Path:
    """A straight path: pixels, and pixels per second."""
    return lambda t: (x + vx * t, y + vy * t)


def away(path: Path, start: float, end: float) -> Path:
    """The same path, out of sight from ``start`` to ``end``."""
    return lambda t: None if start <= t < end else path(t)


def _overlap(box: Box, other: Box) -> float:
    """The part of ``box`` that lies under ``other``."""
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return max(0.0, wide) * max(0.0, high) / (box.width * box.height)
