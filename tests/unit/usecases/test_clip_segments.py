"""A clip analysed in segments gives the document of the clip analysed at once."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from mien.domain import AnalyzeOptions, Frame, FrameResult, LabelSet
from mien.usecases.analysis_file import analysis_pieces, read_analysis
from mien.usecases.analyze_video import Smoothing, VideoOptions, analyze_video
from mien.usecases.clip_segments import analyze_segment, join_segments
from mien.usecases.video_document import analysis_chunks
from mien.video.model import ClipLimits, Sampling
from mien.video.parts import divide
from tests.clips import PatchEngine, moving, steps, write_clip
from tests.fakes import FakeEngine


class WarningEngine(PatchEngine):
    """Says of every frame what was not looked for."""

    def _result(self, frame: Frame, options: AnalyzeOptions) -> FrameResult:
        return replace(super()._result(frame, options), warnings=("Faces under 12 px were not looked for.",))


def test_what_was_not_looked_for_is_said_once(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(30), moving(30))
    analysis = analyze_video(path, AnalyzeOptions(), VideoOptions(), engine=WarningEngine())
    assert analysis.warnings == ("Faces under 12 px were not looked for.",)


@pytest.mark.parametrize("engine", [PatchEngine(), FakeEngine(faces=3), WarningEngine()])
@pytest.mark.parametrize("seconds", [0.4, 1.0, 100.0])
@pytest.mark.parametrize("smoothing", list(Smoothing))
def test_segments_give_the_same_bytes(tmp_path: Path, engine: FakeEngine, seconds: float, smoothing: Smoothing) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(75), moving(75))
    options, video = AnalyzeOptions(labels=LabelSet.BASIC7), VideoOptions(Sampling(8.0, 0.3), smoothing)
    at_once = analyze_video(path, options, video, engine=engine)
    bounds = divide(path, video.sampling, seconds, ClipLimits().max_pixels)
    segments = [analyze_segment(path, one, options, video, engine=engine) for one in bounds]
    joined = join_segments(segments, options, video, engine=engine, limits=ClipLimits())
    assert joined is not None
    file = BytesIO(b"".join(analysis_pieces(joined, options.labels, {"emotion": "2"})))
    kept, models = read_analysis(file)
    assert models == {"emotion": "2"}
    documents = ["".join(analysis_chunks(one, {}, {})) for one in (at_once, joined.analysis, kept)]
    assert documents[0] == documents[1] == documents[2]
    assert '"people":[{' in documents[0]
