"""A checkpoint's averaged network as a float ONNX file, compared with torch on real pictures before it is kept.

`python -m training.detector.export runs/detector/first/last.pt --out runs/detector/fp32.onnx`
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch

from training.detector.data import Image, load_photographs, read_picture
from training.detector.model import FaceDetector, cell_centres, decode
from training.detector.onnx_graph import build
from training.detector.predictor import letterbox, open_session
from training.detector.train import load_average

# float32 sums in another order; a score is in 0..1, a distance in pixels up to a few hundred
SCORE_TOLERANCE = 1e-4
PIXEL_TOLERANCE = 0.02


def parity(model: FaceDetector, path: Path, pictures: list[Image]) -> tuple[float, float]:
    """Largest differences between torch and the ONNX file: of a score, and of a box side or landmark in pixels."""
    session = open_session(path)
    score_error = pixel_error = 0.0
    for picture in pictures:
        centres, strides = cell_centres(*picture.shape[:2])
        with torch.no_grad():
            raw = model(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float())
        logits, boxes, landmarks = decode(raw, centres, strides)
        scores, distances, offsets = (np.asarray(o) for o in session.run(None, {"images": picture[None]}))
        sides = torch.cat([centres - boxes[0, :, :2], boxes[0, :, 2:] - centres], dim=1).numpy()
        points = (landmarks[0] - centres[:, None]).flatten(1).numpy()
        score_error = max(score_error, float(np.abs(logits[0].sigmoid().numpy() - scores[0]).max()))
        likely = scores[0] > 0.05  # empty cells hold numbers of any size, which nobody reads
        for ours, theirs in ((sides, distances[0]), (points, offsets[0])):
            pixel_error = max(pixel_error, float(np.abs(ours - theirs)[likely].max(initial=0.0)))
    return score_error, pixel_error


def batch_difference(path: Path, pictures: list[Image]) -> float:
    """Largest difference of any output between each picture alone and all in one batch; 0.0 means bit-equal."""
    session = open_session(path)
    together = [np.asarray(o) for o in session.run(None, {"images": np.stack(pictures)})]
    worst = 0.0
    for i, picture in enumerate(pictures):
        alone = [np.asarray(o) for o in session.run(None, {"images": picture[None]})]
        worst = max(worst, *(float(np.abs(a[0] - b[i]).max()) for a, b in zip(alone, together, strict=True)))
    return worst


def square_pictures(data: Path, side: int, count: int) -> list[Image]:
    """Held-out photographs, letterboxed and padded to one square size."""
    pictures = []
    for photograph in [p for p in load_photographs(data) if p.held_out][: count * 7 : 7]:
        fitted, _ = letterbox(read_picture(data, photograph), side)
        square = np.zeros((side, side, 3), np.uint8)
        square[: fitted.shape[0], : fitted.shape[1]] = fitted
        pictures.append(square)
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/detector/fp32.onnx"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, iterations = load_average(arguments.checkpoint)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(build(model, iterations), arguments.out)
    pictures = square_pictures(arguments.data, 320, 16)
    score_error, pixel_error = parity(model, arguments.out, pictures)
    print(f"torch against onnxruntime: score {score_error:.2e}, pixels {pixel_error:.2e}")
    print(f"alone against a batch of {len(pictures)}: {batch_difference(arguments.out, pictures):.2e}")
    if score_error > SCORE_TOLERANCE or pixel_error > PIXEL_TOLERANCE:
        raise SystemExit(f"{arguments.out} does not reproduce the checkpoint")


if __name__ == "__main__":
    main()
