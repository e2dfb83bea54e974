"""A clip's analysis as JSON, piece by piece."""

import json
import tracemalloc
from itertools import islice

from mien.domain import StageTimes
from mien.timeline.model import FrameRow
from mien.timeline.packed_rows import PackedRows
from mien.timeline.summary import Summarizer
from mien.usecases.analyze_video import VideoAnalysis
from mien.usecases.video_document import analysis_chunks, summary_chunks
from mien.video.model import ClipInfo
from tests.unit.timeline.rows import LABELS8, face, scores

INFO = ClipInfo(640, 480, 0, False, "h264", "mp4", 0.0, None, 25.0, False, False, 0.0)


def analysis(frames: int, faces: int, strangers: bool = False) -> VideoAnalysis:
    """``faces`` people in every frame: the same ones, or with ``strangers`` other ones each time."""
    log, summarizer = PackedRows(LABELS8), Summarizer(LABELS8)
    for k in range(frames):
        first = 1 + (k * faces if strangers else 0)
        row = FrameRow(k / 5, k, 0, tuple(face(scores(sad=0.6), first + at) for at in range(faces)))
        log.append(row)
        summarizer.add(row)
    timeline = summarizer.finish(log, frames / 5)
    return VideoAnalysis(INFO, frames / 5, frames, frames, timeline, (), StageTimes())


def test_the_pieces_are_one_object() -> None:
    for frames, faces in ((0, 0), (1, 0), (1, 1), (3, 2)):
        found = analysis(frames, faces)
        whole = json.loads("".join(analysis_chunks(found, {"first": 1}, {"last": 2})))
        assert list(whole) == ["first", "video", "timeline", "people", "summary", "last"]
        assert (len(whole["timeline"]), len(whole["people"])) == (frames, faces)
        del whole["timeline"]
        assert json.loads("".join(summary_chunks(found, {"first": 1}, {"last": 2}))) == whole
    assert list(json.loads("".join(summary_chunks(analysis(0, 0), {}, {})))) == ["video", "people", "summary"]


def test_neither_rows_nor_people_are_unpacked_at_once() -> None:
    found = analysis(200, 20, strangers=True)
    tracemalloc.start()
    length = sum(len(piece) for piece in analysis_chunks(found, {}, {}))
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.timeline.people) == 4000
    assert length > 2_000_000
    assert used < length / 3  # 0.15 MB by itself; threads left running by other tests count as well
    assert max(len(piece) for piece in islice(analysis_chunks(found, {}, {}), 10_000)) < 10_000
