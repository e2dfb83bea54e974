import sys
from subprocess import run

import numpy as np
import pytest

from mien.errors import InvalidOption
from mien.render.areas import stacked_areas
from mien.render.charts import MAX_PEOPLE, MAX_WIDTH, MIN_WIDTH, plot, score_curve
from mien.render.palette import EMOTION_COLOURS, bgr
from mien.timeline.model import Timeline
from mien.timeline.summary import summarize
from tests.unit.timeline.rows import LABELS8, face, rows_of, scores


def timeline(people: int, seconds: float = 4.0, fps: float = 5.0) -> Timeline:
    def at(time: float) -> list:  # type: ignore[type-arg]
        return [
            face(scores(**{LABELS8[(p + int(time)) % 8]: 0.7}), p) for p in range(1, people + 1) if not 1.4 < time < 3
        ]

    return summarize(rows_of([k / fps for k in range(int(fps * seconds))], at), LABELS8, seconds)


def test_areas_match_the_scores() -> None:
    # Halves: happy below (it comes first), sad above, no person after 2 s.
    rows = rows_of([0.0, 1.0, 2.0, 4.0], lambda t: [face(scores(happy=0.5, sad=0.5))] if t < 2 else [])
    times, values = score_curve(rows, 1, 5.0)
    drawn = stacked_areas(times, values, LABELS8, (100, 40), (0.0, 4.0))
    assert drawn[30, 20].tolist() == list(bgr("happy"))
    assert drawn[10, 20].tolist() == list(bgr("sad"))
    assert (drawn[:, 60:] == 255).all()


def test_the_curve_bridges_a_short_gap() -> None:
    rows = rows_of([0.0, 0.5, 1.0, 1.5], lambda t: [face(scores(happy=0.9))] if t != 0.5 else [])
    times, values = score_curve(rows, 1, 2.0)
    assert not np.isnan(values[:-1]).any()
    assert times[0] == 0.0


def test_the_plot_grows_with_the_people_up_to_a_maximum() -> None:
    heights = [plot(timeline(n), 0.0, 4.0).shape[0] for n in (1, 2, MAX_PEOPLE, MAX_PEOPLE + 5)]
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_colours_are_those_of_the_palette() -> None:
    drawn = plot(timeline(1, seconds=2.0), 0.0, 2.0)
    seen = set(map(tuple, drawn.reshape(-1, 3).tolist()))
    assert {bgr(label) for label in EMOTION_COLOURS} <= seen


@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.0), (0.0, 0.7), (3.0, 4.0), (0.0, 7200.0), (0.0, 500_000.0)])
def test_any_span_can_be_drawn(begin: float, end: float) -> None:
    assert plot(timeline(2), begin, end).shape[1] == (1200 if end < 10 else 2400)


@pytest.mark.parametrize(("seconds", "width"), [(10.0, 1200), (300.0, 1200), (900.0, 1980), (3600.0, 2400)])
def test_the_plot_grows_with_the_clip_up_to_a_maximum(seconds: float, width: int) -> None:
    assert plot(timeline(1), 0.0, seconds).shape[1] == width


@pytest.mark.parametrize("width", [MIN_WIDTH, MAX_WIDTH])
def test_the_width_can_be_chosen(width: int) -> None:
    drawn = plot(timeline(1), 0.0, 4.0, width)
    assert drawn.shape[1] == width
    assert (drawn[-52, 150 : width - 30] < 255).all(), "the axis fills it"
    assert (drawn[92:-53, width - 29 :] == 255).all()


@pytest.mark.parametrize("width", [MIN_WIDTH - 1, MAX_WIDTH + 1])
def test_no_other_width_is_drawn(width: int) -> None:
    with pytest.raises(InvalidOption, match="from 1000 to 6000"):
        plot(timeline(1), 0.0, 4.0, width)


def test_short_segments_of_a_long_clip_keep_their_colour() -> None:
    """Two seconds happy, two sad, for an hour: two pixels each."""
    rows = rows_of(
        [float(k) for k in range(3600)], lambda t: [face(scores(**{("happy", "sad")[int(t) // 2 % 2]: 0.9}))]
    )
    strip = plot(summarize(rows, LABELS8, 3600.0), 0.0, 3600.0)[100, 160:2360].astype(int)
    assert strip.max(axis=1).min() > 100, "no black outlines"


@pytest.mark.parametrize("span", [(0.0, 2.0), (0.0, 3.95), (1.0, 2.0), (3.5, 3.6)])
def test_nothing_is_drawn_beyond_the_axis(span: tuple[float, float]) -> None:
    """Segments reach past the span if the last frame is shown longer than the requested part."""
    drawn = plot(timeline(2), *span)
    legend, axis = 92, 52
    band = drawn[legend:-axis]
    assert (band[:, 1171:] == 255).all()
    colours = {bgr(label) for label in EMOTION_COLOURS} - {bgr("neutral")}  # text is grey, too
    left = {tuple(pixel) for pixel in band[:, :150].reshape(-1, 3).tolist()}
    assert not colours & left
    assert colours & {tuple(pixel) for pixel in band[:, 150:1171].reshape(-1, 3).tolist()}


def test_a_clip_without_people_says_so() -> None:
    empty = plot(summarize([], LABELS8, 0.0), 0.0, 5.0)
    assert (empty < 200).any()


def test_drawing_needs_no_plotting_library() -> None:
    code = "import sys, mien.render.charts; print('matplotlib' in sys.modules)"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
