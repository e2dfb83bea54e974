import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mien.domain import AnalyzeOptions, Cancellation, Frame, U8Array
from mien.engine.local import EngineConfig, LocalEngine
from mien.errors import DeadlineExceeded, EngineClosed, InferenceFailed
from tests.unit.engine.stubs import StubPipeline, as_pipeline, frame

OPTIONS = AnalyzeOptions()
BAD_FRAME, BAD_CROP = 250, 251
WAIT = 20.0  # s; nothing here takes long: a test that waits this long hangs


@pytest.fixture
def stub() -> StubPipeline:
    return StubPipeline(bad_frames=[BAD_FRAME], bad_crops=[BAD_CROP])


@pytest.fixture
def engine(stub: StubPipeline) -> Iterator[LocalEngine]:
    config = EngineConfig(Path(), workers=2, canary_interval=60)
    engine = LocalEngine(lambda: as_pipeline(stub), (), config)
    yield engine
    stub.gate.set()
    engine.close()


def values(engine: LocalEngine, *frames: Frame) -> list[list[float]]:
    return [[face.box.x for face in result.faces] for result in engine.analyze(frames, OPTIONS)]


def test_results_come_in_the_order_of_the_frames(engine: LocalEngine) -> None:
    results = list(engine.analyze((frame(n, faces=n % 4) for n in range(60)), OPTIONS))
    assert [result.index for result in results] == list(range(60))
    assert [[face.box.x for face in result.faces] for result in results] == [[n] * (n % 4) for n in range(60)]


def test_no_frames_is_no_results(engine: LocalEngine) -> None:
    assert values(engine) == []


def test_faces_of_several_callers_share_a_batch(engine: LocalEngine, stub: StubPipeline) -> None:
    stub.gate.clear()
    with ThreadPoolExecutor(8) as callers:
        calls = [callers.submit(values, engine, frame(n, faces=5)) for n in range(8)]
        while engine.load().waiting_frames < 6:
            time.sleep(0.001)
        stub.gate.set()
        assert [call.result(WAIT) for call in calls] == [[[n] * 5] for n in range(8)]
    assert sum(stub.batches) == 40


def test_frames_are_drawn_a_bounded_distance_ahead(engine: LocalEngine) -> None:
    drawn = []

    def frames() -> Iterator[Frame]:
        for n in range(200):
            drawn.append(n)
            yield frame(n)

    results = engine.analyze(frames(), OPTIONS)
    next(results)
    assert len(drawn) <= 6
    assert len(list(results)) == 199


def test_frames_are_released_after_detection(engine: LocalEngine, stub: StubPipeline) -> None:
    released: list[int] = []

    def frames(*values: int) -> Iterator[Frame]:
        for value in values:
            yield replace(frame(value, faces=2), release=lambda value=value: released.append(value))

    assert len(list(engine.analyze(frames(1, 2, 3), OPTIONS))) == 3
    assert sorted(released) == [1, 2, 3]
    with pytest.raises(InferenceFailed):
        list(engine.analyze(frames(BAD_FRAME), OPTIONS))
    assert released[3:] == [BAD_FRAME]
    stub.gate.clear()
    with pytest.raises(DeadlineExceeded):
        list(engine.analyze(frames(4, 5, 6), OPTIONS, Cancellation(time.monotonic() + 0.05)))
    stub.gate.set()
    until(lambda: sorted(released[4:]) == [4, 5, 6])


def test_no_picture_stays_in_memory(engine: LocalEngine) -> None:
    pixels: list[weakref.ref[U8Array]] = []

    def decode(value: int) -> Frame:
        until(lambda: all(ref() is None for ref in pixels))  # earlier frames, after detection
        made = frame(value)
        pixels.append(weakref.ref(made.pixels))
        return made

    assert len(list(engine.analyze(map(decode, range(1, 6)), OPTIONS))) == 5
    until(lambda: all(ref() is None for ref in pixels))


def test_the_pixels_are_gone_while_faces_wait_to_be_classified(engine: LocalEngine, stub: StubPipeline) -> None:
    stub.classifying.clear()
    made = [frame(1, faces=20), frame(2, faces=0)]  # one batch: the other worker is free for the second frame
    pixels = [weakref.ref(item.pixels) for item in made]
    released: list[int] = []
    frames = iter([replace(item, release=partial(released.append, item.index)) for item in made])
    made.clear()
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(lambda: list(engine.analyze(frames, OPTIONS)))
        try:
            until(lambda: len(released) == 2)
            until(lambda: all(ref() is None for ref in pixels))
            assert not call.done()
        finally:
            stub.classifying.set()
        results = call.result(WAIT)
    assert [(result.index, len(result.faces)) for result in results] == [(1, 20), (2, 0)]
    assert sorted(released) == [1, 2]


def test_a_frame_that_fails_fails_its_own_caller_only(engine: LocalEngine) -> None:
    with ThreadPoolExecutor(8) as callers:
        calls = {n: callers.submit(values, engine, frame(n)) for n in (1, 2, BAD_FRAME, 3, 4, 5, 6)}
        with pytest.raises(InferenceFailed) as failure:
            calls.pop(BAD_FRAME).result(WAIT)
        assert str(failure.value.__cause__) == "detector broke"
        assert {n: call.result(WAIT) for n, call in calls.items()} == {n: [[n]] for n in calls}


def test_a_face_that_fails_does_not_fail_its_batch(engine: LocalEngine, stub: StubPipeline) -> None:
    stub.gate.clear()
    with ThreadPoolExecutor(8) as callers:
        calls = {n: callers.submit(values, engine, frame(n, faces=2)) for n in (1, 2, BAD_CROP, 3, 4)}
        while engine.load().calls < 5:
            time.sleep(0.001)
        stub.gate.set()
        with pytest.raises(InferenceFailed):
            calls.pop(BAD_CROP).result(WAIT)
        assert {n: call.result(WAIT) for n, call in calls.items()} == {n: [[n, n]] for n in calls}


def test_workers_survive_failures(engine: LocalEngine) -> None:
    for _ in range(10):
        with pytest.raises(InferenceFailed):
            values(engine, frame(BAD_FRAME))
        with pytest.raises(InferenceFailed):
            values(engine, frame(BAD_CROP))
    assert values(engine, frame(7)) == [[7]]
    assert engine.load().busy_workers == 0


def test_a_deadline_ends_the_wait(engine: LocalEngine, stub: StubPipeline) -> None:
    stub.gate.clear()
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        list(engine.analyze([frame(1)], OPTIONS, Cancellation(begin + 0.1)))
    assert time.monotonic() - begin < 5
    stub.gate.set()
    assert values(engine, frame(2)) == [[2]]


def test_a_frame_whose_deadline_passed_in_the_queue_is_skipped(engine: LocalEngine, stub: StubPipeline) -> None:
    with pytest.raises(DeadlineExceeded):
        list(engine.analyze([frame(42)], OPTIONS, Cancellation(time.monotonic() - 1)))
    values(engine, frame(1))
    assert 42 not in stub.found


def test_closing_the_iterator_cancels_the_other_frames(engine: LocalEngine, stub: StubPipeline) -> None:
    results = engine.analyze((frame(n) for n in range(100)), OPTIONS)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert engine.load().calls == 0
    values(engine, frame(200))
    assert len(stub.found) < 12


def test_an_error_while_drawing_frames_reaches_the_caller(engine: LocalEngine) -> None:
    def frames() -> Iterator[Frame]:
        yield frame(1)
        raise ValueError("the clip ends here")

    with pytest.raises(ValueError, match="ends here"):
        list(engine.analyze(frames(), OPTIONS))
    assert engine.load().calls == 0


def test_closing_ends_every_call(engine: LocalEngine, stub: StubPipeline) -> None:
    stub.gate.clear()
    with ThreadPoolExecutor(8) as callers:
        calls = [callers.submit(values, engine, frame(n)) for n in range(8)]
        while engine.load().calls < 8:
            time.sleep(0.001)
        threading.Timer(0.05, stub.gate.set).start()
        engine.close()
        ended = [call.exception(WAIT) for call in calls]
    assert all(error is None or isinstance(error, EngineClosed) for error in ended)
    assert sum(isinstance(error, EngineClosed) for error in ended) >= 6
    with pytest.raises(EngineClosed):
        values(engine, frame(1))
    engine.close()


def test_both_workers_work(engine: LocalEngine, stub: StubPipeline) -> None:
    stub.gate.clear()  # while it is closed a worker keeps its frame, so the other worker takes the next one
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(values, engine, frame(1), frame(2))
        until = time.monotonic() + WAIT
        while len(stub.threads) < 2 and time.monotonic() < until:
            time.sleep(0.001)
        stub.gate.set()
        assert call.result(WAIT) == [[1], [2]]
    assert len(stub.threads) == 2


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.005)


@contextmanager
def watched(stub: StubPipeline, interval: float) -> Iterator[LocalEngine]:
    """An engine of one worker with a canary every ``interval`` seconds."""
    engine = LocalEngine(lambda: as_pipeline(stub), (), EngineConfig(Path(), workers=1, canary_interval=interval))
    try:
        yield engine
    finally:
        stub.gate.set()
        engine.close()


def test_health_follows_the_work(stub: StubPipeline) -> None:
    stub.gate.clear()
    with watched(stub, 0.2) as engine:
        assert engine.health().reason == "The models are not warm yet."
        stub.gate.set()
        until(lambda: engine.health().ready)  # by the canary alone
        stub.gate.clear()
        until(lambda: not engine.health().ready)
        assert "No picture" in engine.health().reason
        stub.gate.set()
        until(lambda: engine.health().ready)
    assert engine.health().reason == "The engine is closed."


@contextmanager
def callers_of_face_free_frames(engine: LocalEngine, count: int) -> Iterator[None]:
    """``count`` callers, each sending such frames one after the other, so that there is always a queue."""
    end = threading.Event()

    def call() -> None:
        while not end.is_set():
            assert values(engine, frame(1, faces=0)) == [[]]

    with ThreadPoolExecutor(count) as callers:
        calls = [callers.submit(call) for _ in range(count)]
        try:
            yield
        finally:
            end.set()
            for ended in calls:
                ended.result(WAIT)


def test_an_engine_busy_with_pictures_without_faces_stays_ready() -> None:
    stub = StubPipeline(seconds=0.1)
    with watched(stub, 0.3) as engine, callers_of_face_free_frames(engine, 6):
        until(lambda: engine.health().ready)
        end = time.monotonic() + 3
        while time.monotonic() < end:  # readiness would be lost after 0.9 s; the queue is 0.6 s long
            assert engine.health().ready, engine.health().reason
            time.sleep(0.01)
    assert stub.found.count(1) >= 10


def test_pictures_without_faces_do_not_hide_that_the_classifier_is_broken() -> None:
    stub = StubPipeline()
    with watched(stub, 0.2) as engine, callers_of_face_free_frames(engine, 1):
        until(lambda: engine.health().ready)
        stub.bad_crops.add(0)
        until(lambda: not engine.health().ready)
        assert "No face has been classified" in engine.health().reason
        stub.bad_crops.clear()
        until(lambda: engine.health().ready)


def test_stage_times_are_reported(engine: LocalEngine) -> None:
    (result,) = engine.analyze([frame(1)], OPTIONS)
    assert result.times.queue >= 0
    assert result.times.detect > 0
    assert result.times.classify > 0
