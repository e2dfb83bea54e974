"""Presentation times, through the whole of reading a clip."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.domain import Frame
from mien.errors import TooLarge
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip
from tests.unit.video.helpers import NATIVE, NO_LIMITS, moved, read

IRREGULAR = [1.5 + sum((10, 200, 35, 80, 10, 125, 60, 190, 15, 45)[i % 10] for i in range(k)) / 1000 for k in range(40)]


@pytest.mark.parametrize("form", ["mp4", "matroska"])
def test_irregular_and_late_times_are_kept(tmp_path: Path, form: str) -> None:
    path = write_clip(tmp_path / "clip", IRREGULAR, moving(40), Recipe(form=form, rotation=90))
    assert [f.time for f in read(path)] == pytest.approx(IRREGULAR, abs=0.001)
    sampled = read(path, Sampling(5.0))
    assert len(sampled) == len({int((f.time + 0.0005) * 5) for f in sampled})
    assert {round(f.time, 3) for f in sampled} <= {round(t, 3) for t in IRREGULAR}


@pytest.mark.parametrize(
    ("form", "ticks", "options"),
    [
        ("mpegts", 121_000, {"muxdelay": "0"}),  # 1.34444... s, not a whole number of microseconds
        ("mpegts", -3, {"avoid_negative_ts": "disabled"}),
        ("mp4", -3, {"avoid_negative_ts": "disabled", "movflags": "frag_keyframe+empty_moov+delay_moov"}),
    ],
)
def test_the_first_frame_is_exactly_at_zero(tmp_path: Path, form: str, ticks: int, options: dict[str, str]) -> None:
    plain = write_clip(tmp_path / "plain.mov", steps(25), moving(25), Recipe(options=(("bf", "0"),)))
    first, second = read(moved(plain, form, ticks, options))[:2]
    assert str(first.time) == "0.0"
    assert second.time == pytest.approx(0.04, abs=0.0001)


@pytest.mark.parametrize(
    ("form", "options"),
    [("matroska", {}), ("mp4", {}), ("mp4", {"movflags": "frag_keyframe+empty_moov+delay_moov"})],
)
def test_time_before_the_first_frame_does_not_count_as_length(
    tmp_path: Path, form: str, options: dict[str, str]
) -> None:
    plain = write_clip(tmp_path / "plain.mov", steps(50), moving(50))
    late = moved(plain, form, 3600 * 90_000, options)
    limits = ClipLimits(max_seconds=2.5)
    assert [f.time for f in read(late, limits=limits)] == pytest.approx([3600 + t for t in steps(50)], abs=0.001)
    assert len(read(late, Sampling(None, 3601.0), limits)) == 25
    with pytest.raises(TooLarge):
        read(late, limits=ClipLimits(max_seconds=1.5))


@pytest.mark.parametrize("form", ["mpegts", "flv"])
def test_a_recorded_live_stream_begins_at_zero(tmp_path: Path, form: str) -> None:
    plain = write_clip(tmp_path / "plain.mov", steps(50), moving(50))
    dump = moved(plain, form, 3600 * 90_000, {})
    with Clip(dump, NATIVE, ClipLimits(max_seconds=2.5)) as clip:
        assert [f.time for f in clip.frames()] == pytest.approx(steps(50), abs=0.001)
        assert clip.info.origin == pytest.approx(3600, abs=3)
    assert clip.warnings == ()
    assert len(read(dump, Sampling(None, 1.0))) == 25


def joined(path: Path, *begins: int) -> Path:
    """Joined transport streams of two seconds each, whose clocks begin at these seconds."""
    plain = write_clip(path.with_suffix(".mov"), steps(50), moving(50))
    with path.open("wb") as file:
        for begin in begins:
            file.write(moved(plain, "mpegts", begin * 90_000, {}).read_bytes())
    return path


@pytest.mark.parametrize("begins", [(0, 0, 0), (100, 40), (3600, 0)])
def test_time_continues_where_the_clock_restarts(tmp_path: Path, begins: tuple[int, ...]) -> None:
    path = joined(tmp_path / "joined.ts", *begins)
    count = 50 * len(begins)
    limits = ClipLimits(max_seconds=2.1 * len(begins))
    with Clip(path, NATIVE, limits) as clip:
        frames = list(clip.frames())
    assert [f.time for f in frames] == pytest.approx(steps(count), abs=0.001)
    assert clip.read_until == pytest.approx(count / 25)
    assert "clock starts over" in " ".join(clip.warnings)
    assert [f.index for f in read(path, Sampling(None, 1.0))] == list(range(25, count))


def test_a_gap_is_not_a_restart_of_the_clock(tmp_path: Path) -> None:
    with Clip(joined(tmp_path / "joined.ts", 0, 20), NATIVE, NO_LIMITS) as clip:
        assert [f.time for f in clip.frames()] == pytest.approx([*steps(50), *(20 + t for t in steps(50))], abs=0.1)
    assert clip.warnings == ()


def stamped(ticks: int) -> bytes:
    """A time stamp as transport streams encode it for frames without reordering."""
    parts = (
        0x21 | ticks >> 29 & 0xE,
        ticks >> 22 & 0xFF,
        ticks >> 14 & 0xFF | 1,
        ticks >> 7 & 0xFF,
        ticks << 1 & 0xFF | 1,
    )
    return bytes(parts)


@pytest.mark.parametrize("seconds", [-100, -0.6])
def test_one_wrong_time_stamp_does_not_shift_other_frames(tmp_path: Path, seconds: float) -> None:
    plain = write_clip(tmp_path / "plain.mov", steps(50), moving(50), Recipe(options=(("bf", "0"),)))
    path = moved(plain, "mpegts", 200 * 90_000, {})
    with av.open(str(path)) as file:
        stamp = [packet.pts for packet in file.demux(video=0)][20]
    content = path.read_bytes()
    assert content.count(stamped(stamp)) == 1
    path.write_bytes(content.replace(stamped(stamp), stamped(stamp + round(seconds * 90_000))))
    with Clip(path, NATIVE, NO_LIMITS) as clip:
        times = {f.index: f.time for f in clip.frames()}
    times.pop(20, None)
    assert times == pytest.approx({k: t for k, t in enumerate(steps(50)) if k != 20}, abs=0.001)
    assert clip.warnings == ()


def test_frames_dropped_by_an_edit_list_are_not_shown(tmp_path: Path) -> None:
    # Packets before the edit's beginning are only references; a player begins at 0.
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50), Recipe(gop=50))
    with av.open(str(path)) as source, av.open(str(tmp_path / "cut.mp4"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                shift = round(Fraction(1, 2) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                target.mux(packet)
    times = [f.time for f in read(tmp_path / "cut.mp4")]
    assert times[0] == pytest.approx(0.0, abs=0.021)
    assert len(times) == pytest.approx(38, abs=1)


# x264 uses frames ahead as references too, and closes its groups of frames; mpeg4 leaves them open.
AVI = [Recipe("libx264", form="avi", tick=Fraction(1, 25), options=(("bf", "3"), ("sc_threshold", "0")))]

AVI += [Recipe("mpeg4", form="avi", tick=Fraction(1, 25), options=(("bf", "2"),))]


def places(frames: list[Frame]) -> list[float]:
    """The x of the patch in ``moving`` pictures."""
    return [float(np.flatnonzero((f.pixels[50, :, 2].astype(int) - f.pixels[50, :, 1]) > 60).mean()) for f in frames]


@pytest.mark.parametrize("recipe", AVI, ids=lambda recipe: recipe.codec)
def test_avi_frames_are_in_order_at_regular_times(tmp_path: Path, recipe: Recipe) -> None:
    frames = read(write_clip(tmp_path / "clip", steps(100), moving(100), recipe))
    assert [f.time for f in frames] == pytest.approx(steps(100), abs=0.001)
    assert places(frames) == sorted(places(frames))


@pytest.mark.parametrize("recipe", AVI, ids=lambda recipe: recipe.codec)
def test_a_frame_lost_in_avi_does_not_delay_the_others_for_long(tmp_path: Path, recipe: Recipe) -> None:
    path = write_clip(tmp_path / "clip", steps(100), moving(100), recipe)
    whole = dict(enumerate(places(read(path))))
    with av.open(str(path)) as file:
        packets = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for pos, size in packets[26:29]:
        content[pos : pos + size] = b"\xff" * size
    path.write_bytes(content)
    frames = read(path)
    assert 90 <= len(frames) < 100
    late = [f for f in frames if f.time > 2.0]
    assert places(late) == pytest.approx([whole[round(f.time * 25)] for f in late], abs=1)
    assert late[-1].time == pytest.approx(99 / 25)
