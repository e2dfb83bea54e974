"""Keys: missing, wrong, expired, revoked, for something else, over a limit; and what needs none."""

import hmac
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from mien.access.key_file import read_keys, write_keys
from mien.access.keys import KeyUse
from mien.app import create_app
from tests.api.keys import NOW, Keys
from tests.api.live import KEY, NEED_NO_KEY, picture, problem, serving, serving_fake, settings, wait_until
from tests.fakes import FakeEngine

PNG = picture()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.json")


@pytest.fixture(scope="module")
def simple() -> Iterator[httpx.Client]:
    with serving_fake(api_keys=f"{KEY}, another-key-of-the-tests") as client:
        yield client


def test_what_needs_a_key_and_in_which_headers(simple: httpx.Client) -> None:
    for method, path in (("POST", "/predict"), ("POST", "/analyze-video"), ("GET", "/models"), ("GET", "/metrics")):
        refused = simple.request(method, path)
        problem(refused, 401, "unauthorized")
        assert refused.headers["www-authenticate"] == "Bearer"
    for headers in ({"X-API-Key": KEY}, {"Authorization": "Bearer another-key-of-the-tests"}):
        simple.get("/models", headers=headers).raise_for_status()
    simple.get("/metrics", headers={"Authorization": f"bearer {KEY}"}).raise_for_status()
    for path in NEED_NO_KEY:
        simple.get(path).raise_for_status()
    problem(simple.get("/v2/models/other"), 404, "not_found")


@pytest.mark.parametrize(
    "headers", [{"X-API-Key": f"{KEY}x"}, {"Authorization": f"Bearer {KEY[:-1]}"}, {"X-API-Key": KEY.upper()}]
)
def test_a_wrong_key(headers: dict[str, str]) -> None:
    with serving_fake(api_keys=KEY) as client:
        detail = problem(client.get("/models", headers=headers), 401, "unauthorized")["detail"]
    assert "ask its operator" in detail
    assert KEY[:-1] not in detail


_NO_WEBSOCKET = "/live"
"""A plain request learns only that this is a WebSocket; see ``test_live_keys``."""


def test_every_route_is_on_the_list_or_needs_a_key() -> None:
    app = create_app(settings(api_keys=KEY), FakeEngine())
    with serving(app) as client:
        included = [route for router in app.routes for route in getattr(router, "original_router", app).routes]
        routes = [(method, route.path) for route in included if isinstance(route, APIRoute) for method in route.methods]
        assert len(routes) > 12
        open_paths = {path for method, path in routes if client.request(method, path).status_code != 401}
    templates = {path.replace("/emotion", "/{name}") for path in NEED_NO_KEY}
    assert open_paths == {path for path in templates if "/static" not in path} - {"/openapi.json"} | {_NO_WEBSOCKET}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize(("name", "prefix"), [("X-API-Key", ""), ("Authorization", "Bearer ")])
def test_a_key_may_have_any_letters(name: str, prefix: str, encoding: str) -> None:
    with serving_fake(api_keys="ein-langer-schlüssel") as client:

        def get(key: str) -> httpx.Response:
            return client.get("/models", headers=[(name.encode(), (prefix + key).encode(encoding))])

        get("ein-langer-schlüssel").raise_for_status()
        problem(get("ein-langer-schlÜssel"), 401, "unauthorized")


def test_a_key_beyond_latin_1() -> None:
    with serving_fake(api_keys="ключ-из-многих-букв") as client:
        client.get("/models", headers=[(b"X-API-Key", "ключ-из-многих-букв".encode())]).raise_for_status()
        problem(client.get("/models", headers=[(b"X-API-Key", "ключи".encode())]), 401, "unauthorized")


def test_keys_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, keys: Keys) -> None:
    compared: list[tuple[str, str]] = []

    def compare(given: str, known: str) -> bool:
        compared.append((given, known))
        return given == known

    headers = keys.add("one")
    monkeypatch.setattr("mien.access.keys.hmac.compare_digest", compare)
    with serving_fake(api_keys=f"{KEY},another-key-of-the-tests", keys_file=keys.path) as client:
        client.get("/models", headers={"X-API-Key": KEY}).raise_for_status()
        # Every key, also after the one that matches, and hashes of equal length, whatever was sent.
        assert len(compared) == 2
        client.get("/models", headers=headers).raise_for_status()
        client.get("/models", headers={"X-API-Key": "x"})
    assert len(compared) == 2 + 3 + 2
    assert {len(text) for pair in compared for text in pair} == {64}
    assert hmac.compare_digest is compare


def test_a_key_of_the_file_opens_what_it_is_for(keys: Keys) -> None:
    caller, scraper = keys.add("caller"), keys.add("scraper", uses=(KeyUse.METRICS,))
    with serving_fake(keys_file=keys.path) as client:
        client.post("/predict", content=PNG, headers=caller).raise_for_status()
        client.get("/metrics", headers=scraper).raise_for_status()
        assert "metrics" in problem(client.get("/metrics", headers=caller), 403, "key_not_allowed")["detail"]
        problem(client.post("/predict", content=PNG, headers=scraper), 403, "key_not_allowed")
        tampered = {"X-API-Key": keys.tokens["caller"][:-1] + "!"}
        problem(client.get("/models", headers=tampered), 401, "unauthorized")


def test_expired_and_revoked_keys(keys: Keys) -> None:
    expired = keys.add("old", expires=NOW - timedelta(seconds=1))
    revoked = keys.add("lost", revoked=NOW)
    with serving_fake(keys_file=keys.path) as client:
        assert "expired" in problem(client.get("/models", headers=expired), 403, "key_expired")["detail"]
        assert "revoked" in problem(client.get("/models", headers=revoked), 403, "key_revoked")["detail"]


def test_a_key_expires_while_the_service_runs(keys: Keys) -> None:
    headers = keys.add("short", expires=datetime.now(UTC) + timedelta(seconds=0.7))
    with serving_fake(keys_file=keys.path) as client:
        client.get("/models", headers=headers).raise_for_status()
        wait_until(lambda: client.get("/models", headers=headers).status_code == 403, 3)


def test_changes_of_the_file_are_followed(keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mien")
    first = keys.add("first")

    def followed(times: int) -> bool:
        return caplog.text.count("keys read again") == times

    with serving_fake(keys_file=keys.path) as client:
        client.get("/models", headers=first).raise_for_status()
        second = keys.add("second")
        wait_until(lambda: followed(1), 5)
        client.get("/models", headers=second).raise_for_status()
        keys.path.write_text("{")  # damaged: the keys stay as they were
        wait_until(lambda: "the keys stay as they were" in caplog.text, 5)
        client.get("/models", headers=first).raise_for_status()
        write_keys(keys.path, ())
        wait_until(lambda: followed(2), 5)
        problem(client.get("/models", headers=first), 401, "unauthorized")
    assert keys.tokens["first"] not in caplog.text


def test_without_keys_in_the_file_no_one_is_let_in(keys: Keys) -> None:
    with serving_fake(keys_file=keys.path) as client:
        problem(client.get("/models"), 401, "unauthorized")


def test_the_log_has_the_id_of_a_key_and_nothing_else_of_it(keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    headers = keys.add("Ada Lovelace")
    with serving_fake(keys_file=keys.path) as client:
        client.get("/models", headers=headers).raise_for_status()
        client.get("/models", headers={"X-API-Key": f"{KEY}-wrong"})
    fields = [record.__dict__["fields"] for record in caplog.records if record.name == "mien.access"]
    assert [line.get("key") for line in fields] == [read_keys(keys.path)[0].id, None]
    written = json.dumps([str(vars(record)) for record in caplog.records])
    for hidden in (keys.tokens["Ada Lovelace"], "Ada", KEY):
        assert hidden not in written
