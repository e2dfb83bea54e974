from fractions import Fraction

import pytest

from mien.video.extent import Extent
from mien.video.structure import Structure

TICK, RATE = Fraction(1, 1000), Fraction(1, 25)
WHOLE, CUT_OFF = Structure(), Structure(is_cut_off=True)


def extent(*frames: tuple[float, int], claimed: float | None = None, asked: float | None = None) -> Extent:
    made = Extent(TICK, RATE, claimed, asked)
    for time, ticks in frames:
        made.met(Fraction(str(time)), ticks)
    return made


@pytest.mark.parametrize(
    ("frames", "end"),
    [
        ([(0, 40), (0.04, 40)], 0.08),
        ([(0, 500), (0.04, 40)], 0.08),  # a duration in the order of decoding
        ([(0, 0), (0.1, 0), (0.2, 0)], 0.3),
        ([(0, 1), (0.1, 1), (0.2, 1)], 0.3),  # FLV
        ([(0, 40), (2, 3000)], 5.0),  # slides
        ([(0, 40), (0.04, 40), (0.01, 900)], 0.08),  # not shown
        ([(3, 0)], 3.04),
    ],
)
def test_the_end_is_that_of_the_last_frame(frames: list[tuple[float, int]], end: float) -> None:
    assert extent(*frames).read_until == pytest.approx(end)


def test_the_last_frame_is_shown_until_the_next_or_the_end_asked_for() -> None:
    before = extent((0, 40), (0.04, 40), asked=9.0)
    assert before.shown_until == pytest.approx(0.08)
    before.met_asked()
    assert before.shown_until == 9.0
    assert extent((0, 40), (0.04, 40), asked=0.05).shown_until == 0.05


def test_the_length_of_what_was_not_read_to_its_end_is_the_best_known() -> None:
    assert extent((0, 40), claimed=10.0).duration == 10.0
    assert extent((5, 40), claimed=1.0).duration == pytest.approx(5.04)
    part = extent((0, 40), claimed=1.0, asked=2.0)
    part.met_asked()
    assert part.duration == 2.0
    part.exhausted(WHOLE)
    assert part.duration == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("claimed", "structure", "broke_off", "said"),
    [
        (None, WHOLE, False, ()),
        (2.0, WHOLE, False, ()),
        (0.1, WHOLE, False, ()),
        (2.4, WHOLE, False, ()),  # so far headers are off
        (9.0, WHOLE, False, ("claims to end at 9.000 s",)),
        (9.0, CUT_OFF, False, ("cut off",)),
        (0.1, CUT_OFF, False, ("cut off",)),
        (None, CUT_OFF, False, ("cut off",)),
        (2.0, CUT_OFF, False, ()),  # its sound may be missing, none of its pictures
        (2.0, WHOLE, True, ("cut off",)),
        (2.0, Structure(joined=(500,)), False, ()),
        (2.0, Structure(joined=(500, 2000)), False, ("Another recording follows",)),
        (9.0, Structure(True, (2000, 3000)), False, ("cut off", "2 more recordings follow")),
    ],
)
def test_what_is_said_of_the_end(
    claimed: float | None, structure: Structure, broke_off: bool, said: tuple[str, ...]
) -> None:
    read = extent((0, 40), (1.96, 40), claimed=claimed)
    assert read.warnings(broke_off, 1000) == []
    read.exhausted(structure)
    for warning, words in zip(read.warnings(broke_off, 1000), said, strict=True):
        assert words in warning
        assert "2.000 s" in warning
