"""Beyond capacity: refusals before the body, when to come back, and callers who do not crowd out each other."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import cast

import httpx
import pytest

from mien.api.admission import AdmissionGate
from mien.app import create_app
from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, Frame, FrameResult
from tests.api.live import (
    connection_to,
    everything_from,
    picture,
    post_head,
    problem,
    serving,
    serving_held,
    settings,
    wait_until,
)
from tests.clips import moving, steps, write_clip
from tests.fakes import FakeEngine

PNG = picture()
CLIP = {"content-type": "video/mp4"}
OTHER = "127.0.0.2"


@contextmanager
def another(client: httpx.Client) -> Iterator[httpx.Client]:
    """A client with another address."""
    transport = httpx.HTTPTransport(local_address=OTHER)
    with httpx.Client(base_url=client.base_url, transport=transport, timeout=20) as other:
        yield other


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(10), moving(10)).read_bytes()


@contextmanager
def filled(capacity: int) -> Iterator[tuple[httpx.Client, AdmissionGate, Callable[[], None]]]:
    """A client of a service whose queue of pictures one address has filled, and what lets it go on."""
    with serving_held(queue_capacity=capacity) as (client, state, held), ThreadPoolExecutor(capacity) as pool:
        waiting = [pool.submit(httpx.post, f"{client.base_url}/predict", content=PNG) for _ in range(capacity)]
        wait_until(lambda: state.gate.admitted == capacity)
        try:
            yield client, state.gate, held.set
        finally:
            held.set()
            assert {one.result().status_code for one in waiting} == {200}


def test_a_refusal_needs_nothing_of_the_body_and_keeps_the_connection() -> None:
    with filled(2) as (client, gate, go_on), connection_to(client) as connection:
        connection.sendall(post_head(len(PNG)))
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"connection: close" not in answer
        assert gate.uploading == 0
        # The body comes after all, and the next request on the same connection is understood.
        connection.sendall(PNG)
        go_on()
        wait_until(lambda: gate.admitted == 0)
        connection.sendall(post_head(len(PNG)) + PNG)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        post_head(40_000_000),
        post_head(1000, "Expect: 100-continue\r\n"),
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_refused_body_that_is_long_or_may_not_come_ends_the_connection(head: bytes) -> None:
    with filled(2) as (client, _, _), connection_to(client) as connection:
        connection.sendall(head)
        answer = everything_from(connection)
    assert answer.startswith(b"HTTP/1.1 429")
    assert b"connection: close" in answer


def test_a_refusal_comes_before_options_and_is_logged_and_counted() -> None:
    with filled(1) as (client, _, _):
        refused = client.post("/predict?deadline_ms=nonsense", content=PNG, headers={"x-request-id": "mine"})
        body = problem(refused, 429, "overloaded")
        assert body["request_id"] == "mine"
        metrics = client.get("/metrics").text
    assert 'mien_http_requests_total{method="POST",route="/predict",status="429"} 1.0' in metrics


def test_a_request_whose_body_was_read_is_not_refused_any_more() -> None:
    with serving_held(queue_capacity=3) as (client, state, held), ExitStack() as stack:
        slow = [stack.enter_context(connection_to(client)) for _ in range(2)]
        for connection in slow:
            connection.sendall(post_head(len(PNG), "Connection: close\r\n") + PNG[:-1])
        wait_until(lambda: state.gate.uploading == 2)
        pool = stack.enter_context(ThreadPoolExecutor(3))
        running = []
        for count in (1, 2, 3):  # one after the other through the last place for uploads
            running.append(pool.submit(httpx.post, f"{client.base_url}/predict", content=PNG))
            wait_until(lambda count=count: state.gate.admitted == count)
        for connection in slow:
            connection.sendall(PNG[-1:])
        wait_until(lambda: state.gate.admitted == 5)
        problem(client.post("/predict", content=PNG), 429, "overloaded")
        held.set()
        assert all(everything_from(connection).startswith(b"HTTP/1.1 200") for connection in slow)
        assert {one.result().status_code for one in running} == {200}


def test_another_caller_is_admitted_beside_one_that_fills_the_queue() -> None:
    with filled(12) as (client, gate, go_on), another(client) as other, ThreadPoolExecutor(7) as pool:
        problem(client.post("/predict", content=PNG), 429, "overloaded")
        admitted = [pool.submit(other.post, "/predict", content=PNG) for _ in range(6)]
        wait_until(lambda: gate.admitted == 18)
        problem(other.post("/predict", content=PNG), 429, "overloaded")  # it has its share now
        go_on()
        assert {one.result().status_code for one in admitted} == {200}


def test_another_caller_gets_a_thread_while_one_holds_what_it_may(clip: bytes) -> None:
    with serving_held(queue_capacity=20) as (client, state, held), ThreadPoolExecutor(12) as pool:
        engine = cast("FakeEngine", state.engine.get())
        url = f"{client.base_url}/analyze-video"
        mine = [pool.submit(httpx.post, url, content=clip, headers=CLIP) for _ in range(10)]
        wait_until(lambda: state.clip_gate.admitted == 10)
        wait_until(lambda: engine.load().calls == 2)  # of one worker's clips
        time.sleep(0.1)
        with another(client) as other:
            theirs = pool.submit(other.post, "/analyze-video", content=clip, headers=CLIP)
            wait_until(lambda: engine.load().calls == 3)
            assert not any(one.done() for one in mine)
            held.set()
            assert theirs.result().status_code == 200
        assert {one.result().status_code for one in mine} == {200}


def test_callers_are_told_apart_by_their_keys() -> None:
    keys = ("the-first-of-two-keys", "the-second-of-two-keys")
    with (
        serving_held(queue_capacity=2, api_keys=keys) as (client, state, held),
        ThreadPoolExecutor(3) as pool,
    ):
        first, second = ({"x-api-key": key} for key in keys)
        running = [pool.submit(client.post, "/predict", content=PNG, headers=first) for _ in range(2)]
        wait_until(lambda: state.gate.admitted == 2)
        problem(client.post("/predict", content=PNG, headers=first), 429, "overloaded")
        running.append(pool.submit(client.post, "/predict", content=PNG, headers=second))
        wait_until(lambda: state.gate.admitted == 3)
        held.set()
        assert {one.result().status_code for one in running} == {200}


class Slow(FakeEngine):
    """Takes its time over every picture."""

    def analyze(
        self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Iterator[FrameResult]:
        for result in super().analyze(frames, options, cancellation):
            time.sleep(0.4)
            yield result


def told(capacity: int) -> int:
    """The ``Retry-After`` of a refusal where eight slow pictures are in work and the rest of the queue waits."""
    app = create_app(settings(queue_capacity=capacity, workers=1), Slow())
    with serving(app) as client, ThreadPoolExecutor(3 * capacity) as pool:

        def send(count: int) -> list[Future[httpx.Response]]:
            return [pool.submit(client.post, "/predict", content=PNG) for _ in range(count)]

        sent = send(capacity)
        wait_until(lambda: sum(one.done() for one in sent) >= 8)  # there is something to measure by
        answers = [one.result() for one in sent + send(2 * capacity)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    return max(int(answer.headers["retry-after"]) for answer in refused)


def test_retry_after_grows_with_the_queue() -> None:
    assert 1 <= told(10) < told(40) <= 60
