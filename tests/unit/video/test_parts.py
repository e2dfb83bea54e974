"""Reading a clip in parts, and joining them."""

from pathlib import Path

import pytest

from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from mien.video.parts import ReadClip, can_join, divide, join
from tests.clips import Recipe, moving, scene, steps, write_clip
from tests.unit.video.helpers import NO_LIMITS

Frames = list[tuple[float, int, int, bytes]]


def whole(path: Path, sampling: Sampling) -> tuple[Frames, ReadClip]:
    with Clip(path, sampling, NO_LIMITS) as clip:
        frames = [(f.time, f.index, f.scene, f.pixels.tobytes()) for f in clip.frames()]
        return frames, join([clip.facts])


def in_parts(path: Path, sampling: Sampling, seconds: float) -> tuple[Frames, ReadClip, int]:
    frames, facts, scenes = [], [], 0
    for bounds in divide(path, sampling, seconds, ClipLimits().max_pixels):
        part = Sampling(sampling.fps, bounds.start, bounds.end)
        with Clip(path, part, NO_LIMITS, key_frame=bounds.key_frame) as clip:
            read = list(clip.frames())
            before = clip.facts.before.scene if facts else 0
            frames += [(f.time, f.index, f.scene + scenes - before, f.pixels.tobytes()) for f in read]
            scenes += clip.facts.after.scene - before
            facts.append(clip.facts)
    assert can_join(facts)
    return frames, join(facts), len(facts)


@pytest.mark.parametrize("form", ["mp4", "matroska"])
@pytest.mark.parametrize("fps", [5.0, 3.0, 24.0, None])
@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.7, None), (0.7, 3.1)])
def test_the_parts_give_the_frames_and_the_facts_of_the_whole(
    tmp_path: Path, form: str, fps: float | None, start: float, end: float | None
) -> None:
    path = write_clip(tmp_path / "clip", steps(100), moving(100), Recipe(form=form))
    sampling = Sampling(fps, start, end)
    frames, read, count = in_parts(path, sampling, 0.5)
    assert count > 2
    assert (frames, read) == whole(path, sampling)


def test_a_shot_boundary_at_a_key_frame_is_counted_once(tmp_path: Path) -> None:
    pictures = [scene(160, 120, grey=grey) for grey in (40, 200, 90) for _ in range(36)]
    path = write_clip(tmp_path / "clip.mp4", steps(108), pictures)
    frames, read, count = in_parts(path, Sampling(5.0), 0.4)
    assert count > 3
    assert (frames, read) == whole(path, Sampling(5.0))
    assert {scene for _, _, scene, _ in frames} == {0, 1, 2}


@pytest.mark.parametrize("form", ["mpegts", "flv"])
def test_what_cannot_be_sought_is_one_part(tmp_path: Path, form: str) -> None:
    path = write_clip(tmp_path / "clip", steps(100), moving(100), Recipe(form=form))
    assert len(divide(path, Sampling(5.0), 0.5, ClipLimits().max_pixels)) == 1


def test_parts_of_several_shapes_cannot_be_joined(tmp_path: Path) -> None:
    facts = []
    for name, size in (("small", (64, 48)), ("large", (128, 96))):
        path = write_clip(tmp_path / f"{name}.mp4", steps(10), [scene(*size)] * 10)
        with Clip(path, Sampling(5.0), NO_LIMITS) as clip:
            list(clip.frames())
            facts.append(clip.facts)
    assert not can_join(facts)
    assert can_join(facts[:1])
