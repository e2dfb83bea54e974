"""How many faces are reported in held-out photographs without any.

    python -m benchmarks.search.face_free [--min-face 16]

Prints, for each mode and for YuNet-n, the faces of 16 px and more per picture, and the highest score.
"""

import sys

from benchmarks.search.finders import analyze, arguments_of, opened, peers
from mien.domain import AnalyzeOptions
from training.detector.data import load_photographs, read_picture


def main() -> int:
    parser = arguments_of(__doc__)
    parser.add_argument("--min-face", type=float, default=16.0)
    arguments = parser.parse_args()
    if not (arguments.data / "faces").exists():
        print("the photographs of ../shared/data are not here")
        return 0
    chosen = [p for p in load_photographs(arguments.data) if p.held_out and p.source == "objects"]
    pictures = [read_picture(arguments.data, photograph) for photograph in chosen]
    with opened(arguments.store) as engine:
        for mode in arguments.detectors:
            options = AnalyzeOptions(detector=mode, min_face=arguments.min_face)
            scores = [face.confidence for picture in pictures for face in analyze(engine, picture, options).faces]
            print(
                f"{mode:>12}: {len(scores)} faces in {len(pictures)} pictures, {len(scores) / len(pictures):.3f} per "
                f"picture{f', the best {max(scores):.2f}' if scores else ''}"
            )
    for finder in peers():
        sizes = [finder.find(picture) for picture in pictures]
        number = sum(int(((boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= arguments.min_face).sum()) for boxes in sizes)
        print(f"{finder.name:>12}: {number} faces, {number / len(pictures):.3f} per picture")
    return 0


if __name__ == "__main__":
    sys.exit(main())
