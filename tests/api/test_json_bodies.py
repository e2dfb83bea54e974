"""Many large JSON bodies at once are all answered, and pictures in other forms beside them."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

from mien.app import create_app
from tests.api.live import picture, problem, serving, serving_held, settings, state_of, wait_until
from tests.fakes import FakeEngine

PNG = picture()


def test_pictures_are_answered_beside_large_json_bodies() -> None:
    whole = base64.b64encode(PNG).decode()
    body = {"images": [whole, base64.b64encode(PNG + bytes(3_000_000)).decode(), whole]}
    app = create_app(settings(workers=1), FakeEngine())
    gate = state_of(app).gate
    with serving(app) as client, ThreadPoolExecutor(20) as pool:
        # More than there are threads.
        running = [pool.submit(client.post, "/predict", json=body) for _ in range(20)]
        wait_until(lambda: gate.admitted > 0)
        slowest = 0.0
        while not all(one.done() for one in running):
            began = time.monotonic()
            client.post("/predict", content=PNG, timeout=5).raise_for_status()
            slowest = max(slowest, time.monotonic() - began)
        assert {one.result().status_code for one in running} == {200}
        assert slowest < 5
        assert gate.admitted == 0


def test_a_json_body_that_waits_for_a_thread_may_reach_its_deadline() -> None:
    body = {"images": [base64.b64encode(PNG).decode()]}
    with serving_held(queue_capacity=64) as (client, state, gate), ThreadPoolExecutor(8) as pool:
        running = [pool.submit(client.post, "/predict", json=body) for _ in range(8)]  # as many as threads
        wait_until(lambda: state.gate.admitted == 8)
        late = client.post("/predict", params={"deadline_ms": 100}, json=body)
        problem(late, 503, "deadline_exceeded")
        gate.set()
        assert {one.result().status_code for one in running} == {200}
        assert state.gate.admitted == 0
