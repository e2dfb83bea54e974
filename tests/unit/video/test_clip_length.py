"""A clip is as long as its frames are shown, whatever its header says."""

from fractions import Fraction
from pathlib import Path

import pytest

from mien.errors import InvalidOption, TooLarge
from mien.video.clip import Clip
from mien.video.demuxer import Demuxer
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip
from tests.unit.video.helpers import FRAGMENTS, LIVE, cut, matroska_declaring, mp4_declaring, plain, remuxed

NATIVE = Sampling(None)
NO_LIMITS = ClipLimits()


def misdeclared(tmp_path: Path, form: str, factor: float) -> Path:
    """Two seconds of pictures whose header declares ``factor`` times that."""
    clip = plain(tmp_path / "clip.mp4")
    return mp4_declaring(clip, factor) if form == "mp4" else matroska_declaring(remuxed(clip, form, {}), 2 * factor)


@pytest.mark.parametrize("form", ["mp4", "matroska"])
@pytest.mark.parametrize("factor", [1 / 30, 0.0, 0.9, 20.0])
def test_the_declared_length_is_not_trusted(tmp_path: Path, form: str, factor: float) -> None:
    path = misdeclared(tmp_path, form, factor)
    with Clip(path, NATIVE, ClipLimits(max_seconds=2.5)) as clip:
        assert len(list(clip.frames())) == 50
    assert clip.duration == clip.read_until == clip.shown_until == pytest.approx(2.0)
    assert "cut off" not in " ".join(clip.warnings)
    with Clip(path, Sampling(None, 1.0), NO_LIMITS) as clip:
        assert [frame.index for frame in clip.frames()] == list(range(25, 50))
    with Clip(path, Sampling(None, 0.0, 1.0), NO_LIMITS) as clip:
        assert len(list(clip.frames())) == 25
    assert clip.shown_until == 1.0
    assert clip.duration >= 1.0
    for start in (2.0, 30.0):
        with Clip(path, Sampling(None, start), NO_LIMITS) as clip, pytest.raises(InvalidOption, match=r"2\.000 s"):
            list(clip.frames())


def test_a_declared_length_that_is_too_long_is_reported(tmp_path: Path) -> None:
    with Clip(misdeclared(tmp_path, "matroska", 5.0), NATIVE, NO_LIMITS) as clip:
        list(clip.frames())
    assert clip.warnings == ("The clip claims to end at 10.000 s; its last picture ends at 2.000 s.",)


def test_the_last_frame_ends_the_clip_although_others_declare_longer_durations(tmp_path: Path) -> None:
    """MP4 counts durations from one frame to the next that is decoded, which may be shown before it."""
    times = [*steps(20), 1.5, 1.51, 1.52, 1.53]
    path = write_clip(tmp_path / "clip.mp4", times, moving(24), Recipe(options=(("bf", "3"), ("sc_threshold", "0"))))
    with Clip(path, NATIVE, NO_LIMITS) as clip:
        ends = [clip.read_until for frame in clip.frames()]
    assert clip.read_until == ends[-1] == pytest.approx(1.53, abs=0.05)
    assert ends[-1] > 1.53


@pytest.mark.parametrize("form", ["mp4", "matroska", "flv", "mpegts"])
def test_the_last_frame_has_the_usual_duration(tmp_path: Path, form: str) -> None:
    with Clip(remuxed(plain(tmp_path / "clip.mp4"), form, {}), NATIVE, NO_LIMITS) as clip:
        list(clip.frames())
    assert clip.duration == pytest.approx(2.0, abs=0.001)
    assert clip.warnings == ()


@pytest.mark.parametrize(
    ("form", "options"),
    [("mp4", FRAGMENTS), ("matroska", LIVE), ("flv", {}), ("avi", {}), ("mov", {"movflags": "faststart"})],
)
def test_truncation_is_found_by_the_file_structure_not_the_header(
    tmp_path: Path, form: str, options: dict[str, str]
) -> None:
    recipe = Recipe("mpeg4", form="avi", tick=Fraction(1, 25))
    source = write_clip(tmp_path / "clip", steps(100), moving(100), recipe) if form == "avi" else None
    whole = source or remuxed(plain(tmp_path / "clip.mp4", 100), form, options)
    with Clip(whole, NATIVE, NO_LIMITS) as clip:
        list(clip.frames())
    assert clip.warnings == ()
    with Clip(cut(whole, 0.6), NATIVE, NO_LIMITS) as clip:
        list(clip.frames())
    assert 1.0 < clip.read_until < 3.5
    (warning,) = (warning for warning in clip.warnings if "cut off" in warning)
    assert f"until {clip.read_until:.3f} s" in warning


@pytest.mark.parametrize(("form", "options"), [("mp4", {}), ("mp4", FRAGMENTS), ("matroska", {}), ("matroska", LIVE)])
def test_too_long_a_clip_is_refused_before_its_frames_are_read(
    tmp_path: Path, form: str, options: dict[str, str]
) -> None:
    path = remuxed(plain(tmp_path / "clip.mp4"), form, options)
    limits = ClipLimits(max_seconds=1.5)
    with pytest.raises(TooLarge) as refused:
        Clip(path, NATIVE, limits)
    assert refused.value.limit == "max_seconds"
    with Clip(path, Sampling(None, 0.5), limits) as clip:
        assert len(list(clip.frames())) == 37


def test_a_declared_length_within_the_limit_is_still_checked_while_reading(tmp_path: Path) -> None:
    with Clip(misdeclared(tmp_path, "mp4", 0.1), NATIVE, ClipLimits(max_seconds=1.5)) as clip, pytest.raises(TooLarge):
        list(clip.frames())
    assert clip.read_until == pytest.approx(1.56)


def test_packets_are_not_scanned_if_the_declared_length_is_within_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[float] = []
    monkeypatch.setattr(Demuxer, "reaches", lambda _, time, __: scanned.append(time))
    path = plain(tmp_path / "clip.mp4")
    Clip(path, NATIVE, NO_LIMITS).close()
    assert scanned == []
    Clip(path, Sampling(None, 0.5), ClipLimits(max_seconds=1.0)).close()
    assert scanned == [1.5]
