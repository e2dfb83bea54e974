"""Recordings joined into one file."""

from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from mien.errors import TooLarge
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip
from tests.unit.video.helpers import FRAGMENTS, LIVE, joined, plain, remuxed

NATIVE = Sampling(None)
NO_LIMITS = ClipLimits()


@pytest.mark.parametrize(("options", "times"), [({}, 2), (LIVE, 2), (LIVE, 3)])
def test_all_recordings_of_a_joined_matroska_are_read(tmp_path: Path, options: dict[str, str], times: int) -> None:
    path = joined(remuxed(plain(tmp_path / "clip.mp4"), "matroska", options), times)
    count = 50 * times
    with Clip(path, NATIVE, NO_LIMITS) as clip:
        frames = list(clip.frames())
    assert [frame.time for frame in frames] == pytest.approx(steps(count), abs=0.001)
    assert [frame.index for frame in frames] == list(range(count))
    assert clip.duration == pytest.approx(count / 25)
    assert clip.warnings == ("The clip's clock starts over in the middle; its parts were put one after the other.",)
    assert clip.info.rate == pytest.approx(25)
    for start, end in ((1.0, 1.6), (1.0, None), (2.6, None), (2.6, 3.4)):
        with Clip(path, Sampling(None, start, end), NO_LIMITS) as clip:
            part = [(frame.index, frame.time, frame.pixels.tobytes()) for frame in clip.frames()]
        expected = [f for f in frames if f.time >= start - 0.0005 and (end is None or f.time < end - 0.0005)]
        assert part == [(f.index, f.time, f.pixels.tobytes()) for f in expected]


def test_the_length_of_all_recordings_counts(tmp_path: Path) -> None:
    path = joined(remuxed(plain(tmp_path / "clip.mp4"), "matroska", LIVE))
    with pytest.raises(TooLarge):
        Clip(path, NATIVE, ClipLimits(max_seconds=3.0))


def test_joined_fragmented_mp4_is_read(tmp_path: Path) -> None:
    path = joined(remuxed(plain(tmp_path / "clip.mp4", 100), "mp4", FRAGMENTS))
    with Clip(path, NATIVE, NO_LIMITS) as clip:
        frames = list(clip.frames())
    assert len(frames) > 180  # FFmpeg leaves out the first group of the second
    assert clip.duration == pytest.approx(len(frames) / 25, abs=0.01)
    assert "clock starts over" in " ".join(clip.warnings)


@pytest.mark.parametrize(
    ("form", "times", "read"), [("mp4", 2, 1), ("mp4", 3, 1), ("mov", 2, 1), ("flv", 2, 1), ("matroska", 3, 2)]
)
def test_unread_recordings_are_reported(tmp_path: Path, form: str, times: int, read: int) -> None:
    path = joined(remuxed(plain(tmp_path / "clip.mp4"), form, {}), times)
    with Clip(path, NATIVE, NO_LIMITS) as clip:
        assert len(list(clip.frames())) == 50 * read
    expected = "Another recording follows" if times - read == 1 else f"{times - read} more recordings follow"
    assert expected in clip.warnings[-1]
    assert f"after {clip.read_until:.3f} s" in clip.warnings[-1]
    with Clip(path, Sampling(None, 0.0, 1.0), NO_LIMITS) as clip:
        list(clip.frames())
    assert clip.warnings == ()


def test_joined_avi_and_gif_are_read(tmp_path: Path) -> None:
    avi = write_clip(tmp_path / "clip.avi", steps(50), moving(50), Recipe("mpeg4", form="avi", tick=Fraction(1, 25)))
    pictures = [Image.fromarray(pixels[:, :, ::-1].copy()) for pixels in moving(50)]
    pictures[0].save(tmp_path / "clip.gif", save_all=True, append_images=pictures[1:], duration=40)
    for path in (avi, tmp_path / "clip.gif"):
        with Clip(joined(path), NATIVE, NO_LIMITS) as clip:
            assert [frame.time for frame in clip.frames()] == pytest.approx(steps(100), abs=0.001)
        assert clip.warnings == ()
        with Clip(joined(path), Sampling(None, 3.0), NO_LIMITS) as clip:
            assert [frame.time for frame in clip.frames()] == pytest.approx(steps(100)[75:], abs=0.001)
