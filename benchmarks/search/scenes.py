"""Pictures whose faces are known: calls, posters and crowds, composed from the heads of real photographs."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tests.group import Group, Head, astronaut_head, paste
from training.detector.data import load_photographs, read_picture

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

PEOPLE = 60
MIN_SIDE = 60.0  # px, so that a reduced head stays sharp


def heads_of(data: Path) -> list[Head]:
    """Up to ``PEOPLE`` heads of held-out photographs, each with a margin of half the side of the face; the astronaut's
    if the photographs are not here."""
    if not (data / "faces").exists():
        return [astronaut_head()]
    heads = []
    for photograph in load_photographs(data):
        sizes = photograph.boxes[:, 2:] - photograph.boxes[:, :2]
        if not photograph.held_out or photograph.source not in ("fddb", "portraits") or len(sizes) != 1:
            continue
        box, side = photograph.boxes[0], float(np.sqrt(sizes[0].prod()))
        low, high = np.rint([box[:2] - side / 2, box[2:] + side / 2]).astype(int)
        whole = min(low) >= 0 and (high <= [photograph.width, photograph.height]).all()
        if photograph.ignore[0] or side < MIN_SIDE or not whole:
            continue
        picture = read_picture(data, photograph)
        heads.append(Head(picture[low[1] : high[1], low[0] : high[0]], box - np.tile(low, 2).astype(np.float32)))
    return heads[:: max(1, len(heads) // PEOPLE)][:PEOPLE]


def background(width: int, height: int, rng: np.random.Generator) -> Image:
    """Blotches from a third of the picture to its grain, in muted colours."""
    small = (min(width, 1500), max(1, round(height * min(width, 1500) / width)))
    canvas = np.full((small[1], small[0], 3), 110, np.float32)
    for cells, strength in ((3, 40), (12, 25), (60, 15), (400, 8)):
        blotches = rng.normal(0, strength, (cells * 2, cells * 3, 3)).astype(np.float32)
        canvas += cv2.resize(blotches, small, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(np.clip(canvas, 0, 255).astype(np.uint8), (width, height)), np.uint8)


def crowd(heads: list[Head], size: tuple[int, int], face_side: float, count: int, rng: np.random.Generator) -> Group:
    """At most ``count`` heads, as many as fit side by side, on a jittered grid, with faces of ``face_side`` px (root of
    the area)."""
    width, height = size
    picture = background(width, height, rng)
    cell = 2.3 * face_side
    columns, rows = max(1, int(width // cell)), max(1, int(height // cell))
    while (columns - 1) * rows >= count and columns > 1 and columns * height >= rows * width:
        columns -= 1
    while columns * (rows - 1) >= count and rows > 1:
        rows -= 1
    faces = []
    for position in range(min(count, columns * rows)):
        head, face = resized(heads[int(rng.integers(len(heads)))], face_side, rng)
        room = np.maximum([width / columns, height / rows] - np.asarray([head.shape[1], head.shape[0]]), 0)
        corner = np.asarray([position % columns * width / columns, position // columns * height / rows])
        x, y = np.floor(corner + rng.uniform(0, 1, 2) * room).astype(int)
        head = head[: height - y, : width - x]
        paste(picture, head, int(x), int(y))
        faces.append(face + np.tile(np.asarray([x, y], np.float32), 2))
    return Group(picture, np.asarray(faces, np.float32))


def resized(head: Head, face_side: float, rng: np.random.Generator) -> tuple[Image, FloatArray]:
    """The head, mirrored or not, and its face [4], which is ``face_side`` px large (root of the area)."""
    scale = face_side / float(np.sqrt((head.face[2:] - head.face[:2]).prod()))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture, face = cv2.resize(head.picture, None, fx=scale, fy=scale, interpolation=method), head.face * scale
    if rng.random() < 0.5:
        picture = cv2.flip(picture, 1)
        face = np.asarray([picture.shape[1] - face[2], face[1], picture.shape[1] - face[0], face[3]], np.float32)
    return np.asarray(picture, np.uint8), face


def call(heads: list[Head], people: int, rng: np.random.Generator, width: int = 1920, height: int = 1080) -> Group:
    """A video call: ``people`` windows of 16:9 in a grid, one head before a plain or blurred wall in each."""
    columns = int(np.ceil(np.sqrt(people)))
    rows = -(-people // columns)
    picture = np.full((height, width, 3), 27, np.uint8)
    side = min(width / columns - 8, (height / rows - 8) * 16 / 9)  # px, width of a window
    window_width, window_height = int(side), int(side * 9 / 16)
    left, top = (width - columns * (side + 8)) / 2, (height - rows * (side * 9 / 16 + 8)) / 2
    faces = []
    for position in range(people):
        window = background(window_width, window_height, rng)
        share = rng.uniform(0.3, 0.5)  # of the window's height
        head, face = resized(heads[int(rng.integers(len(heads)))], share * window_height, rng)
        head = head[:window_height, :window_width]
        x = int((window_width - head.shape[1]) * rng.uniform(0.3, 0.7))
        y = int((window_height - head.shape[0]) * rng.uniform(0.1, 0.9))
        paste(window, head, x, y)
        at_x = int(left + position % columns * (side + 8)) + 4
        at_y = int(top + position // columns * (side * 9 / 16 + 8)) + 4
        picture[at_y : at_y + window_height, at_x : at_x + window_width] = window
        faces.append(face + np.tile(np.asarray([at_x + x, at_y + y], np.float32), 2))
    return Group(picture, np.asarray(faces, np.float32))
