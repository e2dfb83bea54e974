import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.domain import AnalyzeOptions, Box, DetectorMode, FrameResult, LabelSet
from mien.errors import InferenceFailed, TooLarge
from mien.timeline.tracker import TrackThresholds
from mien.usecases.analyze_video import (
    Smoothing,
    VideoAnalysis,
    VideoOptions,
    VideoRun,
    analyze_video,
)
from mien.usecases.timeline_builder import track_thresholds
from mien.usecases.video_document import analysis_chunks
from mien.video.model import ClipLimits, Sampling
from mien.video.reader import ClipReader
from tests.clips import PatchEngine, Recipe, growing, moving, scene, steps, write_clip
from tests.fakes import FakeEngine

IRREGULAR = [1.5 + sum((10, 200, 35, 80, 10, 125, 60)[i % 7] for i in range(k)) / 1000 for k in range(30)]


def analyzed(path: Path, sampling: Sampling, engine: FakeEngine | None = None) -> VideoAnalysis:
    return analyze_video(path, AnalyzeOptions(), VideoOptions(sampling), engine=engine or PatchEngine())


def test_times_and_boxes_are_right_on_a_late_irregular_rotated_clip(tmp_path: Path) -> None:
    # Shown turned a quarter clockwise: what is coded at (x, y) of w x h stands at (h - y - height, x).
    boxes = [Box(10.0 + 3 * k, 30.0, 40.0, 50.0) for k in range(30)]
    pictures = [scene(200, 120, box) for box in boxes]
    path = write_clip(tmp_path / "clip.mp4", IRREGULAR, pictures, Recipe(rotation=-90))
    analysis = analyzed(path, Sampling(None))
    assert [row.time for row in analysis.timeline.rows] == pytest.approx(IRREGULAR, abs=0.001)
    assert (analysis.info.width, analysis.info.height, analysis.info.rotation) == (120, 200, 90)
    for row, box in zip(analysis.timeline.rows, boxes, strict=True):
        (seen,) = row.faces
        upright = (120 - 30 - 50, box.x, 50, 40)
        got = (seen.box.x, seen.box.y, seen.box.width, seen.box.height)
        assert np.abs(np.subtract(got, upright)).max() <= 3, (row.time, got, upright)
    assert {face.person for row in analysis.timeline.rows for face in row.faces} == {1}


def test_every_sampled_frame_has_a_row_with_or_without_faces(tmp_path: Path) -> None:
    pictures = [*moving(25), *[scene(160, 120)] * 50]
    analysis = analyzed(write_clip(tmp_path / "clip.mp4", steps(75), pictures), Sampling(5.0))
    assert [len(row.faces) for row in analysis.timeline.rows] == [1] * 5 + [0] * 10
    assert (analysis.frames_decoded, analysis.frames_analyzed) == (75, 15)
    assert analysis.duration == pytest.approx(3.0)
    assert analysis.timeline.people[0].screen_time == pytest.approx(1.0)


@pytest.mark.parametrize("form", ["mp4", "matroska"])
@pytest.mark.parametrize(
    ("sampling", "seconds"),
    [
        (Sampling(end=2.0), 2.0),  # the next slide would be there at 10 s
        (Sampling(start=5.0, end=12.0), 2.0),
        (Sampling(end=15.0), 15.0),
        (Sampling(end=99.0), 20.04),  # the last slide is there for as long as a frame is at 25 a second
        (Sampling(), 20.04),
    ],
)
def test_a_slide_is_shown_until_the_next_or_the_end(
    tmp_path: Path, form: str, sampling: Sampling, seconds: float
) -> None:
    slides = [scene(160, 120, Box(40, 30, 40, 40))] * 3
    recipe = Recipe(form=form, options=(("bf", "0"),))
    analysis = analyzed(write_clip(tmp_path / "clip", [0.0, 10.0, 20.0], slides, recipe), sampling)
    assert sum(person.screen_time for person in analysis.timeline.people) == pytest.approx(seconds, abs=0.002)
    assert analysis.timeline.people[-1].segments[-1].end <= (sampling.end or 21)


def test_no_track_crosses_a_shot_boundary(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    shots = [np.kron(rng.integers(0, 120, (6, 8, 1), np.uint8), np.ones((20, 20, 3), np.uint8)) for _ in range(2)]
    pictures = []
    for shot in shots:
        picture = shot.copy()
        picture[40:80, 60:100] = (30, 30, 220)
        pictures += [picture] * 25
    analysis = analyzed(write_clip(tmp_path / "clip.mp4", steps(50), pictures), Sampling(5.0))
    assert [face.person for row in analysis.timeline.rows for face in row.faces] == [1] * 5 + [2] * 5


def test_the_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    texts = ["".join(analysis_chunks(analyzed(path, Sampling(None), FakeEngine(3)), {}, {})) for _ in range(3)]
    assert texts[0] == texts[1] == texts[2]


def test_rows_come_before_the_clip_is_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(200), moving(200))
    engine = PatchEngine()
    with VideoRun(path, AnalyzeOptions(), VideoOptions(Sampling(None)), engine=engine) as run:
        rows = run.rows()
        assert next(rows).frame == 0
        assert engine.seen < 20
        assert run.result().frames_analyzed == 1


def test_smoothing_can_be_switched_off(tmp_path: Path) -> None:
    pictures = [scene(64, 48, grey=20 * (k % 5)) for k in range(20)]
    path = write_clip(tmp_path / "clip.mp4", steps(20), pictures)
    raw = analyze_video(path, AnalyzeOptions(), VideoOptions(Sampling(None), Smoothing.NONE), engine=FakeEngine())
    soft = analyze_video(path, AnalyzeOptions(), VideoOptions(Sampling(None)), engine=FakeEngine())
    tops = [[row.faces[0].score for row in analysis.timeline.rows] for analysis in (raw, soft)]
    assert np.ptp(tops[0]) > np.ptp(tops[1][5:])


def test_large_frames_are_decoded_at_the_size_that_the_detector_needs(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [0.0], [scene(2000, 400, Box(400, 100, 200, 200))])
    shapes: list[tuple[int, ...]] = []

    class Recording(PatchEngine):
        def _result(self, frame, options):  # type: ignore[no-untyped-def]
            shapes.append(frame.pixels.shape)
            return super()._result(frame, options)

    for detector in DetectorMode:
        result = analyze_video(path, AnalyzeOptions(detector=detector), VideoOptions(), engine=Recording())
        box = result.timeline.rows[0].faces[0].box
        assert (box.x, box.width) == pytest.approx((400, 200), abs=6)
    assert [shape[1] for shape in shapes] == [1920, 960, 1920]


def test_labels_are_those_of_the_requested_set(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(10), moving(10))
    options = AnalyzeOptions(labels=LabelSet.BASIC5)
    analysis = analyze_video(path, options, VideoOptions(), engine=PatchEngine())
    assert len(analysis.timeline.labels) == len(analysis.timeline.rows[0].faces[0].scores) == 5
    assert set(analysis.timeline.people[0].mean_scores) == set(analysis.timeline.labels)


def test_errors_are_passed_on_and_the_file_is_closed(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    with pytest.raises(InferenceFailed):
        analyzed(path, Sampling(), FakeEngine(error=InferenceFailed("broken")))
    short = ClipReader(ClipLimits(max_seconds=0.5))
    with pytest.raises(TooLarge):
        analyze_video(path, AnalyzeOptions(), VideoOptions(), engine=PatchEngine(), clips=short)


def test_decoding_goes_on_while_the_engine_works(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(20), moving(20))
    gate = threading.Event()

    class Ahead(PatchEngine):
        """Draws three frames before the first result, as the real engine does."""

        def analyze(self, frames, options, cancellation):  # type: ignore[no-untyped-def]
            waiting = []
            for frame in frames:
                waiting.append(frame)
                if len(waiting) == 3:
                    gate.set()
                    yield self._result(waiting.pop(0), options)
            yield from (self._result(frame, options) for frame in waiting)

    analysis = analyzed(path, Sampling(None), Ahead())
    assert gate.is_set()
    assert [row.frame for row in analysis.timeline.rows] == list(range(20))


def test_a_result_without_a_scene_belongs_to_the_first(tmp_path: Path) -> None:
    class Forgetful(PatchEngine):
        def _result(self, frame, options):  # type: ignore[no-untyped-def]
            result: FrameResult = super()._result(frame, options)
            return replace(result, scene=0)

    path = write_clip(tmp_path / "clip.mp4", steps(5), moving(5))
    assert {row.scene for row in analyzed(path, Sampling(None), Forgetful()).timeline.rows} == {0}


def test_a_person_stays_the_same_while_the_pictures_change_their_size(tmp_path: Path) -> None:
    small, large = scene(160, 96, Box(60, 30, 40, 40)), scene(320, 192, Box(120, 60, 80, 80))
    timeline = analyzed(growing(tmp_path / "call.ts", small, large), Sampling(5.0)).timeline
    assert [person.person for person in timeline.people] == [1]
    boxes = [face.box for row in timeline.rows for face in row.faces]
    assert len(boxes) == 10
    for box in boxes:
        assert (box.x, box.y, box.width, box.height) == pytest.approx((60, 30, 40, 40), abs=2)


def test_a_new_track_needs_more_confidence_than_an_existing_one() -> None:
    options, thresholds = track_thresholds(AnalyzeOptions(), FakeEngine())
    assert options.min_confidence == pytest.approx(0.1 * 0.6)
    assert thresholds.new_track == pytest.approx(0.98)
    assert thresholds.keep_track == 0.6


def test_a_callers_own_threshold_is_taken_as_it_is() -> None:
    options = AnalyzeOptions(min_confidence=0.3)
    assert track_thresholds(options, FakeEngine()) == (options, TrackThresholds())
