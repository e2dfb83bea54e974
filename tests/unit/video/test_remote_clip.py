"""A clip decoded in another process is the same clip."""

import random
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.domain import AnalyzeOptions, Cancellation
from mien.errors import Cancelled, CorruptMedia, DeadlineExceeded, DecoderFailed, InputError, InvalidOption, TooLarge
from mien.memory_budget import MemoryBudget
from mien.sandbox.pool import SUPPORTED, DecoderPool
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.usecases.annotate_video import annotate_video
from mien.usecases.decoders import open_decoders
from mien.video.model import ClipLimits, Sampling
from mien.video.reader import ClipReader
from mien.video.remux import OpenClip
from tests.clips import PatchEngine, Recipe, moving, steps, write_clip
from tests.mutations import mutated
from tests.unit.video.helpers import cut, joined, plain, remuxed

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="decoder processes need Linux")
HERE = ClipReader()


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    pool = open_decoders(2)
    assert pool is not None
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def there(pool: DecoderPool) -> ClipReader:
    return ClipReader(sandbox=pool)


def everything(clip: OpenClip) -> list[object]:
    """All that a reader tells."""
    frames = [
        (frame.info, frame.pixels.tobytes(), clip.frames_decoded, clip.read_until, clip.shown_until)
        for frame in clip.frames()
    ]
    return [clip.info, *frames, clip.frames_decoded, clip.read_until, clip.shown_until, clip.duration, clip.warnings]


def turned(path: Path) -> Path:
    return write_clip(path, steps(30), moving(30), Recipe(rotation=90))


def damaged(path: Path) -> Path:
    return cut(remuxed(plain(path), "matroska", {}), 0.6)


@pytest.mark.parametrize("make", [plain, turned, damaged, lambda path: joined(plain(path))])
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(None, 0.5), Sampling(None, 0.2, 0.9)])
def test_it_is_the_same_clip(there: ClipReader, tmp_path: Path, make: object, sampling: Sampling) -> None:
    assert callable(make)
    path = make(tmp_path / "clip.mp4")
    with HERE.open(path, sampling, 640) as here, there.open(path, sampling, 640) as remote:
        assert everything(remote) == everything(here)


@pytest.mark.parametrize("form", ["matroska", "mpegts", "flv", "mov", "avi"])
def test_every_container_can_be_read_by_descriptor(there: ClipReader, tmp_path: Path, form: str) -> None:
    if form == "avi":
        path = write_clip(tmp_path / "clip.avi", steps(20), moving(20), Recipe(codec="mpeg4", tick=Fraction(1, 25)))
    else:
        path = remuxed(plain(tmp_path / "clip.mp4", sound="aac"), form, {})
    with HERE.open(path, Sampling(None), 640) as here, there.open(path, Sampling(None), 640) as remote:
        assert everything(remote) == everything(here)


@pytest.mark.parametrize("sound", ["aac", "mp3", None])
def test_the_annotated_clip_is_the_same(there: ClipReader, tmp_path: Path, sound: str | None) -> None:
    path = write_clip(tmp_path / "clip.mkv", steps(40), moving(40), Recipe(sound=sound))
    engine, options = PatchEngine(), VideoOptions(Sampling(5.0, 0.2))
    written, encoded = [], []
    for clips in (HERE, there):
        analysis = analyze_video(path, AnalyzeOptions(), options, engine=engine, clips=clips)
        target = tmp_path / "annotated.mp4"
        times = list(annotate_video(path, target, analysis, options, clips=clips))
        assert len(times) == 35
        assert target.read_bytes().index(b"moov") < target.read_bytes().index(b"mdat")
        with av.open(str(target)) as file:
            sounds = [(packet.pts, bytes(packet)) for packet in file.demux(*file.streams.audio)] if sound else []
        with av.open(str(target)) as file:
            pictures = [(frame.time, frame.to_ndarray(format="gray")) for frame in file.decode(video=0)]
        written.append((times, sounds, [time for time, _ in pictures]))
        encoded.append(np.stack([pixels for _, pixels in pictures]).astype(int))
    assert written[0] == written[1]
    # The encoder's output varies by a level with the memory that it gets.
    assert np.abs(encoded[0] - encoded[1]).max() <= 2


def test_errors_are_the_same_and_the_process_goes_on(there: ClipReader, tmp_path: Path) -> None:
    path = plain(tmp_path / "clip.mp4")
    (tmp_path / "noise").write_bytes(random.Random(1).randbytes(5000))
    small = ClipReader(ClipLimits(max_pixels=100), sandbox=there.sandbox)
    for _ in range(2):
        with pytest.raises(InputError, match="not a clip that Mien reads"):
            there.open(tmp_path / "noise", Sampling(), 640)
        with pytest.raises(TooLarge, match="at most 100 pixels"):
            small.open(path, Sampling(), 640)
        with (
            there.open(path, Sampling(None, 2.5), 640) as clip,
            pytest.raises(InvalidOption, match=r"ends at 2\.000 s"),
        ):
            list(clip.frames())
        with pytest.raises(FileNotFoundError):
            there.open(tmp_path / "missing", Sampling(), 640)
        with pytest.raises(CorruptMedia):
            there.open(cut(plain(tmp_path / "cut.mp4"), 0.5), Sampling(), 640)
    assert there.sandbox is not None
    assert len(there.sandbox._idle) >= 1


def test_a_target_that_cannot_be_written_is_an_error_of_the_disk(there: ClipReader, tmp_path: Path) -> None:
    path = plain(tmp_path / "clip.mp4")
    analysis = analyze_video(path, AnalyzeOptions(), VideoOptions(), engine=PatchEngine(), clips=there)
    with pytest.raises(OSError, match="No space left"):
        list(annotate_video(path, Path("/dev/full"), analysis, VideoOptions(), clips=there))


def test_a_clip_that_is_closed_early_leaves_its_process_for_the_next(there: ClipReader, tmp_path: Path) -> None:
    path = plain(tmp_path / "clip.mp4", 200)
    for _ in range(5):
        with there.open(path, Sampling(None), 640) as clip:
            next(clip.frames())
    assert there.sandbox is not None
    assert max(worker.tasks for worker in there.sandbox._idle) >= 5


def test_a_deadline_and_a_cancelled_caller_end_it(there: ClipReader, tmp_path: Path) -> None:
    path = plain(tmp_path / "clip.mp4", 200)
    cancelled: list[int] = []
    with there.open(path, Sampling(None), 640, Cancellation(is_cancelled=lambda: bool(cancelled))) as clip:
        frames = clip.frames()
        next(frames)
        cancelled.append(1)
        with pytest.raises(Cancelled):
            list(frames)
    with there.open(path, Sampling(None), 640, Cancellation(time.monotonic() + 1)) as clip:
        frames = clip.frames()
        next(frames)
        time.sleep(1)
        with pytest.raises(DeadlineExceeded):
            list(frames)


def test_the_memory_budget_holds(there: ClipReader, tmp_path: Path) -> None:
    path = plain(tmp_path / "clip.mp4")
    budget = MemoryBudget(8, 1000)
    bounded = ClipReader(threads=1, budget=budget, sandbox=there.sandbox)
    with bounded.open(path, Sampling(None), 640) as first:
        with pytest.raises(DeadlineExceeded):
            bounded.open(path, Sampling(None), 640, Cancellation(time.monotonic() + 0.2))
        assert len(list(first.frames())) == 50
    bounded.open(path, Sampling(None), 640).close()


def test_a_small_dev_shm_does_not_matter(tmp_path: Path) -> None:
    """Frames of 11 MB each are shared, and nothing of it is in /dev/shm."""
    before = {entry.name for entry in Path("/dev/shm").iterdir()}  # noqa: S108
    large = np.zeros((1080, 1920, 3), np.uint8)
    path = write_clip(tmp_path / "clip.mp4", steps(10), [large] * 10)
    pool = open_decoders(1)
    assert pool is not None
    try:
        with ClipReader(sandbox=pool).open(path, Sampling(None), 1920) as clip:
            assert sum(1 for _ in clip.frames()) == 10
            assert {entry.name for entry in Path("/dev/shm").iterdir()} == before  # noqa: S108
    finally:
        pool.close()


def test_mutated_clips_cost_an_error_at_most(there: ClipReader, tmp_path: Path) -> None:
    """Mutated clips cost an error each and never the service."""
    content = plain(tmp_path / "clip.mp4", 10).read_bytes()
    chance = random.Random(29)
    path = tmp_path / "broken.mp4"
    for _ in range(25):
        path.write_bytes(mutated(content, chance))
        try:
            with there.open(path, Sampling(None), 640, Cancellation(time.monotonic() + 10)) as clip:
                list(clip.frames())
        except (InputError, DecoderFailed):
            pass
    with there.open(plain(tmp_path / "whole.mp4"), Sampling(None), 640) as clip:
        assert len(list(clip.frames())) == 50


@pytest.mark.parametrize("fps", [3.0, None])
def test_parts_read_there_are_those_read_here(there: ClipReader, tmp_path: Path, fps: float | None) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(100), moving(100))
    sampling = Sampling(fps, 0.3, 3.4)
    bounds = there.divide(path, sampling, 0.5)
    assert bounds == HERE.divide(path, sampling, 0.5)
    assert len(bounds) > 2
    for one in bounds:
        part = Sampling(fps, one.start, one.end)
        with (
            HERE.open(path, part, 640, key_frame=one.key_frame) as here,
            there.open(path, part, 640, key_frame=one.key_frame) as remote,
        ):
            assert everything(remote) == everything(here)
            assert remote.facts == here.facts


def test_dividing_there_has_the_errors_and_the_deadline_of_dividing_here(there: ClipReader, tmp_path: Path) -> None:
    (broken := tmp_path / "clip.mp4").write_bytes(b"no clip")
    with pytest.raises(InputError):
        there.divide(broken, Sampling(), 1.0)
    with pytest.raises(DeadlineExceeded):
        there.divide(plain(tmp_path / "good.mp4"), Sampling(), 1.0, Cancellation(deadline=time.monotonic()))
