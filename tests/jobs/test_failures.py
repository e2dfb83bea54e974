"""A full store, a database that is away, and results that are older than their time."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.helpers import CLIP, ended, server, submitted, wait_for
from tests.jobs.postgres import Postgres


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can make a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_store_answers_507_and_keeps_nothing(small_disk: Path, long_clip: Path, tmp_path: Path) -> None:
    with server(tmp_path / "server", tmp_path / "data", MIEN_MEDIA_URL=str(small_disk)) as one:
        content = long_clip.read_bytes()
        assert len(content) > 1 << 16
        full = one.client.post("/analyze-video", content=content, headers=CLIP, params={"mode": "async"})
        assert (full.status_code, full.json()["code"]) == (507, "storage_full")
        assert not [path for path in small_disk.rglob("*") if path.is_file()]
        assert one.client.get("/jobs").json() == {"jobs": []}
        part = {"mode": "sync", "end": "1"}
        assert one.client.post("/analyze-video", content=content, headers=CLIP, params=part).status_code == 200


def test_without_the_database_pictures_and_short_clips_go_on(
    postgres: Postgres, long_clip: Path, astronaut: bytes, tmp_path: Path
) -> None:
    with server(tmp_path / "server", tmp_path / "data", MIEN_DATABASE_URL=postgres.url) as one:
        client, content = one.client, long_clip.read_bytes()
        job = submitted(client, long_clip)
        postgres.stop()
        try:
            for answer in (
                client.get(job),
                client.get("/jobs"),
                client.post("/analyze-video", content=content, headers=CLIP, params={"mode": "async"}),
            ):
                assert (answer.status_code, answer.json()["code"]) == (503, "jobs_unavailable")
                assert int(answer.headers["retry-after"]) >= 1
            part = {"end": "1"}
            assert client.post("/analyze-video", content=content, headers=CLIP, params=part).status_code == 200
            picture = client.post("/predict", content=astronaut, headers={"content-type": "image/jpeg"})
            assert picture.status_code == 200
            assert client.get("/health/ready").status_code == 200
        finally:
            postgres.start()
        assert wait_for_again(one.client, job)["state"] == "succeeded"


def wait_for_again(client: object, job: str) -> dict[str, str]:
    """The job once it has ended, though the database may still be starting."""
    deadline = time.monotonic() + 150
    while True:
        answer = client.get(job)  # type: ignore[attr-defined]
        if answer.status_code == 200 and ended(answer.json()):
            found: dict[str, str] = answer.json()
            return found
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


def test_results_are_removed_after_their_time(long_clip: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server(tmp_path / "first", data) as one:
        job = submitted(one.client, long_clip, end="0.5")
        wait_for(one.client, job, ended)
    with server(tmp_path / "second", data, MIEN_RETENTION="0.1s") as one:
        deadline = time.monotonic() + 20
        while one.client.get(job).status_code != 404:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert not [path for path in (data / "media").rglob("*") if path.is_file()]


def test_a_second_process_does_not_take_the_jobs_of_the_first(long_clip: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server(tmp_path / "first", data) as first, server(tmp_path / "second", data) as second:
        job = submitted(first.client, long_clip, end="0.5")
        refused = second.client.get("/jobs")
        assert (refused.status_code, refused.json()["code"]) == (503, "jobs_unavailable")
        assert "MIEN_DATA_DIR" in refused.json()["detail"]
        wait_for(first.client, job, ended)
