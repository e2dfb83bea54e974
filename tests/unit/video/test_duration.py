from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from mien.video.demuxer import Demuxer
from mien.video.duration import DurationTracker, declared_end
from mien.video.file_structure import FileStructure
from tests.clips import Recipe, moving, steps, write_clip

TICK, RATE = Fraction(1, 1000), Fraction(1, 25)
WHOLE, CUT_OFF = FileStructure(), FileStructure(is_cut_off=True)


def tracker(*frames: tuple[float, int], declared: float | None = None, end: float | None = None) -> DurationTracker:
    made = DurationTracker(TICK, RATE, declared, end)
    for time, ticks in frames:
        made.add(Fraction(str(time)), ticks)
    return made


@pytest.mark.parametrize(
    ("frames", "end"),
    [
        ([(0, 40), (0.04, 40)], 0.08),
        ([(0, 500), (0.04, 40)], 0.08),  # a duration in decode order
        ([(0, 0), (0.1, 0), (0.2, 0)], 0.3),
        ([(0, 1), (0.1, 1), (0.2, 1)], 0.3),  # FLV
        ([(0, 40), (2, 3000)], 5.0),  # slides
        ([(0, 40), (0.04, 40), (0.01, 900)], 0.08),  # not shown
        ([(3, 0)], 3.04),
    ],
)
def test_the_end_is_that_of_the_last_frame(frames: list[tuple[float, int]], end: float) -> None:
    assert tracker(*frames).read_until == pytest.approx(end)


def test_the_last_frame_is_shown_until_the_next_or_the_requested_end() -> None:
    before = tracker((0, 40), (0.04, 40), end=9.0)
    assert before.shown_until == pytest.approx(0.08)
    before.reach_end()
    assert before.shown_until == 9.0
    assert tracker((0, 40), (0.04, 40), end=0.05).shown_until == 0.05


def test_the_length_of_a_partly_read_clip_is_the_best_estimate() -> None:
    assert tracker((0, 40), declared=10.0).duration == 10.0
    assert tracker((5, 40), declared=1.0).duration == pytest.approx(5.04)
    part = tracker((0, 40), declared=1.0, end=2.0)
    part.reach_end()
    assert part.duration == 2.0
    part.finish(WHOLE)
    assert part.duration == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("declared", "structure", "broke_off", "expected"),
    [
        (None, WHOLE, False, ()),
        (2.0, WHOLE, False, ()),
        (0.1, WHOLE, False, ()),
        (2.4, WHOLE, False, ()),  # within the tolerance for headers
        (9.0, WHOLE, False, ("claims to end at 9.000 s",)),
        (9.0, CUT_OFF, False, ("cut off",)),
        (0.1, CUT_OFF, False, ("cut off",)),
        (None, CUT_OFF, False, ("cut off",)),
        (2.0, CUT_OFF, False, ()),  # sound may be missing, but no frames
        (2.0, WHOLE, True, ("cut off",)),
        (2.0, FileStructure(joined=(500,)), False, ()),
        (2.0, FileStructure(joined=(500, 2000)), False, ("Another recording follows",)),
        (9.0, FileStructure(True, (2000, 3000)), False, ("cut off", "2 more recordings follow")),
    ],
)
def test_warnings_about_the_end(
    declared: float | None, structure: FileStructure, broke_off: bool, expected: tuple[str, ...]
) -> None:
    read = tracker((0, 40), (1.96, 40), declared=declared)
    assert read.warnings(broke_off, 1000) == []
    read.finish(structure)
    for warning, words in zip(read.warnings(broke_off, 1000), expected, strict=True):
        assert words in warning
        assert "2.000 s" in warning


WRITTEN = b"00:00:02.000000000"


def tagged(folder: Path, tag: str) -> Path:
    """Two seconds of Matroska whose picture track has the duration tag ``tag``."""
    path = write_clip(folder / "clip.mkv", steps(50), moving(50), Recipe(form="matroska"))
    content = path.read_bytes()
    assert content.count(WRITTEN) == 1
    path.write_bytes(content.replace(WRITTEN, tag.encode().ljust(len(WRITTEN))))
    return path


def end_of(path: Path) -> float | None:
    with closing(Demuxer(path, 1_000_000)) as demuxer:
        return declared_end(demuxer)


def test_the_duration_tag_of_a_matroska_track_is_used(tmp_path: Path) -> None:
    assert end_of(tagged(tmp_path, "00:00:01.500000000")) == 1.5
    assert end_of(tagged(tmp_path, "1:02:03")) == 3723


INVALID_TAGS = (
    *("xx:yy:zz", "00:00:nan", "00:00:inf", "00:00:1e9", "-1:00:00", "00:-1:00", "1_0:00:00", f"{10**12}:0:0"),
    *("a:b:c:d", "::", "", "00:00:00.000000000"),
)


@pytest.mark.parametrize("tag", INVALID_TAGS)
def test_an_invalid_duration_tag_is_ignored(tmp_path: Path, tag: str) -> None:
    assert end_of(tagged(tmp_path, tag)) == 2.0
