"""A job is there for the key that submitted it, and for no other."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.keys import Keys
from tests.api.live import KEY, problem, serving_fake
from tests.api.test_jobs import ASYNC, MP4
from tests.clips import PatchEngine, moving, steps, write_clip

Headers = dict[str, str]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(5), moving(5)).read_bytes()


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[tuple[httpx.Client, Headers, Headers]]:
    keys = Keys(tmp_path / "keys.json")
    one, other = keys.add("one"), keys.add("other")
    more = {"keys_file": keys.path, "api_keys": KEY, "data_dir": tmp_path / "data"}
    with serving_fake(PatchEngine(), **more) as client:
        yield client, one, other


def submitted(client: httpx.Client, clip: bytes, headers: Headers) -> str:
    job = client.post("/analyze-video", content=clip, headers={**MP4, **headers}, params=ASYNC)
    assert job.status_code == 202, job.text
    return job.headers["location"]


def test_another_key_does_not_see_a_job(keyed: tuple[httpx.Client, Headers, Headers], clip: bytes) -> None:
    client, one, other = keyed
    job = submitted(client, clip, one)
    for headers in (other, {"x-api-key": KEY}):
        for method, path in (("GET", job), ("GET", f"{job}/events"), ("GET", f"{job}/result"), ("DELETE", job)):
            problem(client.request(method, path, headers=headers), 404, "job_not_found")
        problem(client.get(f"{job}/result", headers={**headers, "accept": "video/mp4"}), 404, "job_not_found")
        assert client.get("/jobs", headers=headers).json() == {"jobs": []}
    # In a header of the other kind, it is the same key.
    bearer = {"authorization": f"Bearer {one['X-API-Key']}"}
    assert [found["links"]["self"] for found in client.get("/jobs", headers=bearer).json()["jobs"]] == [job]
    assert client.get(job, headers=one).status_code == 200
    assert "event: end" in client.get(f"{job}/events", headers=one).text
    assert client.get(f"{job}/result", headers=one).status_code == 200
    assert client.delete(job, headers=one).status_code == 204


def test_two_keys_may_choose_the_same_idempotency_key(
    keyed: tuple[httpx.Client, Headers, Headers], clip: bytes
) -> None:
    client, one, other = keyed
    same = {"idempotency-key": "1"}
    jobs = [submitted(client, clip, {**headers, **same}) for headers in (one, other, one)]
    assert jobs[0] == jobs[2] != jobs[1]


def test_without_keys_there_is_no_job_of_a_key(clip: bytes, tmp_path: Path) -> None:
    with serving_fake(PatchEngine(), api_keys=KEY, data_dir=tmp_path) as client:
        job = submitted(client, clip, {"x-api-key": KEY})
    with serving_fake(PatchEngine(), data_dir=tmp_path) as client:
        problem(client.get(job), 404, "job_not_found")
        assert client.get("/jobs").json() == {"jobs": []}
        mine = submitted(client, clip, {})
        assert client.get(mine).status_code == 200
