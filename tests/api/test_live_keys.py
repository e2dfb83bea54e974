"""``/live`` with keys of a file: a connection has the limits of its key, and ends with it."""

from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from mien.access.key_file import write_keys
from tests.api.camera import camera, end_of, opened, shown
from tests.api.keys import Keys
from tests.api.live import picture, problem, serving_fake, wait_until


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.json")


def test_a_connection_is_a_request_of_its_key(keys: Keys) -> None:
    few = keys.add("few", concurrency=1)
    with serving_fake(keys_file=keys.path, live_fps=240) as client:
        with camera(client, few) as live:
            assert opened(live)["type"] == "start"
            with pytest.raises(InvalidStatus) as caught, camera(client, few):
                pass
            assert caught.value.response.status_code == 429
            with camera(client) as page:
                page.send(f'{{"key": "{few["X-API-Key"]}"}}')
                close, (error,) = end_of(page)
            assert (close, error["code"]) == (1013, "rate_limited")
            problem(client.get("/models", headers=few), 429, "rate_limited")
        wait_until(lambda: client.get("/models", headers=few).status_code == 200)


def test_frames_count_as_bytes(keys: Keys) -> None:
    frame = picture()
    limited = keys.add("limited", volume=f"{3 * len(frame)}/minute")
    with serving_fake(keys_file=keys.path, live_fps=240) as client, camera(client, limited) as live:
        assert [one["type"] for one in shown(live, frame, frame, frame)] == ["frame"] * 3
        live.send(frame)
        close, (end,) = end_of(live)
    assert (close, end["type"]) == (1013, "end")
    assert "bytes per 1 minute" in end["detail"]


def test_a_connection_ends_when_its_key_is_revoked(keys: Keys) -> None:
    key = keys.add("one")
    with serving_fake(keys_file=keys.path, live_fps=240) as client, camera(client, key) as live:
        shown(live, picture())
        write_keys(keys.path, ())
        wait_until(lambda: client.get("/models", headers=key).status_code == 401)
        live.send(picture())
        close, (end,) = end_of(live)
    assert (close, end["type"]) == (3000, "end")
    assert "revoked" in end["detail"]
