"""Training batches. Batch i follows from the seed, i and where the calm views begin, so a resumed run sees the same."""

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from training.detector.augment import AugmentConfig, Sample, augment, mosaic
from training.detector.data import FloatArray, Photograph, PixelCache
from training.detector.decoys import lay_decoys
from training.detector.labels import HardNegatives, training_labels
from training.detector.pasted_faces import PastedFaces, paste_faces

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class BatchConfig:
    """views: (side in pixels, pictures in a batch, chance); each pair costs about the same time."""

    views: tuple[tuple[int, int, float], ...] = ((320, 32, 0.35), (416, 19, 0.15), (640, 8, 0.5))
    max_faces: int = 192  # of a view; a mosaic of sixteen holds up to so many, most of them left out of the loss
    seed: int = 20260
    paste: float = 0.25  # chance that a photograph gets FER+ crops as extra faces, where there are any
    decoys: float = 0.12  # chance that drawings that look a little like faces are laid over a photograph
    negatives: float = 0.2  # chance that a view shows what an earlier round took for a face
    calm_share: float = 0.0  # of the batches, the last
    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass(frozen=True)
class Material:
    """What a round learns from: photographs, their decoded pixels, faces to paste, and an earlier round's errors."""

    photographs: list[Photograph]
    pixels: PixelCache
    rows: list[int]  # positions of those that are trained on
    pasted: PastedFaces | None = None
    negatives: HardNegatives | None = None


class Batches(Dataset[Batch]):
    """Batches 0..`count` - 1 of what there is to learn from."""

    def __init__(self, material: Material, config: BatchConfig, count: int) -> None:
        self.pixels, self.rows, self.pasted = material.pixels, material.rows, material.pasted
        photographs, rows, known = material.photographs, material.rows, material.negatives or {}
        self._labels = {row: training_labels(photographs[row], known.get(photographs[row].file)) for row in rows}
        self._with_faces = [row for row in rows if (~self._labels[row].ignore).any()]
        self._face_free = [row for row in rows if not len(photographs[row].boxes)]
        self._negative_rows = [row for row in rows if len(self._labels[row].wrong)]
        self._until = np.cumsum([crowding(self._labels[row].ignore) for row in rows])
        self.config, self.count = config, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Batch:
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self.config.seed, i])
        chances = [chance for *_, chance in self.config.views]
        side, count, _ = self.config.views[rng.choice(len(chances), p=chances)]
        calm = i >= round(self.count * (1 - self.config.calm_share))
        ranges = self.config.augment.calmer() if calm else self.config.augment
        return collate([self.view(side, ranges, rng) for _ in range(count)], self.config.max_faces)

    def view(self, side: int, config: AugmentConfig, rng: np.random.Generator) -> Sample:
        drawn = rng.random()
        for count, chance in config.mosaics:
            if drawn < chance:
                return mosaic([augment(self.pick(rng), side // count, config, rng) for _ in range(count**2)], side)
            drawn -= chance
        for count, chance in config.grids:
            if drawn < chance:
                return self._grid(count, side, config, rng)
            drawn -= chance
        return augment(self.pick(rng), side, config, rng)

    def _grid(self, count: int, side: int, config: AugmentConfig, rng: np.random.Generator) -> Sample:
        """A call or a poster: one person per place, of about one size, on a plain ground."""
        place = int(side // count * rng.uniform(0.8, 1.0))
        share = rng.uniform(0.25, 0.75)  # of the place's side, by the face
        close = replace(
            config,
            face_zoom=1.0,
            small=0.0,
            smallest_face=0.8 * share * place,
            largest_face=1.2 * share,
            least_cover=1.0,
            any_angle=0.0,
        )
        ground = tuple(int(level) for level in rng.integers(0, 256, 3))
        known = self._with_faces or self.rows
        rows = [known[rng.integers(len(known))] for _ in range(count**2)]
        return mosaic([augment(self._sample(row), place, close, rng) for row in rows], side, ground)  # type: ignore[arg-type]

    def pick(self, rng: np.random.Generator) -> Sample:
        """A photograph with its labels, sometimes with faces or decoys added, or told to show an old mistake."""
        if self._negative_rows and rng.random() < self.config.negatives:
            row = self._negative_rows[rng.integers(len(self._negative_rows))]
            wrong = self._labels[row].wrong
            return self._sample(row, wrong[rng.integers(len(wrong))])
        row = self.rows[int(np.searchsorted(self._until, rng.uniform(0, self._until[-1]), side="right"))]
        sample = self._sample(row)
        if self.pasted is not None and self._face_free and rng.random() < self.config.paste:
            others = self.pixels[self._face_free[rng.integers(len(self._face_free))]]
            sample = paste_faces(sample, self.pasted, others, rng)
        if rng.random() < self.config.decoys:
            sample = lay_decoys(sample, rng)
        return sample

    def _sample(self, row: int, focus: FloatArray | None = None) -> Sample:
        labels = self._labels[row]
        return Sample(self.pixels[row], labels.boxes, labels.landmarks, labels.ignore, focus)


def crowding(ignore: npt.NDArray[np.bool_]) -> float:
    """How often a photograph with these labels [n] is drawn, against one with a single face or none.

    The root of its number of faces: a crowd has more to teach than a portrait, and a third of all labelled faces stand
    in a tenth of the photographs.
    """
    return math.sqrt(max(1, int(np.count_nonzero(~ignore))))


def collate(samples: list[Sample], max_faces: int) -> Batch:
    """pictures uint8 [n, s, s, 3]; boxes [n, G, 4], landmarks [n, G, 5, 2], real and ignore [n, G], padded."""
    longest = min(max(len(s.boxes) for s in samples), max_faces)
    n = len(samples)
    boxes = np.zeros((n, longest, 4), np.float32)
    landmarks = np.full((n, longest, 5, 2), np.nan, np.float32)
    real, ignore = np.zeros((n, longest), np.bool_), np.zeros((n, longest), np.bool_)
    for i, sample in enumerate(samples):
        sides = sample.boxes[:, 2:] - sample.boxes[:, :2]
        largest = np.argsort(-(sides[:, 0] * sides[:, 1]), kind="stable")[:longest]
        count = len(largest)
        boxes[i, :count], landmarks[i, :count] = sample.boxes[largest], sample.landmarks[largest]
        real[i, :count], ignore[i, :count] = ~sample.ignore[largest], sample.ignore[largest]
    arrays = {
        "pictures": np.stack([s.picture for s in samples]),
        "boxes": boxes,
        "landmarks": landmarks,
        "real": real,
        "ignore": ignore,
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
