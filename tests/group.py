"""A group photograph as large as cameras make them, put together from heads whose faces are known.

24 megapixels of uneven, grainy ground with heads on a shaken grid, each blended in at its rim: what a large hall looks
like to a detector that must find faces of 40 px.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

WIDTH, HEIGHT = 6000, 4000


@dataclass(frozen=True, eq=False)
class Head:
    """picture uint8 [h, w, 3] BGR of a head and a little around it; face [4]: left, top, right, bottom in it."""

    picture: Image
    face: FloatArray


@dataclass(frozen=True, eq=False)
class Group:
    """picture uint8 [4000, 6000, 3] BGR and the faces in it: float32 [n, 4], left, top, right, bottom."""

    picture: Image
    faces: FloatArray


def astronaut_head() -> Head:
    """scikit-image's astronaut (public domain), cut out about the head."""
    picture = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return Head(np.asarray(picture[0:260, 90:360], np.uint8), np.array([178 - 90, 58, 272 - 90, 172], np.float32))


def group(heads: list[Head], face_side: float = 40.0, columns: int = 10, rows: int = 6, seed: int = 0) -> Group:
    """Every head in turn on a grid of ``columns`` x ``rows``, its face ``face_side`` px large (root of the area)."""
    rng = np.random.default_rng(seed)
    picture = ground(rng)
    faces = []
    for place in range(columns * rows):
        head = heads[place % len(heads)]
        side = float(np.sqrt((head.face[2:] - head.face[:2]).prod()))
        scale = face_side * rng.uniform(0.95, 1.1) / side
        small = cv2.resize(head.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        face = head.face * scale
        if rng.random() < 0.5:
            small = cv2.flip(small, 1)
            face = np.array([small.shape[1] - face[2], face[1], small.shape[1] - face[0], face[3]], np.float32)
        cell = np.array([WIDTH / columns, HEIGHT / rows])
        room = cell - [small.shape[1], small.shape[0]]
        corner = (np.array([place % columns, place // columns]) * cell + rng.uniform(0.1, 0.9, 2) * room).astype(int)
        lay(picture, np.asarray(small, np.uint8), *corner)
        faces.append(face + np.tile(corner, 2))
    return Group(picture, np.asarray(faces, np.float32))


def ground(rng: np.random.Generator) -> Image:
    """Blotches of every size from a hall's to a grain's, in muted colours."""
    ground = np.full((HEIGHT, WIDTH, 3), 110, np.float32)
    for cells, strength in ((3, 40), (12, 25), (60, 15), (400, 8)):
        blotches = rng.normal(0, strength, (cells * 2, cells * 3, 3)).astype(np.float32)
        ground += cv2.resize(blotches, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(ground, 0, 255), np.uint8)


def lay(picture: Image, head: Image, x: int, y: int) -> None:
    """Lays the head over the picture in place, its rim feathered over a tenth of its side."""
    height, width = head.shape[:2]
    across, down = (np.minimum(np.arange(n) + 1, n - np.arange(n)) / (0.1 * n) for n in (width, height))
    weight = np.clip(np.minimum(down[:, None], across[None, :]), 0, 1)[..., None]
    part = picture[y : y + height, x : x + width]
    part[:] = np.rint(head * weight + part * (1 - weight)).astype(np.uint8)
