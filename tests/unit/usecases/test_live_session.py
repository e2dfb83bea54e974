"""The frames of one camera: numbers that stay, pauses, and what another session takes over."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Box, Frame, FrameResult, LabelSet
from mien.errors import CorruptMedia, InferenceFailed, InputError, TooLarge, UnsupportedMedia
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.usecases.analyze_video import Smoothing
from mien.usecases.live_session import LiveOptions, LiveSession
from mien.usecases.person_state import NEW_SESSION, PersonState, pack, unpack
from tests.clips import PatchEngine, scene

DECODER = PictureDecoder(DecodeLimits(max_pixels=200_000), concurrency=1)


PLAIN = LiveOptions()


@dataclass
class Clock:
    """Seconds since the epoch, as the test says."""

    now: float = 1e9

    def __call__(self) -> float:
        return self.now


def session(
    state: PersonState = NEW_SESSION, options: LiveOptions = PLAIN, clock: Callable[[], float] | None = None
) -> LiveSession:
    return LiveSession(options, engine=PatchEngine(), state=state, clock=clock or Clock())


def person(live: LiveSession, x: float, time: float) -> int | None:
    """The number of the person at ``x`` in a frame at ``time``; ``None`` without one."""
    patch = Box(x, 30, 40, 40) if x >= 0 else None
    row = live.analyze(Frame(scene(320, 120, patch), 320, 120, time, round(time * 100))).row
    assert (row.time, row.frame) == (time, round(time * 100))
    return row.faces[0].person if row.faces else None


def handed_over(live: LiveSession) -> PersonState:
    return unpack(pack(live.state))


def test_what_was_not_looked_for_is_said() -> None:
    class WarningEngine(PatchEngine):
        def _result(self, frame: Frame, options: AnalyzeOptions) -> FrameResult:
            return replace(super()._result(frame, options), warnings=("not looked for",))

    live = LiveSession(PLAIN, engine=WarningEngine())
    frame = Frame(scene(320, 120, None), 320, 120, warnings=("broken off",))
    assert live.analyze(frame).warnings == ("broken off", "not looked for")


def test_numbers_stay_and_are_not_used_again() -> None:
    live = session()
    assert [person(live, 10 + 2 * k, k / 15) for k in range(15)] == [1] * 15
    assert person(live, -1, 1.0) is None
    assert person(live, 40, 1.3) == 1
    assert [person(live, -1, 1.4 + k / 5) for k in range(10)] == [None] * 10
    assert person(live, 40, 3.5) == 2


@pytest.mark.parametrize(("pause", "number"), [(0.9, 1), (3.0, 2), (3600, 2)])
def test_a_long_pause_ends_every_track(pause: float, number: int) -> None:
    live = session()
    person(live, 40, 0.0)
    assert person(live, 40, pause) == number


@pytest.mark.parametrize(("away", "number"), [(0.0, 1), (0.8, 1), (4.0, 1), (-30.0, 1), (6.0, 2), (59.0, 2)])
def test_another_session_goes_on(away: float, number: int) -> None:
    """``away`` seconds between the machines' clocks: the way, or a clock that is late."""
    first = session(clock=Clock(1e9))
    for k in range(5):
        person(first, 40, 100 + k / 15)
    other = session(handed_over(first), clock=Clock(1e9 + away))
    assert person(other, 42, 0.01) == number
    assert person(other, 44, 0.08) == number
    assert person(other, 240, 0.15) == number + 1


def test_smoothed_scores_go_on_with_the_same_labels_only() -> None:
    first = session()
    person(first, 40, 0.0)
    state = handed_over(first)
    assert state.averages.keys() == {1}
    basic = LiveOptions(AnalyzeOptions(labels=LabelSet.BASIC5))
    other = session(state, basic)
    assert person(other, 40, 0.0) == 1
    assert len(other.state.averages[1][1]) == 5
    plain = session(state, LiveOptions(smoothing=Smoothing.NONE))
    assert person(plain, 40, 0.0) == 1
    assert plain.state.averages == {}


def test_a_frame_that_fails_leaves_no_trace() -> None:
    engine = PatchEngine()
    live = LiveSession(LiveOptions(), engine=engine, clock=Clock())
    person(live, 40, 0.0)
    before = live.state
    engine.error = InferenceFailed("once")
    with pytest.raises(InferenceFailed):
        person(live, 40, 0.1)
    engine.error = None
    assert live.state == before
    assert person(live, 40, 0.2) == 1


@pytest.mark.parametrize("form", [".jpg", ".png", ".webp"])
def test_frames_are_read_from_pictures(form: str) -> None:
    data = cv2.imencode(form, np.full((60, 80, 3), 90, np.uint8))[1].tobytes()
    frame = session().decode(data, DECODER, 1.5, 7, NEVER_CANCELLED)
    assert (frame.width, frame.height, frame.time, frame.index) == (80, 60, 1.5, 7)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InputError),
        (b"text", UnsupportedMedia),
        (cv2.imencode(".bmp", np.zeros((20, 20, 3), np.uint8))[1].tobytes(), UnsupportedMedia),
        (cv2.imencode(".png", np.zeros((600, 600, 3), np.uint8))[1].tobytes(), TooLarge),
        (cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes()[:40], CorruptMedia),
    ],
)
def test_what_is_no_frame(data: bytes, error: type[InputError]) -> None:
    with pytest.raises(error):
        session().decode(data, DECODER, 0.0, 0, NEVER_CANCELLED)
