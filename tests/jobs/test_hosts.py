"""Three hosts, each with an address of its own: one with PostgreSQL, the object store and the service, two workers."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.jobs.helpers import CLIP, comparable, ended, segments_done, server, submitted, wait_for, worker
from tests.jobs.hosts import Switch, reason_not_permitted
from tests.jobs.object_store import ObjectStore
from tests.jobs.postgres import Postgres, binaries

REASON = reason_not_permitted()


@pytest.mark.cluster
@pytest.mark.skipif(REASON is not None, reason=str(REASON))
def test_a_host_that_is_cut_off_loses_its_work_to_the_other(long_clip: Path, tmp_path: Path) -> None:
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with ExitStack() as stack:
        switch = stack.enter_context(Switch())
        storage, *workers = (switch.host() for _ in range(3))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mien-postgres-")))
        postgres = stack.enter_context(Postgres(found, folder, storage.address, storage.enter, switch.network))
        (tmp_path / "store").mkdir()
        store = stack.enter_context(ObjectStore(tmp_path / "store", storage.address, storage.enter))
        variables = {"MIEN_DATABASE_URL": postgres.url, **store.variables}
        service = stack.enter_context(
            server(tmp_path / "service", tmp_path / "data", **variables, MIEN_JOB_WORKERS="0")
        )
        processes = [
            # The probes are asked from outside of the host.
            stack.enter_context(
                worker(
                    tmp_path / host.name,
                    {
                        **variables,
                        "MIEN_HOST": host.address,
                        "MIEN_ALLOWED_HOSTS": "*",
                        "MIEN_ALLOW_ANONYMOUS": "yes",
                    },
                    host.enter,
                )
            )
            for host in workers
        ]
        job = submitted(service.client, long_clip)

        def done(at: int, job: str = job) -> int:
            return sum(one == job.rpartition("/")[2] for one, _ in segments_done([processes[at].log]))

        state = wait_for(service.client, job, lambda found: ended(found) or min(done(0), done(1)) >= 2)
        assert not ended(state)
        workers[0].cut_off()
        at_cut = done(0)
        assert wait_for(service.client, job, ended, seconds=60)["state"] == "succeeded"
        assert done(0) <= at_cut + 2
        answer = service.client.post(
            "/analyze-video", content=long_clip.read_bytes(), headers=CLIP, params={"mode": "sync", "fps": "native"}
        )
        assert comparable(service.client.get(f"{job}/result").text) == comparable(answer.text)
        assert store.keys() == [f"{job[1:]}/result"]
        processes[1].process.kill()
        workers[0].connect()
        again = submitted(service.client, long_clip)
        assert wait_for(service.client, again, ended, seconds=150)["state"] == "succeeded"
        # The first host finishes the two that it had in work when its cable was pulled, and is told that it is late.
        assert sum(segments_done(one.log for one in processes).values()) <= 2 * state["segments"]["total"] + 2
        assert store.keys() == sorted(f"{one[1:]}/result" for one in (job, again))
