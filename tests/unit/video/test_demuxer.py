"""Seeking, through the whole of reading a clip."""

import time
from fractions import Fraction
from pathlib import Path

import pytest

from mien.domain import Cancellation
from mien.errors import Cancelled, DeadlineExceeded
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip
from tests.unit.video.helpers import NATIVE, NO_LIMITS, read


@pytest.mark.parametrize(
    ("codec", "form"),
    [
        *[("libx264", form) for form in ("mp4", "matroska", "avi", "mpegts", "flv")],
        *[("mpeg4", "avi"), ("mjpeg", "avi")],
    ],
)
def test_reading_in_parts_gives_the_same_frames_as_reading_at_once(tmp_path: Path, codec: str, form: str) -> None:
    tick = Fraction(1, 25) if form == "avi" else Fraction(1, 90_000)
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_clip(tmp_path / "clip", steps(100), moving(100), Recipe(codec, pix_fmt, form=form, tick=tick))
    whole = [(f.time, f.index, f.pixels.tobytes()) for f in read(path, Sampling(5.0))]
    pieces = [
        (f.time, f.index, f.pixels.tobytes())
        for start, end in ((0, 1), (1, 2.2), (2.2, None))
        for f in read(path, Sampling(5.0, start, end))
    ]
    assert pieces == whole


def test_a_late_start_decodes_from_the_key_frame_only(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(100), moving(100), Recipe(options=(("sc_threshold", "0"),)))
    with Clip(path, Sampling(None, 3.0), ClipLimits()) as clip:
        frames = list(clip.frames())
    assert [f.index for f in frames] == list(range(75, 100))
    assert clip.frames_decoded <= 25 + 12


@pytest.mark.parametrize("form", ["mp4", "mpegts"])
def test_cancellation_is_checked_on_the_way_to_the_start(tmp_path: Path, form: str) -> None:
    path = write_clip(tmp_path / "clip", steps(100), moving(100), Recipe(form=form))
    calls: list[int] = []

    def cancel_at_the_fortieth() -> None:
        calls.append(1)
        if len(calls) == 40:
            raise Cancelled("gone")

    late = Sampling(None, 3.0)
    with pytest.raises(Cancelled), Clip(path, late, ClipLimits(), raise_if_cancelled=cancel_at_the_fortieth) as clip:
        list(clip.frames())
    assert len(calls) == 40
    with pytest.raises(DeadlineExceeded):
        Clip(path, NATIVE, NO_LIMITS, raise_if_cancelled=Cancellation(deadline=time.monotonic()).raise_if_cancelled)
    early = Cancellation(deadline=time.monotonic() + 60)
    with Clip(path, Sampling(None, 3.0), ClipLimits(), raise_if_cancelled=early.raise_if_cancelled) as clip:
        assert len(list(clip.frames())) == 25
