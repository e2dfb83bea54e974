"""Faces of a clip made unrecognisable, with an engine that detects a patch in chosen frames only."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Box, Cancellation, DetectorMode, Frame, FrameResult, U8Array
from mien.timeline.interpolation import TrackInterpolator
from mien.timeline.model import FaceRow, FrameRow
from mien.usecases.hide_faces import hide_faces
from tests.clips import PatchEngine

FACE = Box(40, 30, 40, 40)
RNG = np.random.default_rng(0)


class BlinkingEngine(PatchEngine):
    """Finds the face in the frames of these numbers only."""

    def __init__(self, *seeing: int) -> None:
        super().__init__()
        self.seeing = seeing

    def _result(self, frame: Frame, options: AnalyzeOptions) -> FrameResult:
        found = super()._result(frame, options)
        return found if frame.index in self.seeing else replace(found, faces=())


def face_frame(index: int, scene: int = 0, scale: int = 1) -> Frame:
    """Grey, with a face of red stripes that no coarse block can show."""
    pixels = np.full((120, 160, 3), 90, np.uint8)
    face = pixels[30:70, 40:80]
    face[...] = (30, 30, 160)
    face[::2] = (30, 30, 250)
    pixels = np.ascontiguousarray(pixels[::scale, ::scale])
    return Frame(pixels, 160, 120, time=index / 10, index=index, scene=scene)


def detail(pixels: U8Array) -> float:
    """How much neighbouring rows of the face differ."""
    face = pixels[30:70, 40:80, 2].astype(int)
    return float(np.abs(np.diff(face, axis=0)).mean())


def hidden(frames: Iterable[Frame], engine: PatchEngine, rows: list[FrameRow] | None = None) -> Iterator[Frame]:
    return hide_faces(frames, TrackInterpolator(rows or []), engine, NEVER_CANCELLED)


def seen(frames: Iterable[Frame], *seeing: int) -> list[int]:
    """The frames in which the face can be made out."""
    return [f.index for f in hidden(frames, BlinkingEngine(*seeing)) if detail(f.pixels) > 20]


def test_every_frame_comes_once_in_order_with_its_face_hidden() -> None:
    for count in (0, 1, 3, 4, 7, 30):
        frames = [face_frame(index) for index in range(count)]
        done = list(hidden(frames, PatchEngine()))
        assert [frame.index for frame in done] == list(range(count))
        assert all(detail(frame.pixels) < 10 for frame in done)
        assert all(detail(frame.pixels) > 50 for frame in frames)  # the clip's own are left alone
        assert all(np.array_equal(frame.pixels[:10], frames[0].pixels[:10]) for frame in done)


def test_a_face_that_is_missed_for_a_few_frames_stays_hidden() -> None:
    frames = [face_frame(index) for index in range(20)]
    assert seen(frames, 10) == [*range(7), *range(14, 20)]
    assert seen(frames, 0, 6, 7, 14) == [18, 19]
    assert seen(frames) == list(range(20))


def test_a_face_is_not_held_over_a_cut() -> None:
    frames = [face_frame(index, scene=int(index > 5)) for index in range(12)]
    assert seen(frames, 5) == [0, 1, *range(6, 12)]


def test_tracks_hide_too_and_small_copies_are_scaled() -> None:
    face = FaceRow(1, FACE, 0.9, "happy", 0.9, (0.9,))
    rows = [FrameRow(index / 10, index, 0, (face,)) for index in range(5)]
    done = list(hidden([face_frame(index) for index in range(5)], BlinkingEngine(), rows))
    assert all(detail(frame.pixels) < 10 for frame in done)
    (small,) = hidden([face_frame(0, scale=2)], PatchEngine())
    assert np.ptp(small.pixels[20:30, 25:35].astype(int), axis=(0, 1)).max() < 60


def test_the_search_is_thorough_and_can_be_cancelled() -> None:
    engine = PatchEngine()
    list(hidden([face_frame(0)], engine))
    options = engine.options
    assert options is not None
    assert (options.detector, options.min_face, options.max_faces) == (DetectorMode.ACCURATE, 0.0, 1000)
    assert options.min_confidence is not None
    assert options.min_confidence < 0.3
    late = Cancellation(0.0)
    list(hide_faces([face_frame(0)], TrackInterpolator([]), engine, late))
    assert engine.cancellation is late


def test_the_engine_runs_ahead_by_a_bounded_number_of_frames() -> None:
    drawn: list[int] = []

    def frames() -> Iterator[Frame]:
        for index in range(50):
            drawn.append(index)
            yield face_frame(index)

    ahead = [len(drawn) - frame.index for frame in hidden(frames(), PatchEngine())]
    assert max(ahead) <= 5
    assert all(one >= other for one, other in pairwise(ahead))
