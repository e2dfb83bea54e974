import pytest

from mien.render.axis import clock, ticks, unit


@pytest.mark.parametrize(
    ("span", "form", "first", "second", "last"),
    [
        ((0.0, 0.7), "s", "0.0", "0.1", "0.7"),
        ((0.0, 60.0), "s", "0", "5", "60"),
        ((0.0, 300.0), "m:ss", "0:00", "0:30", "5:00"),
        ((95.0, 100.0), "m:ss", "1:35.0", "1:35.5", "1:40.0"),
        ((0.0, 3600.0), "h:mm:ss", "0:00:00", "0:05:00", "1:00:00"),
        ((3600.0, 3601.0), "h:mm:ss", "1:00:00.0", "1:00:00.1", "1:00:01.0"),
        ((0.0, 500_000.0), "h:mm:ss", "0:00:00", "12:00:00", "132:00:00"),
    ],
)
def test_labels_are_round_times(span: tuple[float, float], form: str, first: str, second: str, last: str) -> None:
    words = [word for _, word in ticks(span, 1020)]
    assert (words[0], words[1], words[-1]) == (first, second, last)
    assert unit(span[1]) == form
    assert len(set(words)) == len(words) <= 13


def test_a_wider_axis_has_more_labels() -> None:
    assert len(list(ticks((0.0, 3600.0), 5820))) > len(list(ticks((0.0, 3600.0), 2220))) > 10


@pytest.mark.parametrize(("seconds", "text"), [(5.24, "5.2 s"), (59.96, "60.0 s"), (61.0, "1:01"), (4000.0, "1:06:40")])
def test_lengths(seconds: float, text: str) -> None:
    assert clock(seconds, 0.1 if seconds <= 60 else 1, seconds) == text
