import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.domain import Box, Cancellation, Frame
from mien.errors import Cancelled, DeadlineExceeded, InvalidOption, NoVideoStream, TooLarge
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, growing, moving, scene, steps, write_clip, write_tone

IRREGULAR = [1.5 + sum((10, 200, 35, 80, 10, 125, 60, 190, 15, 45)[i % 10] for i in range(k)) / 1000 for k in range(40)]


NATIVE = Sampling(None)
NO_LIMITS = ClipLimits()


def read(path: Path, sampling: Sampling = NATIVE, limits: ClipLimits = NO_LIMITS) -> list[Frame]:
    with Clip(path, sampling, limits) as clip:
        return list(clip.frames())


@pytest.mark.parametrize("form", ["mp4", "matroska"])
def test_every_time_is_the_frames_own_however_irregular_and_late(tmp_path: Path, form: str) -> None:
    path = write_clip(tmp_path / "clip", IRREGULAR, moving(40), Recipe(form=form, rotation=90))
    assert [f.time for f in read(path)] == pytest.approx(IRREGULAR, abs=0.001)
    sampled = read(path, Sampling(5.0))
    assert len(sampled) == len({int((f.time + 0.0005) * 5) for f in sampled})
    assert {round(f.time, 3) for f in sampled} <= {round(t, 3) for t in IRREGULAR}


def moved(path: Path, form: str, ticks: int, options: dict[str, str]) -> Path:
    """The clip in another container, all times later by ``ticks``, of which a second has 90,000."""
    target = path.with_suffix(f".{form}")
    with av.open(str(path)) as source, av.open(str(target), "w", format=form, options=options) as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
                file.mux(packet)
    return target


@pytest.mark.parametrize(
    ("form", "ticks", "options"),
    [
        ("mpegts", 121_000, {"muxdelay": "0"}),  # 1.34444... s, which has no end in microseconds
        ("mpegts", -3, {"avoid_negative_ts": "disabled"}),
        ("mp4", -3, {"avoid_negative_ts": "disabled", "movflags": "frag_keyframe+empty_moov+delay_moov"}),
    ],
)
def test_the_first_frame_is_at_zero_and_not_a_hair_off(
    tmp_path: Path, form: str, ticks: int, options: dict[str, str]
) -> None:
    plain = write_clip(tmp_path / "plain.mov", steps(25), moving(25), Recipe(options=(("bf", "0"),)))
    first, second = read(moved(plain, form, ticks, options))[:2]
    assert str(first.time) == "0.0"
    assert second.time == pytest.approx(0.04, abs=0.0001)


@pytest.mark.parametrize(
    ("form", "options"),
    [("matroska", {}), ("mp4", {}), ("mp4", {"movflags": "frag_keyframe+empty_moov+delay_moov"})],
)
def test_the_time_before_the_first_frame_is_not_there_to_be_read(
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
def test_a_dump_of_a_live_stream_begins_at_zero(tmp_path: Path, form: str) -> None:
    plain = write_clip(tmp_path / "plain.mov", steps(50), moving(50))
    dump = moved(plain, form, 3600 * 90_000, {})
    with Clip(dump, NATIVE, ClipLimits(max_seconds=2.5)) as clip:
        assert [f.time for f in clip.frames()] == pytest.approx(steps(50), abs=0.001)
        assert clip.info.origin == pytest.approx(3600, abs=3)
    assert clip.warnings == ()
    assert len(read(dump, Sampling(None, 1.0))) == 25


def joined(path: Path, *begins: int) -> Path:
    """Transport streams of two seconds each that begin at those seconds of their clocks, one after the other."""
    plain = write_clip(path.with_suffix(".mov"), steps(50), moving(50))
    with path.open("wb") as file:
        for begin in begins:
            file.write(moved(plain, "mpegts", begin * 90_000, {}).read_bytes())
    return path


@pytest.mark.parametrize("begins", [(0, 0, 0), (100, 40), (3600, 0)])
def test_time_goes_on_where_a_clock_starts_over(tmp_path: Path, begins: tuple[int, ...]) -> None:
    path = joined(tmp_path / "joined.ts", *begins)
    count = 50 * len(begins)
    limits = ClipLimits(max_seconds=2.1 * len(begins))
    with Clip(path, NATIVE, limits) as clip:
        frames = list(clip.frames())
    assert [f.time for f in frames] == pytest.approx(steps(count), abs=0.001)
    assert clip.read_until == pytest.approx(count / 25)
    assert "clock starts over" in " ".join(clip.warnings)
    assert [f.index for f in read(path, Sampling(None, 1.0))] == list(range(25, count))


def test_a_gap_in_a_clip_is_no_new_clock(tmp_path: Path) -> None:
    with Clip(joined(tmp_path / "joined.ts", 0, 20), NATIVE, NO_LIMITS) as clip:
        assert [f.time for f in clip.frames()] == pytest.approx([*steps(50), *(20 + t for t in steps(50))], abs=0.1)
    assert clip.warnings == ()


def stamped(ticks: int) -> bytes:
    """A time as transport streams write it for frames that are shown as they are decoded."""
    parts = (
        0x21 | ticks >> 29 & 0xE,
        ticks >> 22 & 0xFF,
        ticks >> 14 & 0xFF | 1,
        ticks >> 7 & 0xFF,
        ticks << 1 & 0xFF | 1,
    )
    return bytes(parts)


@pytest.mark.parametrize("seconds", [-100, -0.6])
def test_one_wrong_time_stamp_moves_no_other_frame(tmp_path: Path, seconds: float) -> None:
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
    # Packets before the edit's beginning are decoded for reference only; a player begins at 0.
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
    """Where the patch of ``moving`` pictures is, from left to right."""
    return [float(np.flatnonzero((f.pixels[50, :, 2].astype(int) - f.pixels[50, :, 1]) > 60).mean()) for f in frames]


@pytest.mark.parametrize("recipe", AVI, ids=lambda recipe: recipe.codec)
def test_avi_shows_every_frame_in_order_at_a_regular_time(tmp_path: Path, recipe: Recipe) -> None:
    frames = read(write_clip(tmp_path / "clip", steps(100), moving(100), recipe))
    assert [f.time for f in frames] == pytest.approx(steps(100), abs=0.001)
    assert places(frames) == sorted(places(frames))


@pytest.mark.parametrize("recipe", AVI, ids=lambda recipe: recipe.codec)
def test_a_frame_that_avi_lost_does_not_delay_the_others_for_long(tmp_path: Path, recipe: Recipe) -> None:
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


@pytest.mark.parametrize(("fps", "count"), [(2, 4), (5, 10), (12.5, 25), (25, 50), (100, 50)])
def test_sampling_is_by_time(tmp_path: Path, fps: float, count: int) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    frames = read(path, Sampling(fps))
    assert len(frames) == count
    assert all(f.time == pytest.approx(f.index / 25, abs=1e-6) for f in frames)


@pytest.mark.parametrize(
    ("codec", "form"),
    [
        *[("libx264", form) for form in ("mp4", "matroska", "avi", "mpegts", "flv")],
        *[("mpeg4", "avi"), ("mjpeg", "avi")],
    ],
)
def test_reading_in_pieces_gives_the_frames_of_reading_at_once(tmp_path: Path, codec: str, form: str) -> None:
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
def test_the_caller_is_watched_on_the_way_to_the_start(tmp_path: Path, form: str) -> None:
    path = write_clip(tmp_path / "clip", steps(100), moving(100), Recipe(form=form))
    calls: list[int] = []

    def leave_at_the_fortieth() -> None:
        calls.append(1)
        if len(calls) == 40:
            raise Cancelled("gone")

    late = Sampling(None, 3.0)
    with pytest.raises(Cancelled), Clip(path, late, ClipLimits(), raise_if_cancelled=leave_at_the_fortieth) as clip:
        list(clip.frames())
    assert len(calls) == 40
    with pytest.raises(DeadlineExceeded):
        Clip(path, NATIVE, NO_LIMITS, raise_if_cancelled=Cancellation(deadline=time.monotonic()).raise_if_cancelled)
    early = Cancellation(deadline=time.monotonic() + 60)
    with Clip(path, Sampling(None, 3.0), ClipLimits(), raise_if_cancelled=early.raise_if_cancelled) as clip:
        assert len(list(clip.frames())) == 25


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("counterclockwise", [0, 90, 180, -90])
def test_the_picture_stands_upright(tmp_path: Path, counterclockwise: int, mirror: bool) -> None:
    coded = scene(160, 96, Box(16, 8, 40, 24))
    recipe = Recipe(rotation=counterclockwise, mirror=mirror)
    (frame,) = read(write_clip(tmp_path / "clip.mp4", [0.0], [coded], recipe))
    upright = np.rot90(coded, counterclockwise // 90)
    upright = upright[:, ::-1] if mirror else upright
    assert (frame.width, frame.height) == upright.shape[1::-1]
    assert np.abs(frame.pixels.astype(int) - upright).mean() < 6


def test_rotation_is_told_clockwise(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [0.0], [scene(64, 48)], Recipe(rotation=-90))
    with Clip(path, Sampling(), ClipLimits()) as clip:
        assert (clip.info.rotation, clip.info.mirrored) == (90, False)
        assert (clip.info.width, clip.info.height) == (48, 64)


def test_oblong_pixels_are_made_square(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [0.0], [scene(120, 96)], Recipe(aspect=Fraction(4, 3)))
    (frame,) = read(path)
    assert (frame.width, frame.height) == (160, 96)
    assert frame.pixels.shape == (96, 160, 3)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "form", "size"),
    [
        ("libx264", "yuv420p", "mov", (161, 121)),
        ("libx264", "yuv420p10le", "mp4", (160, 120)),
        ("libx264", "yuv422p", "matroska", (160, 121)),
        ("libx265", "yuv420p10le", "mp4", (160, 120)),
        ("libvpx-vp9", "yuv420p", "webm", (160, 120)),
        ("libvpx", "yuv420p", "webm", (160, 120)),
        ("libsvtav1", "yuv420p", "mp4", (160, 120)),
        ("mpeg4", "yuv420p", "avi", (160, 120)),
        ("mjpeg", "yuvj420p", "avi", (160, 120)),
        ("gif", "rgb8", "gif", (161, 121)),
    ],
)
def test_every_codec_shows_the_same(tmp_path: Path, codec: str, pix_fmt: str, form: str, size: tuple[int, int]) -> None:
    if pix_fmt == "yuv420p" and size[0] % 2:
        pix_fmt = "yuv444p"
    tick = Fraction(1, 100) if form == "gif" else Fraction(1, 25)
    quiet = (("x265-params", "log-level=none"),) if codec == "libx265" else ()
    patch = Box(40, 24, 48, 40)
    recipe = Recipe(codec, pix_fmt, form=form, tick=tick, options=quiet)
    path = write_clip(tmp_path / "clip", steps(5), [scene(*size, patch)] * 5, recipe)
    frames = read(path)
    assert len(frames) == 5
    assert np.diff([f.time for f in frames]) == pytest.approx(0.04, abs=0.001)
    assert frames[2].pixels.shape == (size[1], size[0], 3)
    assert np.abs(frames[2].pixels[30:58, 48:80].astype(int) - (30, 30, 220)).mean() < 25
    assert np.abs(frames[2].pixels[80:, 100:].astype(int) - 90).mean() < 16


@pytest.mark.parametrize(
    ("encoder", "form", "name"),
    [("libsvtav1", "mp4", "av1"), ("libvpx-vp9", "webm", "vp9"), ("libvpx", "webm", "vp8"), ("libx264", "mp4", "h264")],
)
def test_a_codec_is_named_and_not_the_library_that_decodes_it(
    tmp_path: Path, encoder: str, form: str, name: str
) -> None:
    path = write_clip(tmp_path / "clip", steps(2), moving(2), Recipe(encoder, form=form, tick=Fraction(1, 25)))
    with Clip(path, Sampling(), ClipLimits()) as clip:
        assert clip.info.codec == name


def test_an_interlaced_frame_is_made_of_one_field(tmp_path: Path) -> None:
    pixels = scene(160, 120)
    pixels[0::2, 40:80] = 200
    pixels[1::2, 60:100] = 200
    options = (("flags", "+ilme+ildct"), ("field_order", "tt"), ("x264-params", "tff=1:qp=10"))
    with Clip(
        write_clip(tmp_path / "clip.mp4", [0.0], [pixels], Recipe(options=options)), Sampling(), ClipLimits()
    ) as c:
        (frame,) = c.frames()
    assert c.info.interlaced
    grey = frame.pixels[..., 1].astype(int)
    assert np.abs(np.diff(grey[:, 50:55], axis=0)).max() < 30  # no comb
    assert grey[:, 50:55].mean() > 180
    assert grey[:, 90:95].mean() < 110


def test_large_frames_come_reduced_and_say_their_full_size(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [0.0], [scene(1280, 720, Box(320, 180, 320, 180))], Recipe(rotation=90))
    with Clip(path, Sampling(), ClipLimits(), long_side=640) as clip:
        (frame,) = clip.frames()
    assert (frame.width, frame.height) == (720, 1280)
    assert frame.pixels.shape == (640, 360, 3)
    assert np.abs(frame.pixels[350:450, 100:170].astype(int) - (30, 30, 220)).mean() < 20


def test_frames_that_are_not_sampled_are_not_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    with Clip(path, Sampling(5.0), ClipLimits()) as clip:
        converted: list[int] = []
        convert = clip._converter.convert
        monkeypatch.setattr(clip._converter, "convert", lambda *a: converted.append(1) or convert(*a))
        assert len(list(clip.frames())) == len(converted) == 10
        assert clip.frames_decoded == 50


def test_frames_are_freed_at_once_without_the_garbage_collector(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50), Recipe(rotation=90))
    with Clip(path, NATIVE, NO_LIMITS) as clip:
        frames = clip.frames()
        next(frames)
        gc.collect()
        gc.disable()
        try:
            for _ in frames:
                pass
            assert gc.collect() < 20
        finally:
            gc.enable()


def test_sound_alone_is_said_to_have_no_pictures(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        write_tone(file, file.add_stream("aac", rate=48_000), 1.0)
    with pytest.raises(NoVideoStream):
        read(tmp_path / "sound.mp4")


def test_limits_name_themselves(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    for limits, name in (
        (ClipLimits(max_seconds=1.0), "max_seconds"),
        (ClipLimits(max_pixels=1000), "max_pixels"),
        (ClipLimits(max_frames=10), "max_frames"),
    ):
        with pytest.raises(TooLarge) as caught:
            read(path, limits=limits)
        assert caught.value.limit == name
    assert len(read(path, Sampling(None, 1.0, 1.9), ClipLimits(max_seconds=1.0))) == 23


def test_a_range_beyond_the_clip_is_the_callers_to_mend(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(25), moving(25))
    with pytest.raises(InvalidOption, match="ends at 1"):
        read(path, Sampling(5.0, 7.0))
    for wrong in ({"fps": 0.0}, {"start": -1.0}, {"start": 2.0, "end": 1.0}, {"fps": float("nan")}):
        with pytest.raises(InvalidOption):
            Sampling(**wrong)


def test_the_file_is_closed_whatever_happens(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(25), moving(25))
    with Clip(path, Sampling(), ClipLimits()) as clip:
        next(clip.frames())
    clip.close()
    with pytest.raises(AssertionError):
        next(clip._source.container.demux())
    handles = Path("/proc/self/fd")
    if not handles.exists():
        pytest.skip("open files are listed by Linux only")
    with pytest.raises(InvalidOption):
        read(path, Sampling(5.0, 7.0))
    assert str(path) not in {str(handle.resolve()) for handle in handles.iterdir()}


def test_memory_is_asked_for_once_and_given_back(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(5), moving(5))
    asked: list[int] = []

    @contextmanager
    def noting(memory: int) -> Iterator[None]:
        asked.append(memory)
        yield
        asked.append(-memory)

    clip = Clip(path, NATIVE, NO_LIMITS, threads=1, wait_for_memory=noting)
    (memory,) = asked
    assert memory == 30 * 1920 * 1088 * 3 // 2  # room to grow
    clip.close()
    clip.close()
    assert asked == [memory, -memory]


def test_pictures_of_another_size_are_measured_as_the_first(tmp_path: Path) -> None:
    same = read(growing(tmp_path / "same.ts", scene(160, 96), scene(320, 192)))
    assert {(frame.width, frame.height) for frame in same} == {(160, 96)}
    assert same[-1].pixels.shape == (192, 320, 3)
    other = read(growing(tmp_path / "other.ts", scene(160, 96), scene(320, 320)))
    assert {(frame.width, frame.height) for frame in other} == {(160, 96), (320, 320)}


def test_pictures_may_grow_on_the_way_within_the_memory_that_was_waited_for(tmp_path: Path) -> None:
    sizes = [frame.pixels.shape[:2] for frame in read(growing(tmp_path / "call.ts", scene(64, 64), scene(1280, 720)))]
    assert sizes[:25] == [(64, 64)] * 25
    assert sizes[25:] == [(720, 1280)] * len(sizes[25:])
    assert len(sizes) >= 47  # FFmpeg may lose those that it reorders while the size changes
    with pytest.raises(TooLarge) as refusal:
        read(growing(tmp_path / "bomb.ts", scene(64, 64), scene(2560, 1440)))
    assert (refusal.value.limit, refusal.value.bound) == ("max_pixels", 1920 * 1088)
