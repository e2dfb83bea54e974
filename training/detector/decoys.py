"""Drawings that look a little like faces, laid over photographs so that the network learns to tell them apart: skulls,
smileys, lettering, dots and balls, as they stand on shirts, walls and screens. None of them is a face.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from training.detector.augment import Sample
from training.detector.data import FloatArray, Image

_SIDE = 128  # px of a drawing before it is laid down
_MOST = 4  # drawings per photograph
_LETTERS = np.array(list("ABCDEGHKMOPQRSUWX0235689&@%"))

# A drawing is its colours uint8 [s, s, 3] and how much it covers, uint8 [s, s], 255 being all.
Mask = npt.NDArray[np.uint8]
_ALL = (255,)
Colour = tuple[int, int, int]


def lay_decoys(sample: Sample, rng: np.random.Generator) -> Sample:
    """A copy of `sample` with one to four drawings that touch no face; its labels are unchanged."""
    picture = sample.picture.copy()
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(1, _MOST + 1))):
        side = int(np.exp(rng.uniform(np.log(32), np.log(0.7 * min(height, width)))))
        x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
        if not _touches(sample.boxes, x, y, side):
            _blend(picture[y : y + side, x : x + side], *draw(rng), strength=rng.uniform(0.6, 1.0))
    return Sample(picture, sample.boxes, sample.landmarks, sample.ignore, sample.focus)


def draw(rng: np.random.Generator) -> tuple[Image, Mask]:
    """One drawing: colours uint8 [s, s, 3] BGR and cover uint8 [s, s], leaning and stretched a little."""
    kinds: list[Callable[[Image, Mask, np.random.Generator], None]] = [_skull, _skull, _smiley, _letters, _dots, _ball]
    colours = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    cover = np.zeros((_SIDE, _SIDE), np.uint8)
    kinds[rng.integers(len(kinds))](colours, cover, rng)
    middle = _SIDE / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), rng.uniform(-25, 25), rng.uniform(0.75, 0.95))
    matrix[:, :2] = matrix[:, :2] @ np.diag(np.exp(rng.uniform(-0.2, 0.2, 2)))
    matrix[:, 2] = middle - matrix[:, :2] @ [middle, middle]
    size = (_SIDE, _SIDE)
    return (
        np.asarray(cv2.warpAffine(colours, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8),
        np.asarray(cv2.warpAffine(cover, matrix, size), np.uint8),
    )


def _touches(boxes: FloatArray, x: int, y: int, side: int) -> bool:
    low, high = np.array([x, y]), np.array([x + side, y + side])
    return bool(((boxes[:, :2] < high) & (boxes[:, 2:] > low)).all(axis=1).any())


def _blend(part: Image, colours: Image, cover: Mask, strength: float) -> None:
    """Lays the drawing over `part` [h, w, 3] in place; what is below shines through, as cloth does through print."""
    size = (part.shape[1], part.shape[0])
    method = cv2.INTER_AREA if part.shape[0] < _SIDE else cv2.INTER_LINEAR
    weight = cv2.resize(cover, size, interpolation=method)[..., None] * np.float32(strength / 255)
    laid = cv2.resize(colours, size, interpolation=method).astype(np.float32)
    part[:] = np.rint(laid * weight + part * (1 - weight)).astype(np.uint8)


def _tone(rng: np.random.Generator, low: int, high: int) -> Colour:
    blue, green, red = (int(value) for value in rng.integers(low, high + 1, 3))
    return blue, green, red


def _two_tones(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Bright on dark, or dark on bright; half of the time in greys, as most print is."""
    bright, dark = _tone(rng, 150, 255), _tone(rng, 0, 90)
    if rng.random() < 0.5:
        bright, dark = (bright[0],) * 3, (dark[0],) * 3
    return (bright, dark) if rng.random() < 0.75 else (dark, bright)


def _at(rng: np.random.Generator, x: float, y: float, shake: float = 0.02) -> tuple[int, int]:
    """A point, shaken, given and returned in sides and pixels of the drawing."""
    moved = (np.array([x, y]) + rng.normal(0, shake, 2)) * _SIDE
    return int(moved[0]), int(moved[1])


def _px(value: float) -> int:
    return max(1, round(value * _SIDE))


def _skull(colours: Image, cover: Mask, rng: np.random.Generator) -> None:
    """A dome, a jaw, two holes for eyes, one for the nose, a row of teeth; sometimes on a patch of plain ground."""
    bone, hole = _two_tones(rng)
    colours[:] = hole
    if rng.random() < 0.5:
        cv2.ellipse(cover, _at(rng, 0.5, 0.5), (_px(0.48), _px(0.5)), 0, 0, 360, _ALL, -1, cv2.LINE_AA)
    dome = (_px(rng.uniform(0.3, 0.4)), _px(rng.uniform(0.28, 0.36)))
    jaw = rng.uniform(0.15, 0.26)
    low = rng.uniform(0.8, 0.96)
    for canvas, ink in ((colours, bone), (cover, _ALL)):
        cv2.ellipse(canvas, (_px(0.5), _px(0.4)), dome, 0, 0, 360, ink, -1, cv2.LINE_AA)
        cv2.rectangle(canvas, (_px(0.5 - jaw), _px(0.6)), (_px(0.5 + jaw), _px(low)), ink, -1)
    eye = (_px(rng.uniform(0.07, 0.12)), _px(rng.uniform(0.07, 0.13)))
    apart = rng.uniform(0.13, 0.19)
    lean = rng.uniform(-25, 25)
    for sign in (-1, 1):
        cv2.ellipse(colours, _at(rng, 0.5 + sign * apart, 0.45), eye, sign * lean, 0, 360, hole, -1, cv2.LINE_AA)
    nose = np.array([_at(rng, 0.5, 0.56), _at(rng, 0.45, 0.66), _at(rng, 0.55, 0.66)])
    cv2.fillPoly(colours, [nose], hole, cv2.LINE_AA)
    for x in np.linspace(0.5 - jaw, 0.5 + jaw, int(rng.integers(4, 9)))[1:-1]:
        cv2.line(colours, (_px(x), _px(0.74)), (_px(x), _px(low)), hole, _px(rng.uniform(0.008, 0.02)), cv2.LINE_AA)
    if rng.random() < 0.5:
        cv2.line(colours, (_px(0.5 - jaw), _px(0.82)), (_px(0.5 + jaw), _px(0.82)), hole, _px(0.015), cv2.LINE_AA)


def _smiley(colours: Image, cover: Mask, rng: np.random.Generator) -> None:
    """A disc or a ring with two dots and an arc."""
    ink, ground = _two_tones(rng)
    colours[:] = ground if rng.random() < 0.5 else (40, 210, 250)
    thick = -1 if rng.random() < 0.7 else _px(0.05)
    cv2.circle(cover, (_px(0.5), _px(0.5)), _px(0.42), _ALL, thick, cv2.LINE_AA)
    cv2.circle(colours, (_px(0.5), _px(0.5)), _px(0.42), ink, _px(0.04), cv2.LINE_AA)
    arc = (0, 180) if rng.random() < 0.8 else (180, 360)
    mouth = (_px(rng.uniform(0.15, 0.27)), _px(rng.uniform(0.05, 0.2)))
    for canvas, tone in ((colours, ink), (cover, _ALL)):
        for x in (0.35, 0.65):
            cv2.circle(canvas, (_px(x), _px(0.4)), _px(0.055), tone, -1, cv2.LINE_AA)
        cv2.ellipse(canvas, (_px(0.5), _px(0.6)), mouth, 0, *arc, tone, _px(0.04), cv2.LINE_AA)


def _letters(colours: Image, cover: Mask, rng: np.random.Generator) -> None:
    """One to three lines of large letters."""
    ink, ground = _two_tones(rng)
    colours[:] = ground
    if rng.random() < 0.5:
        cover[:] = 255
    lines = int(rng.integers(1, 4))
    for i in range(lines):
        text = "".join(rng.choice(_LETTERS, int(rng.integers(1, 5))))
        font = int(rng.integers(0, 5))
        (width, height), _ = cv2.getTextSize(text, font, 1.0, 1)
        scale = min(0.9 * _SIDE / width, 0.8 * _SIDE / lines / height)
        place = (int(rng.integers(0, 12)), int((i + 0.9) * _SIDE / lines))
        thick = max(1, round(scale * rng.uniform(1.5, 5)))
        cv2.putText(colours, text, place, font, scale, ink, thick, cv2.LINE_AA)
        cv2.putText(cover, text, place, font, scale, _ALL, thick, cv2.LINE_AA)


def _dots(colours: Image, cover: Mask, rng: np.random.Generator) -> None:
    """Two to five dark spots on a bright round, with no mouth where a face has one: sockets, buttons, bowling balls."""
    ink, ground = _two_tones(rng)
    colours[:] = ground
    cv2.ellipse(
        cover, (_px(0.5), _px(0.5)), (_px(0.45), _px(rng.uniform(0.35, 0.48))), 0, 0, 360, _ALL, -1, cv2.LINE_AA
    )
    for _ in range(int(rng.integers(2, 6))):
        spot = (_px(rng.uniform(0.25, 0.75)), _px(rng.uniform(0.25, 0.75)))
        cv2.circle(colours, spot, _px(rng.uniform(0.04, 0.1)), ink, -1, cv2.LINE_AA)


def _ball(colours: Image, cover: Mask, rng: np.random.Generator) -> None:
    """A shaded ball, often in the colours of skin, with a seam or none."""
    skin = np.array([rng.uniform(60, 170), rng.uniform(90, 200), rng.uniform(130, 240)])
    tone = skin if rng.random() < 0.6 else rng.uniform(0, 255, 3)
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    light = rng.uniform(0.25, 0.75, 2)
    shade = np.clip(1.15 - rng.uniform(0.5, 1.3) * np.hypot(columns - light[0], rows - light[1]), 0, 1.2)
    colours[:] = np.clip(shade[..., None] * tone, 0, 255).astype(np.uint8)
    cv2.circle(cover, (_px(0.5), _px(0.5)), _px(0.45), _ALL, -1, cv2.LINE_AA)
    if rng.random() < 0.5:
        seam = _tone(rng, 0, 90)
        cv2.ellipse(
            colours, _at(rng, 0.5, 0.5), (_px(0.45), _px(rng.uniform(0.1, 0.3))), rng.uniform(0, 180), 0, 360, seam, 2
        )
