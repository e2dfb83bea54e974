"""A process that is killed in the middle of a job: the next one goes on where it was."""

import random
from pathlib import Path

import pytest

from tests.jobs.helpers import CLIP, comparable, ended, segments_done, server, submitted, wait_for
from tests.jobs.postgres import Postgres


@pytest.mark.parametrize(("database", "kills"), [("sqlite", 3), ("postgresql", 2)])
def test_a_killed_job_ends_with_the_same_bytes_and_no_segment_is_analysed_twice(
    database: str, kills: int, long_clip: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    variables = {}
    if database == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        variables |= {"MIEN_DATABASE_URL": postgres.url, "MIEN_EXECUTOR_ID": "the-same"}
    data, logs = tmp_path / "data", []
    job, total = "", 0
    points = sorted(random.sample(range(1, 18), kills))
    for number, point in enumerate(points):
        with server(tmp_path / str(number), data, **variables) as one:
            logs.append(one.log)
            job = job or submitted(one.client, long_clip)
            found = wait_for(one.client, job, lambda job, point=point: job["segments"]["done"] >= point or ended(job))
            total = found["segments"]["total"]
            one.process.kill()
            one.process.wait()
    assert total >= 20
    with server(tmp_path / "last", data, **variables) as last:
        logs.append(last.log)
        assert wait_for(last.client, job, ended)["state"] == "succeeded", points
        killed = last.client.get(f"{job}/result").text
        undisturbed = submitted(last.client, long_clip)
        wait_for(last.client, undisturbed, ended)
        sync = last.client.post(
            "/analyze-video", content=long_clip.read_bytes(), headers=CLIP, params={"mode": "sync", "fps": "native"}
        )
        assert comparable(killed) == comparable(last.client.get(f"{undisturbed}/result").text)
        assert comparable(killed) == comparable(sync.text)
        assert '"person":1' in killed
    done = segments_done(logs)
    assert max(done.values()) == 1, points
    # A kill between storing a segment and logging it leaves no line.
    assert total - kills <= sum(name == job.rpartition("/")[2] for name, _ in done) <= total
    assert not list((data / "media/uploads").iterdir())
    assert {path.name for path in (data / "media/jobs").rglob("*") if path.is_file()} == {"result"}
