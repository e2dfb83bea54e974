"""JSON bodies are read one at a time, and those that wait for that hold no thread."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mien.api.uploads.json_body import JsonPictures
from mien.app import create_app
from tests.api.live import picture, problem, services_of, serving, settings, wait_until
from tests.fakes import FakeEngine

PNG = picture()
BODY = {"images": [base64.b64encode(PNG).decode()]}


def test_pictures_are_answered_while_json_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    inside: list[int] = []
    company: list[int] = []
    parse = JsonPictures._parse

    def slow(self: JsonPictures, body: bytes) -> object:
        inside.append(1)
        let_go.wait(10)
        company.append(len(inside))
        inside.pop()
        return parse(self, body)

    monkeypatch.setattr(JsonPictures, "_parse", slow)
    app = create_app(settings(workers=1), FakeEngine())
    gate = services_of(app).gate
    with serving(app) as client, ThreadPoolExecutor(20) as pool:
        try:
            # More than there are threads.
            waiting = [pool.submit(client.post, "/predict", json=BODY) for _ in range(20)]
            wait_until(lambda: gate.inside == 20)
            for _ in range(3):
                client.post("/predict", content=PNG, timeout=5).raise_for_status()
            late = client.post("/predict", params={"deadline_ms": 100}, json=BODY)
            problem(late, 503, "deadline_exceeded")
        finally:
            let_go.set()
        assert {one.result().status_code for one in waiting} == {200}
        assert company == [1] * 20
        assert gate.inside == 0
        client.post("/predict", json=BODY).raise_for_status()
