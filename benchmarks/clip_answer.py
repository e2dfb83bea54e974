"""What a clip's answer takes once its frames are analysed: peak memory and time of the rows, the sums and the text.

    python -m benchmarks.clip_answer [--frames 1500] [--faces 100] [--strangers]

Rows are made up: as many people in every frame, whose emotions change every second; with ``--strangers`` every face of
every frame is somebody else, which is the worst for memory. The engine and the decoder are not there. Memory is what
Python allocates at its peak (``tracemalloc``), in a run of its own, for it makes everything slower.
"""

import argparse
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np

from mien.api.streaming import SpooledText
from mien.api.uploads.spool import SpoolSettings
from mien.domain import LABELS, Box, LabelSet, StageTimes
from mien.render.tables import csv_lines
from mien.timeline.model import FaceRow, FrameRow
from mien.timeline.packed_rows import PackedRows
from mien.timeline.summary import Summarizer
from mien.usecases.analyze_video import VideoAnalysis
from mien.usecases.video_document import analysis_chunks
from mien.video.model import ClipInfo

_LABELS = LABELS[LabelSet.FERPLUS8]
_FPS = 5
_INFO = ClipInfo(1920, 1080, 0, False, "h264", "mp4", 0.0, None, 25.0, False, False, 0.0)


def rows(frames: int, faces: int, strangers: bool) -> Iterator[FrameRow]:
    """Made-up rows, one after the other."""
    rng = np.random.default_rng(0)
    for frame in range(frames):
        if frame % _FPS == 0:
            scores = rng.dirichlet(np.full(len(_LABELS), 0.3), faces).tolist()
        boxes = (rng.random((faces, 4)) * 1000).tolist()
        first = 1 + (frame * faces if strangers else 0)
        yield FrameRow(
            frame / _FPS, 5 * frame, 0, tuple(_face(first + at, boxes[at], scores[at]) for at in range(faces))
        )


def _face(person: int, box: list[float], scores: list[float]) -> FaceRow:
    best = max(range(len(scores)), key=scores.__getitem__)
    return FaceRow(person, Box(*box), 0.9, _LABELS[best], scores[best], tuple(scores))


def analysed(frames: int, faces: int, strangers: bool) -> VideoAnalysis:
    """The analysis of these rows."""
    log, summarizer = PackedRows(_LABELS), Summarizer(_LABELS)
    for row in rows(frames, faces, strangers):
        log.append(row)
        summarizer.add(row)
    end = frames / _FPS
    timeline = summarizer.finish(log, end)
    return VideoAnalysis(_INFO, end, 5 * frames, frames, timeline, (), StageTimes())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--faces", type=int, default=100)
    parser.add_argument("--strangers", action="store_true", help="every face of every frame is somebody else")
    chosen = parser.parse_args()
    count = chosen.frames * chosen.faces
    for traced in (False, True):
        if traced:
            tracemalloc.start()
        started = time.perf_counter()
        analysis = analysed(chosen.frames, chosen.faces, chosen.strangers)
        report("rows and sums", count, started, None)
        for name in ("JSON", "CSV"):
            started = time.perf_counter()
            timeline = analysis.timeline
            pieces = analysis_chunks(analysis, {}, {}) if name == "JSON" else csv_lines(timeline.rows, timeline.labels)
            text = SpooledText(SpoolSettings())
            text.write(pieces)
            report(name, count, started, text.size)
            text.close()


def report(name: str, count: int, started: float, size: int | None) -> None:
    """One line: time, or memory where it is traced."""
    told = f"{name:<14} {count:>8,} rows"
    if size is not None:
        told += f"  {size / 2**20:6.1f} MiB of text"
    if tracemalloc.is_tracing():
        held, peak = tracemalloc.get_traced_memory()
        print(
            f"{told}  peak {peak / 2**20:6.1f} MiB, held after it {held / 2**20:6.1f} MiB ({held / count:.0f} B a row)"
        )
        tracemalloc.reset_peak()
    else:
        print(f"{told}  {time.perf_counter() - started:6.2f} s", flush=True)


if __name__ == "__main__":
    main()
