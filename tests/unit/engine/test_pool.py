"""Workers that are stuck or die: their callers are answered, and others take their place."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mien.domain import AnalyzeOptions, Cancellation, Frame
from mien.engine.local import EngineConfig, LocalEngine
from mien.errors import Cancelled, EngineClosed, MienError, ModelChanged, WorkerLost
from mien.vision.pipeline import FoundFaces
from tests.unit.engine.stubs import StubPipeline, as_pipeline, frame

HANG = 0.8
STUCK, DEADLY = 99, 98
WAIT = 20.0


class Blocking(StubPipeline):
    """A session that never returns from frames of value ``STUCK`` (until ``release``), and ends the thread that runs
    one of value ``DEADLY``."""

    release = threading.Event()

    def detect(self, frame: Frame, options: AnalyzeOptions) -> FoundFaces:
        value = int(frame.pixels[1, 1, 0])
        if value == STUCK:
            self.release.wait(WAIT)
        if value == DEADLY:
            raise SystemExit
        return super().detect(frame, options)


class Made:
    """The pipelines that were loaded, and what the engine reported."""

    def __init__(self) -> None:
        self.pipelines: list[Blocking] = []
        self.failures: list[MienError] = []
        self.broken = False

    def load(self) -> Blocking:
        if self.broken:
            raise ModelChanged("model.onnx is not the file that its manifest describes")
        self.pipelines.append(Blocking())
        return self.pipelines[-1]


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def engine(made: Made) -> Iterator[LocalEngine]:
    with opened(made, workers=2) as engine:
        yield engine


@contextmanager
def opened(made: Made, workers: int) -> Iterator[LocalEngine]:
    Blocking.release = threading.Event()
    config = EngineConfig(Path(), workers=workers, canary_interval=60, hang_seconds=HANG)
    engine = LocalEngine(lambda: as_pipeline(made.load()), (), config, made.failures.append)
    try:
        yield engine
    finally:
        Blocking.release.set()
        engine.close()


def faces(engine: LocalEngine, value: int, count: int = 1) -> list[float]:
    (result,) = engine.analyze([frame(value, count)], AnalyzeOptions())
    return [face.box.x for face in result.faces]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.005)


def test_a_stuck_worker_is_replaced_and_its_caller_answered(engine: LocalEngine, made: Made) -> None:
    assert faces(engine, 1) == [1]
    with ThreadPoolExecutor(1) as caller:
        began = time.monotonic()
        call = caller.submit(faces, engine, STUCK)
        until(lambda: not engine.health().ready)
        assert "stuck" in engine.health().reason or "replaced" in engine.health().reason
        assert time.monotonic() - began >= HANG
        with pytest.raises(WorkerLost, match="send the request again"):
            call.result(WAIT)
        assert time.monotonic() - began < HANG + 10
    until(lambda: engine.health().ready)
    assert len(made.pipelines) == 2, "the models have been loaded again"
    assert [faces(engine, n, 3) for n in range(2, 20)] == [[n] * 3 for n in range(2, 20)]
    assert made.pipelines[1].found, "the new pipeline is used"
    assert engine.load().workers == 2
    assert made.failures == []


def test_every_worker_may_be_stuck_at_once(engine: LocalEngine, made: Made) -> None:
    with ThreadPoolExecutor(12) as callers:
        stuck = [callers.submit(faces, engine, STUCK) for _ in range(2)]
        until(lambda: engine.load().busy_workers == 2)
        waiting = [callers.submit(faces, engine, n) for n in range(1, 11)]
        assert [type(call.exception(WAIT)) for call in stuck] == [WorkerLost] * 2
        assert [call.result(WAIT) for call in waiting] == [[n] for n in range(1, 11)]
    until(lambda: engine.health().ready)
    assert len(made.pipelines) == 2, "loaded once for both"


def test_what_a_stuck_worker_finds_at_last_is_dropped(engine: LocalEngine) -> None:
    with pytest.raises(WorkerLost):
        faces(engine, STUCK, 2)
    until(lambda: engine._pool.problem == "")
    before = threading.active_count()
    Blocking.release.set()
    until(lambda: threading.active_count() < before)
    assert faces(engine, 1) == [1]
    assert engine.load().waiting_crops == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_caller_of_a_worker_that_dies_is_answered(engine: LocalEngine) -> None:
    for _ in range(6):  # more than there are workers, and than may be stuck
        began = time.monotonic()
        with pytest.raises(WorkerLost):
            faces(engine, DEADLY)
        assert time.monotonic() - began < WAIT / 2
        assert faces(engine, 1) == [1]
    until(lambda: engine.health().ready or engine.health().reason == "The models are not warm yet.")
    assert engine._pool.problem == ""


def test_too_many_stuck_workers_are_reported_once(engine: LocalEngine, made: Made) -> None:
    with ThreadPoolExecutor(6) as callers:
        calls = [callers.submit(faces, engine, STUCK) for _ in range(6)]
        until(lambda: bool(made.failures))
        assert "ends itself" in engine.health().reason
        errors = [type(call.exception(WAIT)) for call in calls]
    assert set(errors) <= {WorkerLost, EngineClosed}, "those that waited are answered too"
    assert len(made.failures) == 1
    assert "4 workers are stuck" in str(made.failures[0])


def test_a_store_that_is_gone_is_reported(engine: LocalEngine, made: Made) -> None:
    made.broken = True
    with pytest.raises(WorkerLost):
        faces(engine, STUCK)
    until(lambda: bool(made.failures))
    assert made.failures[0].code == "model_changed"
    assert not engine.health().ready


def test_closing_answers_the_caller_of_a_stuck_worker(engine: LocalEngine) -> None:
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(faces, engine, STUCK)
        until(lambda: engine.load().busy_workers == 1)
        engine._pool.close(timeout=0.0)
        assert type(call.exception(WAIT)) is WorkerLost


def test_a_slow_worker_is_not_stuck(made: Made) -> None:
    with opened(made, workers=1) as engine:
        made.pipelines[0].seconds = HANG / 3
        assert [faces(engine, n) for n in range(6)] == [[n] for n in range(6)]
        assert len(made.pipelines) == 1


def test_a_caller_that_disconnects_stops_waiting(engine: LocalEngine, made: Made) -> None:
    gone = threading.Event()
    made.pipelines[0].gate.clear()
    threading.Timer(0.05, gone.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        list(engine.analyze([frame(1)], AnalyzeOptions(), Cancellation(None, gone.is_set)))
    assert time.monotonic() - began < HANG
    made.pipelines[0].gate.set()
