"""Random views of a face, in numpy and OpenCV (a 48x48 picture costs tens of microseconds).

Geometry copies what the detector's crops get wrong, degradation what cameras and codecs do. Everything is drawn from
the generator that is passed in, so that a view is a pure function of (picture, seed).
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [h, w] grey

_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)


@dataclass(frozen=True)
class AugmentConfig:
    """Ranges and probabilities; lengths are fractions of the side, angles degrees, grey levels 0..255."""

    flip: float = 0.5
    shift: float = 0.07
    scale: tuple[float, float] = (0.84, 1.2)
    rotate: float = 12.0
    gamma: tuple[float, float] = (0.7, 1.4)
    contrast: tuple[float, float] = (0.7, 1.3)
    brightness: float = 30.0
    blur: float = 0.15
    blur_sigma: tuple[float, float] = (0.4, 1.2)
    resample: float = 0.2
    resample_side: tuple[int, int] = (20, 40)
    jpeg: float = 0.1
    jpeg_quality: tuple[int, int] = (20, 80)
    noise: float = 0.15
    noise_sigma: float = 8.0
    erase: float = 0.2
    erase_side: tuple[float, float] = (0.12, 0.4)

    def calmer(self) -> "AugmentConfig":
        """For the end of a training: half the movement, little noise, nothing covered; cameras and codecs stay."""
        low, high = self.scale
        return replace(
            self,
            shift=self.shift / 2,
            scale=(low**0.5, high**0.5),
            rotate=self.rotate / 2,
            noise=self.noise / 2,
            erase=0.0,
        )


def augment(image: Image, config: AugmentConfig, rng: Generator) -> Image:
    """One random view of `image`, of the same shape."""
    view = _geometry(image, config, rng)
    view = _degrade(view, config, rng)
    view = _light(view, config, rng)
    if rng.random() < config.noise:
        noisy = view + rng.normal(0.0, rng.uniform(1.0, config.noise_sigma), view.shape)
        view = np.clip(noisy, 0, 255).astype(np.uint8)
    if rng.random() < config.erase:
        view = _erase(view, config, rng)
    return view


def augment_batch(images: NDArray[np.uint8], config: AugmentConfig, rng: Generator) -> NDArray[np.uint8]:
    """A view of each of `images` [n, h, w]."""
    return np.stack([augment(image, config, rng) for image in images])


def resized(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """`images` [n, h, w] as [n, side, side], area-averaged."""
    if images.shape[1:] == (side, side):
        return images
    return np.stack([_uint8(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)) for image in images])


def _uint8(image: NDArray[np.generic]) -> Image:
    return np.asarray(image, dtype=np.uint8)


def _geometry(image: Image, config: AugmentConfig, rng: Generator) -> Image:
    height, width = image.shape
    centre = (width / 2 - 0.5, height / 2 - 0.5)
    low, high = np.log(config.scale)
    angle, zoom = rng.uniform(-config.rotate, config.rotate), float(np.exp(rng.uniform(low, high)))
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, angle, zoom), dtype=np.float64)
    matrix[:, 2] += rng.uniform(-config.shift, config.shift, 2) * (width, height)
    if rng.random() < config.flip:
        # Mirror the source first: x -> width - 1 - x, folded into the same warp.
        matrix = matrix @ np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    border = _BORDERS[rng.integers(len(_BORDERS))]
    fill = float(rng.integers(256))
    warped = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(fill,)
    )
    return np.asarray(warped, dtype=np.uint8)


def _degrade(image: Image, config: AugmentConfig, rng: Generator) -> Image:
    height, width = image.shape
    view = image
    if rng.random() < config.blur:
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), rng.uniform(*config.blur_sigma)), dtype=np.uint8)
    if rng.random() < config.resample:
        side = int(rng.integers(config.resample_side[0], config.resample_side[1] + 1))
        small = cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA)
        view = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    if rng.random() < config.jpeg:
        quality = int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1))
        coded = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        view = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return view


def _light(image: Image, config: AugmentConfig, rng: Generator) -> Image:
    """Gamma, contrast about the middle and brightness in one table; what clips is lost, as in a camera."""
    levels = np.arange(256) / 255.0
    gamma = np.exp(rng.uniform(*np.log(config.gamma)))
    contrast = rng.uniform(*config.contrast)
    offset = rng.uniform(-config.brightness, config.brightness)
    table = 127.5 + contrast * (255.0 * levels**gamma - 127.5) + offset
    lit: Image = np.clip(np.rint(table), 0, 255).astype(np.uint8)[image]
    return lit


def _erase(image: Image, config: AugmentConfig, rng: Generator) -> Image:
    """Cover a random box with one grey level or with noise, as a hand, a mask or a microphone would."""
    height, width = image.shape
    box_h, box_w = (max(1, int(rng.uniform(*config.erase_side) * side)) for side in (height, width))
    top, left = int(rng.integers(height - box_h + 1)), int(rng.integers(width - box_w + 1))
    view = image.copy()
    if rng.random() < 0.5:
        view[top : top + box_h, left : left + box_w] = rng.integers(256)
    else:
        view[top : top + box_h, left : left + box_w] = rng.integers(0, 256, (box_h, box_w))
    return view
