"""Sessions that answer from a function instead of a graph, and a detector spec like the shipped one."""

from collections.abc import Callable
from typing import cast

import numpy as np

from mien.domain import F32Array, U8Array
from mien.runtime import Session
from mien.vision.detector import DetectorSpec

SPEC = DetectorSpec((8, 16, 32), 32, 0.5, 0.45, 8.0)


class StubSession:
    """Runs ``answer(image)`` on each image ``[1, h, w, 3]`` of a batch and remembers every input."""

    def __init__(self, answer: Callable[[U8Array], list[F32Array]]) -> None:
        self._answer = answer
        self.seen: list[U8Array] = []

    def run(self, images: U8Array) -> list[F32Array]:
        self.seen.append(images)
        answers = [self._answer(images[index : index + 1]) for index in range(len(images))]
        return [np.concatenate(parts) for parts in zip(*answers, strict=True)]


def session(answer: Callable[[U8Array], list[F32Array]]) -> Session:
    return cast("Session", StubSession(answer))


def cells_of(height: int, width: int) -> int:
    return sum((height // stride) * (width // stride) for stride in SPEC.strides)


def bright_spots(images: U8Array) -> list[F32Array]:
    """A 'network' that sees a 40 x 60 px face around every stride-8 cell whose centre pixel is white."""
    _, height, width, _ = images.shape
    count = cells_of(height, width)
    scores = np.zeros((1, count), dtype=np.float32)
    centre_pixels = images[0, 4::8, 4::8, 0]
    scores[0, : centre_pixels.size] = (centre_pixels.reshape(-1) > 200) * 0.9
    boxes = np.broadcast_to(np.asarray([20, 30, 20, 30], dtype=np.float32), (1, count, 4))
    landmarks = np.tile(np.asarray([-8, -10, 8, -10, 0, 0, -6, 12, 6, 12], dtype=np.float32), (1, count, 1))
    return [scores, boxes, landmarks]
