"""One training view of a photograph: a similarity transform, the labels carried along, then light and damage.

All geometry is one warp, so a pixel is interpolated once however it was zoomed, turned, mirrored and moved.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from training.detector.data import FloatArray, Image

Matrix = npt.NDArray[np.float64]

# the subject's right eye becomes the left one in a mirror
MIRRORED = [1, 0, 2, 4, 3]


@dataclass(frozen=True)
class AugmentConfig:
    """Chances are probabilities; sizes are pixels of the training view; angles are degrees."""

    face_zoom: float = 0.45
    window: float = 0.25  # a part of the photograph about as large as it is; else (almost) the whole of it
    window_zoom: tuple[float, float] = (0.8, 2.2)
    smallest_face: float = 6.0
    small: float = 0.3  # chance that a chosen face becomes no larger than `small_face`, where the photograph allows it
    small_face: float = 20.0
    smallest_decoy: float = 14.0  # what was once mistaken for a face: smaller, it can no longer be told from one
    largest_face: float = 1.0  # of the view's side
    zoom_range: tuple[float, float] = (0.06, 3.5)
    least_cover: float = 0.5  # of the view's side, by the photograph: the smallest faces are shown in mosaics
    mosaics: tuple[tuple[int, float], ...] = ((2, 0.2), (4, 0.12))  # views per side of the mosaic, chance
    grids: tuple[tuple[int, float], ...] = ((3, 0.04), (5, 0.04), (7, 0.04))  # faces per side of a call or poster
    max_angle: float = 30.0
    rotate: float = 0.6
    any_angle: float = 0.08  # turned by any angle, upside down among them
    mirror: float = 0.5
    black_border: float = 0.7
    light: float = 0.8
    grey: float = 0.15
    blur: float = 0.12
    noise: float = 0.12
    jpeg: float = 0.15
    occlude: float = 0.12
    keep_visible: float = 0.4  # a face cut more than this is left out of the loss ...
    drop_visible: float = 0.05  # ... and one cut more than this is background
    min_side: float = 5.0

    def calmer(self) -> "AugmentConfig":
        """For the end of a training: mostly whole photographs as they are, as the service will see them (YOLOX, Ge et
        al. 2021, arXiv:2107.08430, switches mosaics off for its last epochs)."""
        halved = ("any_angle", "rotate", "light", "blur", "noise", "jpeg", "occlude")
        mosaics = tuple((count, chance / 3) for count, chance in self.mosaics)
        grids = tuple((count, chance / 2) for count, chance in self.grids)
        changes = {name: getattr(self, name) / 2 for name in halved}
        return replace(self, face_zoom=0.3, window=0.1, mosaics=mosaics, grids=grids, **changes)


@dataclass(frozen=True, eq=False)
class Sample:
    """picture uint8 [s, s, 3] BGR; boxes [n, 4] x1 y1 x2 y2, landmarks [n, 5, 2] (NaN: unknown), ignore [n].

    focus [4]: a place without a face that the next view is to show, as if it were one.
    """

    picture: Image
    boxes: FloatArray
    landmarks: FloatArray
    ignore: npt.NDArray[np.bool_]
    focus: FloatArray | None = None


def augment(source: Sample, size: int, config: AugmentConfig, rng: np.random.Generator) -> Sample:
    """A random view of `size` x `size` pixels."""
    matrix, mirrored = random_view(source, size, config, rng)
    view = warp(source, matrix, mirrored, size, config, rng)
    if rng.random() < config.occlude:
        occlude(view, rng)
    return Sample(damage(view.picture, config, rng), view.boxes, view.landmarks, view.ignore)


def mosaic(parts: list[Sample], size: int, ground: tuple[int, int, int] = (0, 0, 0)) -> Sample:
    """A square number of samples of one size on a ground of `size` x `size` pixels, row by row, evenly apart."""
    side, count = parts[0].picture.shape[0], math.isqrt(len(parts))
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = ground
    corners = np.linspace(0, size - side, count).round().astype(int) if count > 1 else np.zeros(1, int)
    shifts = []
    for index, part in enumerate(parts):
        x, y = int(corners[index % count]), int(corners[index // count])
        picture[y : y + side, x : x + side] = part.picture
        shifts.append(np.array([x, y], np.float32))
    return Sample(
        picture,
        np.concatenate([p.boxes + np.tile(s, 2) for p, s in zip(parts, shifts, strict=True)]),
        np.concatenate([p.landmarks + s for p, s in zip(parts, shifts, strict=True)]),
        np.concatenate([p.ignore for p in parts]),
    )


def random_view(source: Sample, size: int, config: AugmentConfig, rng: np.random.Generator) -> tuple[Matrix, bool]:
    """The 2x3 matrix from source pixels to view pixels, and whether it mirrors.

    A face (or the sample's focus) is chosen and brought to a size drawn evenly in the logarithm, from tiny to the whole
    view; or a part is seen about as large as it is, often without a face in it; or the whole photograph is fitted the
    way the service letterboxes (top left, padding right and below), give or take.
    """
    height, width = source.picture.shape[:2]
    faces = np.flatnonzero(~source.ignore)
    low, high = config.zoom_range
    kind = rng.random()
    if source.focus is not None or (faces.size and kind < config.face_zoom):
        box = (source.boxes[rng.choice(faces)] if source.focus is None else source.focus).astype(np.float64)
        smallest = config.smallest_face if source.focus is None else config.smallest_decoy
        side = math.sqrt(max((box[2] - box[0]) * (box[3] - box[1]), 1.0))
        largest = config.small_face if rng.random() < config.small else config.largest_face * size
        target = math.exp(rng.uniform(math.log(smallest), math.log(largest)))
        zoom = float(np.clip(target / side, max(low, config.least_cover * size / max(width, height)), high))
        anchor = (box[:2] + box[2:]) / 2
        margin = min(0.5 * zoom * side, 0.5 * size)
        place = rng.uniform(margin, size - margin, 2)
    elif kind < config.face_zoom + config.window:
        zoom = math.exp(rng.uniform(*np.log(config.window_zoom)))
        slack = np.maximum(0, np.array([width, height]) - size / zoom) / 2
        anchor = np.array([width, height]) / 2 + rng.uniform(-slack, slack)
        place = np.array([size, size]) / 2
    else:
        zoom = size / max(width, height) * math.exp(rng.uniform(math.log(0.75), math.log(1.7)))
        anchor = np.array([width, height]) / 2
        if rng.random() < 0.5:
            place = anchor * zoom
        else:
            slack = np.abs(size - np.array([width, height]) * zoom) / 2
            place = size / 2 + rng.uniform(-slack, slack)
    angle = rng.uniform(-config.max_angle, config.max_angle) if rng.random() < config.rotate else 0.0
    angle = rng.uniform(-180, 180) if rng.random() < config.any_angle else angle
    mirrored = bool(rng.random() < config.mirror)
    stretch = math.exp(rng.uniform(-0.08, 0.08))
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    linear = zoom * np.array([[cos, -sin], [sin, cos]]) @ np.diag([stretch, 1 / stretch])
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    return np.column_stack([linear, place - linear @ anchor]), mirrored


def warp(
    source: Sample, matrix: Matrix, mirrored: bool, size: int, config: AugmentConfig, rng: np.random.Generator
) -> Sample:
    """Applies `matrix`; the labels are moved, clipped, and marked or dropped by how much of a face is left."""
    picture, pixels = source.picture, matrix
    zoom = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    while zoom < 0.6 and min(picture.shape[:2]) >= 2:  # bilinear sampling alone would skip pixels
        height, width = picture.shape[:2]
        smaller = cv2.resize(picture, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        pixels = pixels.copy()
        pixels[:, :2] *= np.array([width / smaller.shape[1], height / smaller.shape[0]])
        picture = np.asarray(smaller, np.uint8)
        zoom *= 2
    shifted = pixels.copy()  # labels put pixel centres at +0.5, warpAffine at whole numbers
    shifted[:, 2] += pixels[:, :2] @ np.array([0.5, 0.5]) - 0.5
    border = (0, 0, 0) if rng.random() < config.black_border else rng.integers(0, 256, 3).tolist()
    view = cv2.warpAffine(picture, shifted, (size, size), flags=cv2.INTER_LINEAR, borderValue=border)
    boxes = move_boxes(source.boxes, matrix)
    landmarks = move_points(source.landmarks, matrix)
    if mirrored:
        landmarks = landmarks[:, MIRRORED]
    return clip(Sample(np.asarray(view, np.uint8), boxes, landmarks, source.ignore), size, config)


def move_points(points: FloatArray, matrix: Matrix) -> FloatArray:
    """[..., 2] through a 2x3 matrix."""
    moved: FloatArray = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved


def move_boxes(boxes: FloatArray, matrix: Matrix) -> FloatArray:
    """Upright boxes [n, 4] around the moved ellipses that fill the old ones.

    The corners of a turned box would enclose far more than the face; a face is nearer to an ellipse.
    """
    centres = move_points((boxes[:, :2] + boxes[:, 2:]) / np.float32(2), matrix)
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    reach = np.sqrt((half**2) @ (matrix[:, :2].T ** 2)).astype(np.float32)
    return np.concatenate([centres - reach, centres + reach], axis=1)


def clip(sample: Sample, size: int, config: AugmentConfig) -> Sample:
    """Cuts boxes at the view's edge; `ignore` for what is mostly cut or too small, nothing for what is gone."""
    clipped = np.clip(sample.boxes, 0, size)
    sides = clipped[:, 2:] - clipped[:, :2]
    area = sides[:, 0] * sides[:, 1]
    whole = (sample.boxes[:, 2] - sample.boxes[:, 0]) * (sample.boxes[:, 3] - sample.boxes[:, 1])
    visible = area / np.maximum(whole, 1e-6)
    keep = (visible > config.drop_visible) & (area > 4)
    ignore = sample.ignore | (visible < config.keep_visible) | (np.sqrt(area) < config.min_side)
    landmarks = sample.landmarks.copy()
    outside = ((landmarks < 0) | (landmarks > size)).any(axis=-1)
    landmarks[outside] = np.nan
    return Sample(sample.picture, clipped[keep], landmarks[keep], ignore[keep])


def occlude(sample: Sample, rng: np.random.Generator) -> None:
    """Paints a flat or noisy patch over up to a third of one face, in place; the face stays a face."""
    if not len(sample.boxes):
        return
    x1, y1, x2, y2 = sample.boxes[rng.integers(len(sample.boxes))]
    width, height = (x2 - x1) * rng.uniform(0.3, 0.6), (y2 - y1) * rng.uniform(0.3, 0.6)
    left, top = rng.uniform(x1, x2 - width), rng.uniform(y1, y2 - height)
    patch = sample.picture[int(top) : int(top + height) + 1, int(left) : int(left + width) + 1]
    if rng.random() < 0.5:
        patch[:] = rng.integers(0, 256, 3, np.uint8)
    else:
        patch[:] = rng.integers(0, 256, patch.shape, np.uint8)


def damage(picture: Image, config: AugmentConfig, rng: np.random.Generator) -> Image:
    """Light, colour, grey, blur, noise and compression, each now and then."""
    if rng.random() < config.light:
        picture = relight(picture, rng)
    if rng.random() < config.grey:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if rng.random() < config.blur:
        sigma = rng.uniform(0.4, 2.0)
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    if rng.random() < config.noise:
        noise = np.empty(picture.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(2**31)))
        cv2.randn(noise, np.zeros(3), np.full(3, rng.uniform(2, 18)))
        picture = np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8)
    if rng.random() < config.jpeg:
        done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 85))])
        assert done
        picture = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return picture


def relight(picture: Image, rng: np.random.Generator) -> Image:
    """Brightness, contrast, gamma and a colour cast in one table per channel; now and then very dark."""
    levels = np.arange(256, dtype=np.float64) / 255
    gamma = math.exp(rng.normal(0, 0.25) + (rng.uniform(0.3, 1.0) if rng.random() < 0.1 else 0.0))
    contrast, brightness = math.exp(rng.normal(0, 0.2)), rng.normal(0, 0.08)
    cast = np.exp(rng.normal(0, 0.07, 3))
    curve = (levels**gamma - 0.5) * contrast + 0.5 + brightness
    table = np.clip(curve[:, None] * cast * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table.reshape(1, 256, 3)), np.uint8)
