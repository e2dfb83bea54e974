"""A synthetic group photograph of 24 megapixels, composed of heads whose faces are known.

Heads on a jittered grid, blended at their edges into an uneven, grainy background: like a large hall to a detector that
must find faces of 40 px.
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
    """scikit-image's astronaut (public domain), cropped around the head."""
    picture = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return Head(np.asarray(picture[0:260, 90:360], np.uint8), np.array([178 - 90, 58, 272 - 90, 172], np.float32))


def group(heads: list[Head], face_side: float = 40.0, columns: int = 10, rows: int = 6, seed: int = 0) -> Group:
    """The heads, repeated, on a grid of ``columns`` x ``rows``; faces of about ``face_side`` px (root of the area)."""
    rng = np.random.default_rng(seed)
    picture = background(rng)
    faces = []
    for position in range(columns * rows):
        head = heads[position % len(heads)]
        side = float(np.sqrt((head.face[2:] - head.face[:2]).prod()))
        scale = face_side * rng.uniform(0.95, 1.1) / side
        small = cv2.resize(head.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        face = head.face * scale
        if rng.random() < 0.5:
            small = cv2.flip(small, 1)
            face = np.array([small.shape[1] - face[2], face[1], small.shape[1] - face[0], face[3]], np.float32)
        cell = np.array([WIDTH / columns, HEIGHT / rows])
        room = cell - [small.shape[1], small.shape[0]]
        corner = (np.array([position % columns, position // columns]) * cell + rng.uniform(0.1, 0.9, 2) * room).astype(
            int
        )
        paste(picture, np.asarray(small, np.uint8), *corner)
        faces.append(face + np.tile(corner, 2))
    return Group(picture, np.asarray(faces, np.float32))


def background(rng: np.random.Generator) -> Image:
    """Blotches from a third of the picture to single grains, in muted colours."""
    canvas = np.full((HEIGHT, WIDTH, 3), 110, np.float32)
    for cells, strength in ((3, 40), (12, 25), (60, 15), (400, 8)):
        blotches = rng.normal(0, strength, (cells * 2, cells * 3, 3)).astype(np.float32)
        canvas += cv2.resize(blotches, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(canvas, 0, 255), np.uint8)


def paste(picture: Image, head: Image, x: int, y: int) -> None:
    """Paste the head into the picture, its edges feathered over a tenth of its side."""
    height, width = head.shape[:2]
    across, down = (np.minimum(np.arange(n) + 1, n - np.arange(n)) / (0.1 * n) for n in (width, height))
    weight = np.clip(np.minimum(down[:, None], across[None, :]), 0, 1)[..., None]
    part = picture[y : y + height, x : x + width]
    part[:] = np.rint(head * weight + part * (1 - weight)).astype(np.uint8)
