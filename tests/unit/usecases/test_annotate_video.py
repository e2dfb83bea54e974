import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.domain import AnalyzeOptions, Box, Cancellation
from mien.errors import DeadlineExceeded, InvalidOption
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.usecases.annotate_video import annotate_video
from mien.video.model import Sampling
from tests.clips import PatchEngine, Recipe, growing, moving, scene, steps, write_clip

IRREGULAR = [1.5 + sum((10, 200, 35, 80, 10, 125, 60)[i % 7] for i in range(k)) / 1000 for k in range(30)]


def annotated(path: Path, sampling: Sampling) -> Path:
    video = VideoOptions(sampling)
    analysis = analyze_video(path, AnalyzeOptions(), video, engine=PatchEngine())
    target = path.with_name("annotated.mp4")
    written = list(annotate_video(path, target, analysis, video))
    assert written == sorted(written)
    return target


def times(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        return [frame.time for frame in file.decode(video=0)]


def sound_span(path: Path) -> tuple[str, float, float]:
    with av.open(str(path)) as file:
        frames = [(f.time, f.time + f.samples / f.sample_rate) for f in file.decode(audio=0)]
        return file.streams.audio[0].codec_context.name, frames[0][0], frames[-1][1]


def test_it_plays_in_a_browser_and_keeps_every_time(tmp_path: Path) -> None:
    odd = Recipe(pix_fmt="yuv444p")
    target = annotated(write_clip(tmp_path / "clip.mp4", IRREGULAR, moving(30, 201, 121), odd), Sampling(5.0))
    assert times(target) == pytest.approx(IRREGULAR, abs=0.001)
    content = target.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(str(target)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (200, 120)


def test_the_box_is_drawn_around_the_face_upright(tmp_path: Path) -> None:
    pictures = [scene(240, 160, Box(60, 50, 60, 60))] * 10
    target = annotated(write_clip(tmp_path / "clip.mp4", steps(10), pictures, Recipe(rotation=-90)), Sampling(5.0))
    with av.open(str(target)) as file:
        pixels = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)][5].astype(int)
    assert pixels.shape[:2] == (240, 160)
    # Upright the face is at x 50..110, y 60..120; its box is yellow (happy).
    edge = pixels[90, 46:54]
    assert (edge[:, 2] - edge[:, 0]).max() > 80
    assert np.abs(pixels[90, 80] - (30, 30, 220)).max() < 40


@pytest.mark.parametrize(
    ("codec", "form", "kept"), [("aac", "mp4", "aac"), ("libopus", "matroska", "opus"), ("ac3", "matroska", "aac")]
)
def test_sound_is_kept_or_made_playable(tmp_path: Path, codec: str, form: str, kept: str) -> None:
    path = write_clip(tmp_path / "clip", steps(50), moving(50), Recipe(form=form, sound=codec, tick=Fraction(1, 1000)))
    name, begin, end = sound_span(annotated(path, Sampling(5.0)))
    assert name == kept
    assert begin == pytest.approx(0.0, abs=0.05)
    assert end == pytest.approx(1.96, abs=0.06)


def test_frames_shown_for_less_than_a_tick_are_dropped(tmp_path: Path) -> None:
    microseconds = Recipe(tick=Fraction(1, 1_000_000))
    close = [k * 0.04 + part for k in range(10) for part in (0, 0.000_002, 0.000_004)]
    target = annotated(write_clip(tmp_path / "clip.mp4", close, moving(30), microseconds), Sampling(5.0))
    assert times(target) == pytest.approx([k * 0.04 for k in range(10)], abs=0.001)


def test_a_deadline_that_passes_while_writing_ends_it(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    analysis = analyze_video(path, AnalyzeOptions(), VideoOptions(), engine=PatchEngine())
    deadline = time.monotonic() + 1
    drawing = annotate_video(path, tmp_path / "annotated.mp4", analysis, VideoOptions(), Cancellation(deadline))
    assert next(drawing) == 0.0
    time.sleep(max(0.0, deadline - time.monotonic()) + 0.01)
    with pytest.raises(DeadlineExceeded):
        next(drawing)


@pytest.mark.parametrize("sampling", [Sampling(5.0, 1.97), Sampling(5.0, 0.0, 1e-9), Sampling(5.0, 0.01, 0.03)])
def test_an_excerpt_without_frames_is_an_invalid_option(tmp_path: Path, sampling: Sampling) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    with pytest.raises(InvalidOption, match="No frame"):
        annotated(path, sampling)
    assert list(tmp_path.iterdir()) == [path]


def test_an_excerpt_begins_at_zero_with_its_own_sound(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(100), moving(100), Recipe(sound="aac"))
    target = annotated(path, Sampling(5.0, 1.0, 3.0))
    assert times(target) == pytest.approx([k / 25 for k in range(50)], abs=0.001)
    _, begin, end = sound_span(target)
    assert begin == pytest.approx(0.0, abs=0.05)
    assert end == pytest.approx(2.0, abs=0.05)


def test_frames_that_grow_are_scaled_to_the_first_size(tmp_path: Path) -> None:
    small, large = scene(160, 96, Box(120, 60, 24, 24)), scene(320, 192, Box(240, 120, 48, 48))
    with av.open(str(annotated(growing(tmp_path / "call.ts", small, large), Sampling(5.0)))) as file:
        pictures = [frame.to_ndarray(format="bgr24").astype(int) for frame in file.decode(video=0)]
    for picture in (pictures[5], pictures[-5]):
        assert picture.shape == (96, 160, 3)
        assert np.abs(picture[72, 132] - (30, 30, 220)).max() < 40


@pytest.mark.parametrize("sampling", [Sampling(5.0), Sampling(5.0, 2.4), Sampling(5.0, 1.0, 3.0)])
def test_joined_recordings_are_written_one_after_the_other_with_their_sound(tmp_path: Path, sampling: Sampling) -> None:
    one = tmp_path / "one.webm"
    recipe = Recipe("libvpx", sound="libopus", tick=Fraction(1, 1000), options=(("deadline", "realtime"),))
    write_clip(one, steps(51), moving(51), recipe)
    path = tmp_path / "joined.webm"
    path.write_bytes(one.read_bytes() * 2)
    target = annotated(path, sampling)
    end = sampling.end or 102 / 25
    shown = [time - sampling.start for time in steps(102) if sampling.start <= time < end]
    assert times(target) == pytest.approx(shown, abs=0.002)
    _, begin, until = sound_span(target)
    assert begin == pytest.approx(0.0, abs=0.05)
    assert until == pytest.approx(end - sampling.start, abs=0.1)
