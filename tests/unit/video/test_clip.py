from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.domain import Box
from mien.errors import InvalidOption, NoVideoStream, TooLarge
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, growing, moving, scene, steps, write_clip, write_tone
from tests.unit.video.helpers import NATIVE, NO_LIMITS, read


@pytest.mark.parametrize(("fps", "count"), [(2, 4), (5, 10), (12.5, 25), (25, 50), (100, 50)])
def test_sampling_is_by_time(tmp_path: Path, fps: float, count: int) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    frames = read(path, Sampling(fps))
    assert len(frames) == count
    assert all(f.time == pytest.approx(f.index / 25, abs=1e-6) for f in frames)


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
def test_every_codec_gives_the_same_picture(
    tmp_path: Path, codec: str, pix_fmt: str, form: str, size: tuple[int, int]
) -> None:
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
def test_the_codec_is_named_not_its_decoder(tmp_path: Path, encoder: str, form: str, name: str) -> None:
    path = write_clip(tmp_path / "clip", steps(2), moving(2), Recipe(encoder, form=form, tick=Fraction(1, 25)))
    with Clip(path, Sampling(), ClipLimits()) as clip:
        assert clip.info.codec == name


def test_frames_that_are_not_sampled_are_not_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    with Clip(path, Sampling(5.0), ClipLimits()) as clip:
        converted: list[int] = []
        convert = clip._converter.convert
        monkeypatch.setattr(clip._converter, "convert", lambda *a: converted.append(1) or convert(*a))
        assert len(list(clip.frames())) == len(converted) == 10
        assert clip.frames_decoded == 50


def test_a_sound_file_has_no_video_track(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        write_tone(file, file.add_stream("aac", rate=48_000), 1.0)
    with pytest.raises(NoVideoStream):
        read(tmp_path / "sound.mp4")


def test_errors_name_the_exceeded_limit(tmp_path: Path) -> None:
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


def test_a_range_beyond_the_clip_is_an_invalid_option(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(25), moving(25))
    with pytest.raises(InvalidOption, match="ends at 1"):
        read(path, Sampling(5.0, 7.0))
    for wrong in ({"fps": 0.0}, {"start": -1.0}, {"start": 2.0, "end": 1.0}, {"fps": float("nan")}):
        with pytest.raises(InvalidOption):
            Sampling(**wrong)


def test_the_file_is_always_closed(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(25), moving(25))
    with Clip(path, Sampling(), ClipLimits()) as clip:
        next(clip.frames())
    clip.close()
    with pytest.raises(AssertionError):
        next(clip._demuxer.container.demux())
    handles = Path("/proc/self/fd")
    if not handles.exists():
        pytest.skip("open files are listed by Linux only")
    with pytest.raises(InvalidOption):
        read(path, Sampling(5.0, 7.0))
    assert str(path) not in {str(handle.resolve()) for handle in handles.iterdir()}


def test_memory_is_requested_once_and_released(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(5), moving(5))
    requested: list[int] = []

    @contextmanager
    def recording(memory: int) -> Iterator[None]:
        requested.append(memory)
        yield
        requested.append(-memory)

    clip = Clip(path, NATIVE, NO_LIMITS, threads=1, wait_for_memory=recording)
    (memory,) = requested
    assert memory == 30 * 1920 * 1088 * 3 // 2  # room to grow
    clip.close()
    clip.close()
    assert requested == [memory, -memory]


def test_frames_of_another_size_report_the_size_of_the_first(tmp_path: Path) -> None:
    same = read(growing(tmp_path / "same.ts", scene(160, 96), scene(320, 192)))
    assert {(frame.width, frame.height) for frame in same} == {(160, 96)}
    assert same[-1].pixels.shape == (192, 320, 3)
    other = read(growing(tmp_path / "other.ts", scene(160, 96), scene(320, 320)))
    assert {(frame.width, frame.height) for frame in other} == {(160, 96), (320, 320)}


def test_frames_may_grow_within_the_requested_memory(tmp_path: Path) -> None:
    sizes = [frame.pixels.shape[:2] for frame in read(growing(tmp_path / "call.ts", scene(64, 64), scene(1280, 720)))]
    assert sizes[:25] == [(64, 64)] * 25
    assert sizes[25:] == [(720, 1280)] * len(sizes[25:])
    assert len(sizes) >= 47  # FFmpeg may lose those that it reorders while the size changes
    with pytest.raises(TooLarge) as refusal:
        read(growing(tmp_path / "bomb.ts", scene(64, 64), scene(2560, 1440)))
    assert (refusal.value.limit, refusal.value.bound) == ("max_pixels", 1920 * 1088)
