"""How many faces are reported in held-out photographs without any.

    python -m benchmarks.search.face_free

Faces of 16 px and more per picture, in each mode and of YuNet-n.
"""

from collections.abc import Iterator

from benchmarks.search.finders import analyze, peers
from benchmarks.search.table import Bench, Row, run
from mien.domain import AnalyzeOptions, DetectorMode
from training.detector.data import load_photographs, read_picture

MIN_FACE = 16.0
MOST = 0.01


def rows(bench: Bench) -> Iterator[Row]:
    if not (bench.data / "faces").exists():
        yield Row("photographs without faces", "not measured: ../shared/data is not here")
        return
    chosen = [p for p in load_photographs(bench.data) if p.held_out and p.source == "objects"]
    pictures = [read_picture(bench.data, photograph) for photograph in chosen]
    theirs = []
    for finder in peers(bench):
        sizes = [finder.find(picture) for picture in pictures]
        number = sum(int(((boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= MIN_FACE).sum()) for boxes in sizes)
        theirs.append(f"{finder.name}: {number}")
    for mode in DetectorMode:
        options = AnalyzeOptions(detector=mode, min_face=MIN_FACE)
        scores = [face.confidence for picture in pictures for face in analyze(bench.engine, picture, options).faces]
        told = f"{len(scores)}{f', the best {max(scores):.2f}' if scores else ''}"
        name = f"{len(pictures)} photographs without faces, `{mode}`: faces reported"
        yield Row(name, told, f"{MOST} per picture", len(scores) <= MOST * len(pictures), ", ".join(theirs))


if __name__ == "__main__":
    run(__doc__, rows)
