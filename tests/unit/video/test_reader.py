import time
from pathlib import Path

import pytest

from mien.domain import Cancellation
from mien.errors import Cancelled, CorruptMedia, DeadlineExceeded
from mien.memory_budget import MemoryBudget
from mien.video.model import Sampling
from mien.video.reader import ClipReader
from tests.clips import moving, steps, write_clip

NATIVE = Sampling(None)
PATIENT = Cancellation()
A_SMALL_CLIP = 30 * 1920 * 1088 * 3 // 2  # bytes, with one thread and room to grow


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(5), moving(5))


@pytest.fixture
def one_at_a_time() -> ClipReader:
    return ClipReader(threads=1, budget=MemoryBudget(8, 2 * A_SMALL_CLIP - 1))


def test_clips_are_open_together_only_if_the_budget_suffices(path: Path, one_at_a_time: ClipReader) -> None:
    with one_at_a_time.open(path, NATIVE, 640, PATIENT) as first:
        with pytest.raises(DeadlineExceeded):
            one_at_a_time.open(path, NATIVE, 640, Cancellation(deadline=time.monotonic() + 0.1))
        with pytest.raises(Cancelled):
            one_at_a_time.open(path, NATIVE, 640, Cancellation(is_cancelled=lambda: True))
        assert len(list(first.frames())) == 5
    with one_at_a_time.open(path, NATIVE, 640, PATIENT) as second:
        assert len(list(second.frames())) == 5


def test_a_clip_that_cannot_be_read_releases_its_memory(path: Path, one_at_a_time: ClipReader, tmp_path: Path) -> None:
    head, _, frames = path.read_bytes().partition(b"mdat")
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(head + b"mdat" + b"\xff" * len(frames))
    for _ in range(3):
        with pytest.raises(CorruptMedia):
            one_at_a_time.open(noise, NATIVE, 640, PATIENT)
    one_at_a_time.open(path, NATIVE, 640, Cancellation(deadline=time.monotonic() + 5)).close()


def test_a_clip_larger_than_the_budget_is_read_alone(path: Path) -> None:
    small = ClipReader(threads=1, budget=MemoryBudget(8, 1000))
    for _ in range(2):
        with small.open(path, NATIVE, 640, Cancellation(deadline=time.monotonic() + 5)) as clip:
            assert len(list(clip.frames())) == 5
