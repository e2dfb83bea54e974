"""What a clip's result can do, with a fake engine."""

from pathlib import Path

import av
import polars
import pytest
from PIL import Image

import mien.local.models
from mien.errors import InputError, InvalidOption
from mien.local.analyzer import Analyzer
from mien.render.boris import boris_events
from mien.render.tables import csv_lines
from mien.results.clip import ClipResult
from mien.usecases.analyze_video import VideoOptions, analyze_video
from tests.clips import PatchEngine, moving, scene, steps, write_clip


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mien.local.models, "open_engine", lambda _: PatchEngine())
    return write_clip(tmp_path / "clip.mp4", steps(75), [*moving(50), *[scene(160, 120)] * 25])


@pytest.fixture
def result(clip: Path) -> ClipResult:
    with Analyzer() as analyzer:
        return analyzer.analyze_video(clip)


def test_tables_and_research_files_are_those_of_the_analysis(clip: Path, result: ClipResult) -> None:
    from mien.domain import AnalyzeOptions

    timeline = analyze_video(clip, AnalyzeOptions(), VideoOptions(), engine=PatchEngine()).timeline
    assert result.to_csv() == "".join(csv_lines(timeline.rows, timeline.labels))
    assert result.to_boris() == boris_events(timeline)
    assert b"./clip.mp4" in result.to_eaf()
    assert "<v Person 1>happy" in result.to_webvtt()
    assert result.to_pandas().person.count() == 10
    assert polars.DataFrame(result.columns()).equals(result.to_polars())


def test_the_annotated_clip_has_every_frame(result: ClipResult, clip: Path, tmp_path: Path) -> None:
    target = result.save_annotated(tmp_path / "out.mp4")
    with av.open(str(target)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 75
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]
    with pytest.raises(InputError, match="is the clip itself"):
        result.save_annotated(clip)
    with pytest.raises(InvalidOption, match=r"\.mp4"):
        result.save_annotated(tmp_path / "out.avi")
    with pytest.raises(InputError, match="no clip to draw on"):
        ClipResult.from_dict(result.to_dict()).save_annotated(target)


def test_a_clip_of_bytes_can_be_drawn_and_leaves_no_file(clip: Path, tmp_path: Path) -> None:
    with Analyzer() as analyzer:
        result = analyzer.analyze_video(clip.read_bytes())
    assert result.run is not None
    stored = result.run.clip.path
    assert result.save_annotated(tmp_path / "out.mp4").stat().st_size > 1000
    assert stored.exists()
    del result
    assert not stored.exists()


def test_a_notebook_shows_the_plot(result: ClipResult, tmp_path: Path) -> None:
    with Image.open(result.plot(tmp_path / "plot.png")) as drawn:
        assert drawn.width == 1200
    assert (tmp_path / "plot.png").read_bytes() == result._repr_png_()
    with Image.open(result.plot(tmp_path / "wide.png", width=2000)) as drawn:
        assert drawn.width == 2000


def test_the_paragraph_is_made_from_the_run(clip: Path) -> None:
    with Analyzer(detector="accurate", min_face=40, labels="basic5") as analyzer:
        text = analyzer.analyze_video(clip, fps=2, end=2, smoothing="none").methods()
    for part in (
        "from 0 to 2 s at 2 frames per second",
        "(4 frames)",
        "were not smoothed",
        "the mode accurate",
        "at least 40 px",
        "neutral, happy, surprise, sad, angry.",
    ):
        assert part in text
