"""The labelled photographs of ../shared/data/faces: reading, the fixed hold-out, a cache of decoded pixels."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

HOLD_OUT_EVERY = 10


@dataclass(frozen=True, eq=False)
class Photograph:
    """One photograph and its labels, in pixels of the stored file (x right, y down).

    boxes [n, 4] x1 y1 x2 y2: the teacher's where it has one, otherwise people's; human_boxes [n, 4]: people's, NaN
    where there is none; landmarks [n, 5, 2]: right eye, left eye, nose, right and left mouth corner (the subject's
    right), NaN where unknown; ignore [n] bool: neither face nor background; scores [n]: how sure the teacher was, 0
    where only people saw a face.
    """

    file: str
    source: str
    index: int  # position within its source, in the order of boxes.jsonl
    width: int
    height: int
    boxes: FloatArray
    human_boxes: FloatArray
    landmarks: FloatArray
    ignore: npt.NDArray[np.bool_]
    scores: FloatArray

    @property
    def held_out(self) -> bool:
        """Never trained on: every tenth photograph of each source, in the order of boxes.jsonl."""
        return self.index % HOLD_OUT_EVERY == 0


def load_photographs(data: Path) -> list[Photograph]:
    """All photographs of `data`/faces/boxes.jsonl in file order."""
    seen: Counter[str] = Counter()
    photographs = []
    with (data / "faces" / "boxes.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            photographs.append(parse(row, seen[row["source"]]))
            seen[row["source"]] += 1
    return photographs


def parse(row: dict[str, Any], index: int) -> Photograph:
    """One line of boxes.jsonl, the `index`th of its source."""
    faces = row["faces"]
    nowhere = [float("nan")] * 2
    points = [np.ravel(face.get("landmarks") or [nowhere] * 5) for face in faces]
    return Photograph(
        file=row["file"],
        source=row["source"],
        index=index,
        width=row["width"],
        height=row["height"],
        boxes=_corners([face["box"] for face in faces]),
        human_boxes=_corners([face.get("human_box") or nowhere * 2 for face in faces]),
        landmarks=np.array(points, np.float32).reshape(-1, 5, 2),
        ignore=np.array([bool(face.get("ignore")) for face in faces], np.bool_),
        scores=np.array([face.get("score") or 0.0 for face in faces], np.float32),
    )


def _corners(boxes: list[list[float]]) -> FloatArray:
    """x y w h -> x1 y1 x2 y2."""
    array = np.array(boxes, np.float32).reshape(-1, 4)
    array[:, 2:] += array[:, :2]
    return array


def read_picture(data: Path, photograph: Photograph) -> Image:
    """The photograph as uint8 [h, w, 3] BGR."""
    picture = cv2.imread(str(data / "faces" / photograph.file), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(f"cannot read {photograph.file} below {data / 'faces'}")
    return np.asarray(picture, np.uint8)


class PixelCache:
    """Decoded photographs in one memory-mapped file: decoding WebP costs more than the whole augmentation."""

    def __init__(self, path: Path, photographs: list[Photograph]) -> None:
        self.path = path
        sizes = np.array([p.width * p.height * 3 for p in photographs], np.int64)
        self._offsets = np.concatenate([[0], np.cumsum(sizes)])
        self._shapes = [(p.height, p.width, 3) for p in photographs]
        self._pixels: npt.NDArray[np.uint8] | None = None

    def build(self, data: Path, photographs: list[Photograph]) -> None:
        """Decode all photographs."""
        with self.path.open("wb") as out:
            for photograph, shape in zip(photographs, self._shapes, strict=True):
                picture = read_picture(data, photograph)
                if picture.shape != shape:
                    raise ValueError(f"{photograph.file} is {picture.shape}, boxes.jsonl says {shape}")
                out.write(picture.tobytes())

    def __getitem__(self, i: int) -> Image:
        if self._pixels is None:  # opened late, so that a loader process maps the file itself
            self._pixels = np.memmap(self.path, np.uint8, "r")
        return self._pixels[self._offsets[i] : self._offsets[i + 1]].reshape(self._shapes[i])
