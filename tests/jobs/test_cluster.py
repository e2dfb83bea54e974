"""Several processes over one PostgreSQL and one S3-compatible store."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.jobs.helpers import CLIP, comparable, ended, segments_done, server, submitted, wait_for, worker
from tests.jobs.object_store import ObjectStore
from tests.jobs.postgres import Postgres


@pytest.fixture
def shared(postgres: Postgres, object_store: ObjectStore) -> Mapping[str, str]:
    return {"MIEN_DATABASE_URL": postgres.url, **object_store.variables}


@pytest.fixture
def service(shared: Mapping[str, str], tmp_path: Path) -> Iterator[Server]:
    """It takes jobs and works on none."""
    with server(tmp_path / "service", tmp_path / "data", **shared, MIEN_JOB_WORKERS="0") as one:
        yield one


def sync_answer(service: Server, clip: Path) -> str:
    options = {"mode": "sync", "fps": "native"}
    return (
        service.client.post("/analyze-video", content=clip.read_bytes(), headers=CLIP, params=options)
        .raise_for_status()
        .text
    )


def done_by(logs: list[Path], job: str) -> list[int]:
    """How many segments of a job each process has analysed."""
    return [sum(one == job.rpartition("/")[2] for one, _ in segments_done([log])) for log in logs]


def test_segments_spread_over_workers_and_the_work_of_a_killed_one_is_taken_up(
    shared: Mapping[str, str], service: Server, object_store: ObjectStore, long_clip: Path, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(tmp_path / name, shared)) for name in ("first", "second")]
        logs = [one.log for one in workers]
        job = submitted(service.client, long_clip)
        found = wait_for(service.client, job, lambda found: ended(found) or min(done_by(logs, job)) >= 2)
        assert not ended(found)
        workers[0].process.kill()
        workers[0].process.wait()
        assert wait_for(service.client, job, ended, seconds=60)["state"] == "succeeded"
        result = service.client.get(f"{job}/result").text
        assert comparable(result) == comparable(sync_answer(service, long_clip))
        assert '"person":1' in result
        done: Counter[tuple[str, str]] = segments_done(logs)
        assert max(done.values()) == 1
        # A kill between storing a segment and logging it leaves no line.
        assert found["segments"]["total"] - 1 <= sum(done_by(logs, job)) <= found["segments"]["total"]
        assert object_store.keys() == [f"{job[1:]}/result"]
        assert service.client.delete(job).status_code == 204
        assert object_store.keys() == []


@pytest.mark.cluster
def test_a_job_goes_on_after_postgresql_was_restarted(
    shared: Mapping[str, str], service: Server, postgres: Postgres, long_clip: Path, tmp_path: Path
) -> None:
    with worker(tmp_path / "worker", shared) as one:
        job = submitted(service.client, long_clip)
        wait_for(service.client, job, lambda found: found["segments"]["done"] >= 3)
        postgres.stop()
        postgres.start()
        assert wait_for(service.client, job, ended, seconds=90)["state"] == "succeeded"
        assert comparable(service.client.get(f"{job}/result").text) == comparable(sync_answer(service, long_clip))
        assert max(segments_done([one.log]).values()) == 1


@pytest.mark.cluster
def test_a_worker_that_stops_leaves_its_work_to_the_others_at_once(
    shared: Mapping[str, str], service: Server, long_clip: Path, tmp_path: Path
) -> None:
    with worker(tmp_path / "first", shared) as first:
        job = submitted(service.client, long_clip)
        wait_for(service.client, job, lambda found: found["segments"]["done"] >= 2)
        assert first.stop() == 0
    with worker(tmp_path / "second", shared) as second:
        found = wait_for(service.client, job, ended)
        assert found["state"] == "succeeded"
        assert sum(done_by([first.log, second.log], job)) == found["segments"]["total"]
