"""A database that is away."""

import time
from pathlib import Path

from tests.jobs.helpers import CLIP, ended, server, submitted
from tests.jobs.postgres import Postgres


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
