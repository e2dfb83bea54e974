import threading
import time
from contextlib import closing

import pytest

from mien.domain import AnalyzeOptions
from mien.engine.batcher import Batcher, FrameJob
from mien.engine.canary import Canary, canary_frame, run_probe
from mien.errors import MienError
from tests.unit.engine.stubs import frame


def job_of(value: int) -> FrameJob:
    return FrameJob(frame(value), AnalyzeOptions())


def waiting(batcher: Batcher, frames: int) -> None:
    end = time.monotonic() + 20
    while batcher.waiting()[0] != frames:
        assert time.monotonic() < end
        time.sleep(0.001)


def taken(batcher: Batcher) -> FrameJob:
    work = batcher.take()
    assert isinstance(work, FrameJob)
    return work


def test_the_canary_goes_to_the_front_of_the_queue() -> None:
    with closing(Batcher(8)) as batcher:
        jobs = [job_of(1), job_of(2)]
        for job in jobs:
            batcher.put_frame(job)
        threading.Thread(target=run_probe, args=(batcher, None), daemon=True).start()
        waiting(batcher, 3)
        first = taken(batcher).frame
        assert first is not None
        assert (first.pixels == canary_frame().pixels).all()
        assert [taken(batcher), taken(batcher)] == jobs


def test_the_canary_waits_for_busy_workers_instead_of_giving_up() -> None:
    with closing(Batcher(8)) as batcher:
        canary = Canary(batcher, interval=0.01, last_success=lambda: None)
        waiting(batcher, 1)
        time.sleep(0.2)  # twenty intervals without a free worker
        assert batcher.waiting() == (1, 0)
        assert not taken(batcher).is_done
        canary.stop()


def test_a_canary_that_is_not_taken_in_time_fails() -> None:
    with closing(Batcher(8)) as batcher:
        assert not run_probe(batcher, timeout=0.01)
        assert taken(batcher).is_done


def test_a_canary_is_sent_only_while_no_faces_are_classified() -> None:
    last = time.monotonic()
    with closing(Batcher(8)) as batcher:
        canary = Canary(batcher, interval=0.2, last_success=lambda: last)
        end = time.monotonic() + 1.0
        while time.monotonic() < end:  # five intervals
            last = time.monotonic()
            assert batcher.waiting() == (0, 0)
            time.sleep(0.01)
        waiting(batcher, 1)
        assert 0.2 <= time.monotonic() - last < 5
        canary.stop()


def test_a_failed_canary_is_not_repeated_at_once() -> None:
    with closing(Batcher(8)) as batcher:
        began = time.monotonic()
        canary = Canary(batcher, interval=0.1, last_success=lambda: began - 60)
        for _ in range(3):
            taken(batcher).fail(MienError("the models do not work"))
        assert time.monotonic() - began >= 0.3
        canary.stop()


@pytest.mark.parametrize("closed_first", [True, False])
def test_closing_ends_a_canary(closed_first: bool) -> None:
    batcher = Batcher(8)
    succeeded: list[bool] = []
    prober = threading.Thread(target=lambda: succeeded.append(run_probe(batcher, None)), daemon=True)
    if closed_first:
        batcher.close()
        prober.start()
    else:
        prober.start()
        waiting(batcher, 1)
        batcher.close()
    prober.join(20)
    assert succeeded == [False]
