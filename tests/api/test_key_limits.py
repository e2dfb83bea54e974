"""The limits of keys, and of wrong ones."""

import threading
from pathlib import Path

import pytest

from tests.api.keys import Keys
from tests.api.live import picture, problem, serving_fake, wait_until
from tests.fakes import FakeEngine

PNG = picture()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.json")


def test_the_rate_of_a_key(keys: Keys) -> None:
    slow, other = keys.add("slow", rate="3/minute"), keys.add("other")
    with serving_fake(keys_file=keys.path) as client:
        statuses = [client.get("/models", headers=slow).status_code for _ in range(4)]
        refused = client.get("/models", headers=slow)
        client.get("/models", headers=other).raise_for_status()
    assert statuses == [200, 200, 200, 429]
    assert "3 per 1 minute" in problem(refused, 429, "rate_limited")["detail"]
    assert 50 <= int(refused.headers["retry-after"]) <= 60


def test_the_requests_in_progress_of_a_key(keys: Keys) -> None:
    one = keys.add("one", concurrency=1)
    gate = threading.Event()
    engine = FakeEngine(gate=gate)
    with serving_fake(engine, keys_file=keys.path, workers=2) as client:
        sender = threading.Thread(target=client.post, args=("/predict",), kwargs={"content": PNG, "headers": one})
        sender.start()
        try:
            wait_until(lambda: engine.seen)
            refused = client.get("/models", headers=one)
        finally:
            gate.set()
            sender.join()
        assert "1 requests in progress" in problem(refused, 429, "rate_limited")["detail"]
        assert refused.headers["retry-after"] == "1"
        client.get("/models", headers=one).raise_for_status()


def test_the_bytes_of_a_key(keys: Keys) -> None:
    body = PNG * 3  # what follows the picture is ignored
    headers = keys.add("bytes", volume=f"{2 * len(body) + 1}/hour")
    with serving_fake(keys_file=keys.path) as client:
        for _ in range(2):
            client.post("/predict", content=body, headers=headers).raise_for_status()
        refused = client.post("/predict", content=body, headers=headers)
        large = client.post("/predict", content=body * 9, headers=headers)
    assert "bytes per 1 hour" in problem(refused, 429, "rate_limited")["detail"]
    assert int(refused.headers["retry-after"]) > 3000
    assert problem(large, 413, "too_large")["limit"] == "key_bytes"


def test_the_bytes_of_a_body_of_unknown_length(keys: Keys) -> None:
    headers = keys.add("chunks", volume="100000/hour")
    with serving_fake(keys_file=keys.path) as client:
        answer = client.post("/predict", content=(bytes(10_000) for _ in range(20)), headers=headers)
        problem(answer, 429, "rate_limited")
        problem(client.post("/predict", content=PNG, headers=headers), 429, "rate_limited")


def test_wrong_keys_are_limited_by_address(keys: Keys) -> None:
    used, unused = keys.add("used"), keys.add("unused")
    with serving_fake(keys_file=keys.path) as client:
        client.get("/models", headers=used).raise_for_status()
        answers = [client.get("/models", headers={"X-API-Key": f"guess-{k}"}) for k in range(15)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 5
        problem(answers[-1], 429, "too_many_wrong_keys")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        # A guess learns nothing, be it right or wrong; who has been let in before stays in.
        problem(client.get("/models", headers=unused), 429, "too_many_wrong_keys")
        client.get("/models", headers=used).raise_for_status()
        # uvicorn takes the address of a proxy on this machine's word: elsewhere, the key is as good as ever.
        client.get("/models", headers={**unused, "X-Forwarded-For": "198.51.100.7"}).raise_for_status()
        client.get("/health/live").raise_for_status()
