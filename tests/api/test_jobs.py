"""Jobs around a fake engine, in this process."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mien.app import create_app
from tests.api.live import problem, serving, serving_fake, settings, state_of, wait_until
from tests.clips import PatchEngine, moving, steps, write_clip

MP4 = {"content-type": "video/mp4"}
ASYNC = {"mode": "async"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(25), moving(25)).read_bytes()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can make a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def finished(client: httpx.Client, clip: bytes) -> str:
    """The path of a job that has succeeded."""
    job = client.post("/analyze-video", content=clip, headers=MP4, params=ASYNC)
    assert job.status_code == 202, job.text
    path = job.headers["location"]
    wait_until(lambda: client.get(path).json()["state"] == "succeeded", 30)
    return path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_clips_answered_in_their_request_touch_neither_database_nor_store(clip: bytes, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving_fake(PatchEngine(), data_dir=data) as client:
        for mode in ("sync", "auto"):
            client.post("/analyze-video", content=clip, headers=MP4, params={"mode": mode}).raise_for_status()
        assert not data.exists()
        job = client.get(finished(client, clip)).json()
        assert (job["progress"], job["segments"], job["error"]) == (1, {"done": 1, "total": 1}, None)
        assert (data / "jobs.sqlite").exists()


def test_a_full_store_answers_507_and_keeps_nothing(clip: bytes, small_disk: Path, tmp_path: Path) -> None:
    with serving_fake(PatchEngine(), data_dir=tmp_path / "data", media_url=str(small_disk)) as client:
        large = clip + bytes(1 << 16)
        problem(client.post("/analyze-video", content=large, headers=MP4, params=ASYNC), 507, "storage_full")
        assert files(small_disk) == []
        assert client.get("/jobs").json() == {"jobs": []}
        client.post("/analyze-video", content=large, headers=MP4).raise_for_status()


def test_results_are_removed_after_their_time(clip: bytes, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving_fake(PatchEngine(), data_dir=data) as client:
        job = finished(client, clip)
        assert [path.name for path in files(data / "media")] == ["result"]
    with serving_fake(PatchEngine(), data_dir=data, retention="0.1s") as client:
        wait_until(lambda: client.get(job).status_code == 404, 20)
        assert files(data / "media") == []


def test_a_second_process_does_not_take_the_jobs_of_the_first(clip: bytes, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving_fake(PatchEngine(), data_dir=data) as first:
        finished(first, clip)
        with serving_fake(PatchEngine(), data_dir=data) as second:
            refused = problem(second.get("/jobs"), 503, "jobs_unavailable")
        assert "MIEN_DATA_DIR" in refused["detail"]
        finished(first, clip)


def test_without_a_folder_for_jobs_a_long_clip_is_too_large(clip: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with serving_fake(PatchEngine(), data_dir=tmp_path / "file/data", max_clip_seconds=0.5) as client:
        refused = problem(client.post("/analyze-video", content=clip, headers=MP4), 413, "too_large")
        assert refused["limit"] == "max_seconds"
        assert "start and end" in refused["detail"]
        assert "MIEN_DATA_DIR" in refused["detail"]
        problem(client.post("/analyze-video", content=clip, headers=MP4, params=ASYNC), 503, "jobs_unavailable")
        part = {"end": "0.4"}
        assert client.post("/analyze-video", content=clip, headers=MP4, params=part).status_code == 200


def test_while_the_database_is_away_a_long_clip_may_come_again(clip: bytes, tmp_path: Path) -> None:
    away = {"database_url": "postgresql://mien@127.0.0.1:1/mien", "max_clip_seconds": 0.5}
    with serving_fake(PatchEngine(), data_dir=tmp_path, **away) as client:
        problem(client.post("/analyze-video", content=clip, headers=MP4), 503, "jobs_unavailable")


def test_a_job_that_does_not_exist(tmp_path: Path) -> None:
    missing = "/jobs/" + 32 * "0"
    with serving_fake(PatchEngine(), data_dir=tmp_path / "data") as client:
        for method, path in (("GET", missing), ("GET", f"{missing}/result"), ("DELETE", missing)):
            problem(client.request(method, path), 404, "job_not_found")
        problem(client.get(f"{missing}/events"), 404, "job_not_found")
        problem(client.get("/jobs/x"), 422, "invalid_option")


def test_requests_do_not_wait_for_the_memory_of_jobs(clip: bytes, tmp_path: Path) -> None:
    app = create_app(settings(data_dir=tmp_path / "data"), PatchEngine())
    budget = state_of(app).jobs._work.clips.budget
    assert budget is not None
    with serving(app) as client:
        with budget.take(1 << 40, None):
            client.post("/analyze-video", content=clip, headers=MP4).raise_for_status()
            job = client.post("/analyze-video", content=clip, headers=MP4, params=ASYNC)
            assert job.status_code == 202
            wait_until(lambda: client.get(job.headers["location"]).json()["state"] == "running")
        wait_until(lambda: client.get(job.headers["location"]).json()["state"] == "succeeded", 30)


def test_a_submission_that_waits_for_memory_keeps_its_deadline(clip: bytes, tmp_path: Path) -> None:
    app = create_app(settings(data_dir=tmp_path / "data"), PatchEngine())
    budget = state_of(app).clips.budget
    assert budget is not None
    with serving(app) as client, budget.take(1 << 40, None):
        answer = client.post("/analyze-video", content=clip, headers=MP4, params={**ASYNC, "deadline_ms": "1000"})
        problem(answer, 503, "deadline_exceeded")
