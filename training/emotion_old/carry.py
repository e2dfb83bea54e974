"""The faces that a training needs, small enough to travel: `python -m training.emotion.carry --to FOLDER`.

A machine with a GPU may be reached by a thin wire. FOLDER/emotions holds the sheets again, losslessly and a little
smaller, and under the split `photographs` the faces without votes, lightly compressed, cut out as `unlabelled` does:
their photographs, ten times as large, stay at home. `--data FOLDER` of `cohort` reads them.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.emotion import unlabelled
from training.emotion.data import PHOTOGRAPHS, SHEET_COLUMNS, TILE
from training.emotion.labels import VOTE_COLUMNS

LOSSLESS = 101  # OpenCV's quality for it
QUALITY = 90  # of faces that nobody voted on
TILES = 50 * SHEET_COLUMNS  # on a sheet


def main() -> None:
    """Write FOLDER/emotions."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.carry", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    target = options.to / "emotions"
    target.mkdir(parents=True, exist_ok=True)
    source = options.data / "emotions"
    with (source / "labels.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or []), list(reader)
    for name in sorted({row["sheet"] for row in rows}):
        pixels = cv2.imread(str(source / name), cv2.IMREAD_GRAYSCALE)
        if pixels is None:
            raise SystemExit(f"cannot read the sheet {source / name}")
        _write(target / _renamed(name), np.asarray(pixels, np.uint8), LOSSLESS)
    carried = [{**row, "sheet": _renamed(row["sheet"])} for row in rows]
    images = unlabelled.load(options.data).images
    for start in range(0, len(images), TILES):
        name, part = f"{PHOTOGRAPHS}-{start // TILES:02}.webp", images[start : start + TILES]
        _write(target / name, sheet_of(part), QUALITY)
        nobody = {**dict.fromkeys(VOTE_COLUMNS, "0"), "fer2013": "", "ferplus_row": ""}
        carried += [
            {"split": PHOTOGRAPHS, "sheet": name, "position": str(position), **nobody} for position in range(len(part))
        ]
    with (target / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(carried)
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"{len(carried)} faces, {size / 1e6:.1f} MB in {target}")


def sheet_of(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`images` [n, 48, 48] as a sheet of 40 columns, black where the last row has none."""
    count = -(-len(images) // SHEET_COLUMNS)
    tiles = np.zeros((count * SHEET_COLUMNS, TILE, TILE), np.uint8)
    tiles[: len(images)] = images
    return tiles.reshape(count, SHEET_COLUMNS, TILE, TILE).transpose(0, 2, 1, 3).reshape(count * TILE, -1)


def _renamed(name: str) -> str:
    return Path(name).with_suffix(".webp").name


def _write(path: Path, pixels: NDArray[np.uint8], quality: int) -> None:
    if not cv2.imwrite(str(path), pixels, [cv2.IMWRITE_WEBP_QUALITY, quality]):
        raise SystemExit(f"cannot write {path}")


if __name__ == "__main__":
    main()
