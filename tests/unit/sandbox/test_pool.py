"""What a decoder does to itself costs its own task an error, and no one else anything."""

import gc
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from mien.domain import NEVER_CANCELLED, Cancellation
from mien.errors import (
    Cancelled,
    CorruptMedia,
    DeadlineExceeded,
    DecoderFailed,
    DecoderUnavailable,
    MienError,
    TooLarge,
)
from mien.sandbox.messages import Done
from mien.sandbox.pool import DecoderPool
from mien.sandbox.session import DEFAULT_LIMITS, TaskLimits
from mien.sandbox.shared_memory import SharedMemory
from tests.unit.sandbox.conftest import started

MIB = 1 << 20


def run(
    pool: DecoderPool,
    task: str,
    body: bytes = b"",
    limits: TaskLimits = DEFAULT_LIMITS,
    cancellation: Cancellation = NEVER_CANCELLED,
) -> bytes:
    with started(pool, task, body, limits=limits, cancellation=cancellation) as session:
        message = session.receive()
    assert isinstance(message, Done)
    return message.body


def test_one_process_does_task_after_task(pool: DecoderPool) -> None:
    assert [run(pool, "echo", text) for text in (b"a", b"b")] == [b"a", b"b"]
    assert len({run(pool, "process_id") for _ in range(5)}) == 1


def test_an_error_of_the_handler_is_the_callers_and_the_process_stays(pool: DecoderPool) -> None:
    before = run(pool, "process_id")
    with pytest.raises(CorruptMedia, match="broken; send another"):
        run(pool, "refuse")
    with pytest.raises(TooLarge, match="scale it down") as caught:
        run(pool, "refuse", b"large")
    assert (caught.value.limit, caught.value.bound) == ("max_pixels", 5)
    assert run(pool, "process_id") == before


def test_an_unforeseen_exception_goes_to_the_log_only(pool: DecoderPool, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DecoderFailed) as caught:
        run(pool, "fail")
    assert "a detail" not in str(caught.value)
    assert "ZeroDivisionError: a detail" in caplog.text


@pytest.mark.parametrize(
    ("task", "limits", "give_up", "error"),
    [
        ("crash", TaskLimits(), None, (DecoderFailed, "crashed")),
        ("hang", TaskLimits(stall_seconds=0.2), None, (DecoderFailed, "stopped advancing")),
        ("spin", TaskLimits(cpu_seconds=0), None, (DecoderFailed, "stopped advancing")),
        ("allocate", TaskLimits(64 * MIB), None, (DecoderFailed, "memory")),
        ("hang", TaskLimits(), lambda: Cancellation(time.monotonic() + 0.2), (DeadlineExceeded, "deadline")),
        ("spin", TaskLimits(), lambda: Cancellation(None, lambda: True), (Cancelled, "disconnected")),
    ],
)
def test_a_task_that_goes_wrong_gets_an_error_and_others_an_answer(
    pool: DecoderPool,
    task: str,
    limits: TaskLimits,
    give_up: Callable[[], Cancellation] | None,
    error: tuple[type[MienError], str],
) -> None:
    with started(pool, "advance", b"0.4") as other:
        began = time.monotonic()
        with pytest.raises(error[0], match=error[1]):
            run(pool, task, limits=limits, cancellation=NEVER_CANCELLED if give_up is None else give_up())
        assert time.monotonic() - began < 5
        assert run(pool, "echo", b"next") == b"next"
        assert other.receive() == Done(b"advanced")


def test_a_task_that_advances_is_not_hung(pool: DecoderPool) -> None:
    assert run(pool, "advance", b"1", TaskLimits(stall_seconds=0.6)) == b"advanced"


def test_a_process_killed_by_the_system_is_the_services_fault(pool: DecoderPool) -> None:
    def states() -> list[str]:
        return [child.status() for child in psutil.Process(server_of(pool)).children()]

    with started(pool, "hang") as session:
        for child in psutil.Process(server_of(pool)).children():
            child.kill()
        wait_until(lambda: set(states()) == {psutil.STATUS_ZOMBIE})
        with pytest.raises(DecoderUnavailable, match="out of memory"):
            session.receive()
    assert run(pool, "echo", b"next") == b"next"
    wait_until(lambda: states() == [psutil.STATUS_SLEEPING])


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_server_is_started_anew(pool: DecoderPool) -> None:
    run(pool, "echo")
    workers = psutil.Process(server_of(pool)).children()
    os.kill(server_of(pool), signal.SIGKILL)
    psutil.wait_procs(workers, timeout=5)
    assert run(pool, "echo", b"next") == b"next"


def test_a_process_that_grew_is_replaced(pool: DecoderPool) -> None:
    grown = run(pool, "leak", limits=TaskLimits(600 * MIB))
    assert run(pool, "process_id") != grown


def test_a_third_task_waits_for_one_of_two_processes(pool: DecoderPool) -> None:
    with started(pool, "advance", b"0.5") as first, started(pool, "advance", b"5"):
        with pytest.raises(DeadlineExceeded):
            run(pool, "echo", cancellation=Cancellation(time.monotonic() + 0.3))
        assert first.receive() == Done(b"advanced")
        first.close()
        assert run(pool, "echo", b"third") == b"third"


def test_closing_the_pool_ends_its_tasks_and_its_processes() -> None:
    pool = DecoderPool(["tests.unit.sandbox.misbehaviour"], 2)
    caught: list[Exception] = []

    def hang() -> None:
        try:
            run(pool, "hang")
        except MienError as error:
            caught.append(error)

    run(pool, "echo")
    server = psutil.Process(server_of(pool))
    family = [server, *server.children()]
    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(0.2)
    pool.close()
    thread.join(5)
    assert [type(error) for error in caught] == [DecoderUnavailable]
    psutil.wait_procs(family, timeout=5)
    assert not any(process.is_running() for process in family)
    with pytest.raises(DecoderUnavailable):
        run(pool, "echo")


def test_no_descriptor_leaks(pool: DecoderPool) -> None:
    def open_descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    run(pool, "echo")
    gc.collect()  # what other tests left
    before = open_descriptors()
    for _ in range(10):
        memory = SharedMemory(1000)
        with memory, started(pool, "read_handed_over", b"", (memory.descriptor,)) as session:
            session.receive()
        del memory
        with pytest.raises(DecoderFailed):
            run(pool, "crash")
    run(pool, "echo")
    assert open_descriptors() == before
    for child in psutil.Process(server_of(pool)).children():
        assert child.num_fds() == 5  # three of /dev/null, its channel and its scratch memory
    assert psutil.Process(server_of(pool)).num_fds() == 4


def server_of(pool: DecoderPool) -> int:
    """The process id of its fork server."""
    assert pool._server is not None
    return pool._server.pid


def test_a_quarter_of_the_processes_stay() -> None:
    pool = DecoderPool(["tests.unit.sandbox.misbehaviour"], 8)
    try:
        with ExitStack() as stack:
            sessions = [stack.enter_context(started(pool, "echo")) for _ in range(8)]
            assert [session.receive() for session in sessions] == [Done(b"")] * 8
            assert len(psutil.Process(server_of(pool)).children()) == 8
        assert len(psutil.Process(server_of(pool)).children()) == 2
    finally:
        pool.close()
