"""What a client meets, from the submission of a clip to its removal."""

import json
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from tests.e2e.server import MIEN, Server
from tests.jobs.helpers import CLIP, comparable, ended, segments_done, server, submitted, wait_for

SIGNER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FORMS = ("application/json", "text/csv", "application/x-ndjson", "image/png")


class Receiver:
    """Keeps the webhooks that it is sent; refuses the first one."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append((dict(self.headers), body))
                self.send_response(500 if len(receiver.received) == 1 else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs") / "data"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("jobs") / "server"
    variables = {
        "MIEN_WEBHOOK_SECRET": SIGNER,
        "MIEN_WEBHOOK_HOSTS": "127.0.0.1",
        "MIEN_MAX_CLIP_SECONDS": "2",
        "MIEN_JOB_WORKERS": "2",
    }
    with server(folder, data, **variables) as one:
        yield one


@pytest.fixture(scope="module")
def client(running: Server) -> httpx.Client:
    return running.client


def files(data: Path) -> list[str]:
    return [path.name for path in data.joinpath("media").rglob("*") if path.is_file()]


def test_a_job_answers_what_the_request_would_have(client: httpx.Client, long_clip: Path, data: Path) -> None:
    part = {"start": "0.5", "end": "2.3", "fps": "native"}
    job = submitted(client, long_clip, {"accept": "video/mp4"}, **part)
    assert wait_for(client, job, ended)["state"] == "succeeded"
    for form in FORMS:
        result = client.get(f"{job}/result", headers={"accept": form}).raise_for_status()
        answer = client.post(
            "/analyze-video",
            content=long_clip.read_bytes(),
            headers={**CLIP, "accept": form},
            params={"mode": "sync", **part},
        ).raise_for_status()
        assert result.headers["content-type"] == answer.headers["content-type"]
        if form == "image/png":
            assert result.content == answer.content
        else:
            assert comparable(result.text) == comparable(answer.text)
    annotated = client.get(f"{job}/result", headers={"accept": "video/mp4"}).raise_for_status()
    assert b"ftyp" in annotated.content[:16]
    assert sorted(files(data)) == ["annotated.mp4", "result"]
    assert client.delete(job).status_code == 204
    assert client.get(job).json()["code"] == "job_not_found"
    assert files(data) == []


def test_longer_clips_become_jobs_by_themselves_and_tell_their_progress(client: httpx.Client, long_clip: Path) -> None:
    answer = client.post("/analyze-video", content=long_clip.read_bytes(), headers=CLIP, params={"fps": "native"})
    assert answer.status_code == 202
    job = answer.headers["location"]
    with client.stream("GET", f"{job}/events") as stream:
        lines = [line.removeprefix("data:") for line in stream.iter_lines() if line.startswith("data:")]
    events = [json.loads(line) for line in lines]
    shares = [event["progress"] for event in events]
    assert shares == sorted(shares)
    assert len(set(shares)) > 2
    assert events[-1]["state"] == "succeeded"
    assert client.get(f"{job}/result", headers={"accept": "video/mp4"}).json()["code"] == "job_has_no_result"
    assert job.rpartition("/")[2] in {
        one["id"] for one in client.get("/jobs", params={"state": "succeeded"}).json()["jobs"]
    }


def test_the_command_line_shows_jobs_and_fetches_results(running: Server, long_clip: Path, tmp_path: Path) -> None:
    job = submitted(running.client, long_clip, end="1").rpartition("/")[2]

    def mien(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(MIEN), "jobs", "--url", str(running.url), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert mien("watch", job).stdout.splitlines()[-1].startswith("succeeded")
    assert job in mien("list").stdout
    assert json.loads(mien("show", job).stdout)["state"] == "succeeded"
    assert mien("result", job, "--format", "csv", "-o", str(tmp_path / "out.csv")).returncode == 0
    assert (tmp_path / "out.csv").read_text().startswith("time,frame,person")
    assert mien("cancel", job).returncode == 0
    missing = mien("show", job)
    assert (missing.returncode, "There is no job" in missing.stderr) == (1, True)


def test_one_idempotency_key_gives_one_job(client: httpx.Client, long_clip: Path, data: Path) -> None:
    key = {"idempotency-key": "order-66"}
    jobs: list[str] = []
    threads = [
        threading.Thread(target=lambda: jobs.append(submitted(client, long_clip, key, end="1"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == 4
    assert len(set(jobs)) == 1
    other = client.post(
        "/analyze-video", content=long_clip.read_bytes(), headers={**CLIP, **key}, params={"mode": "async"}
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert wait_for(client, jobs[0], ended)["state"] == "succeeded"
    assert not list((data / "media/uploads").iterdir())


def test_a_cancelled_job_stops_within_a_segment_and_leaves_no_file(
    running: Server, long_clip: Path, data: Path
) -> None:
    client = running.client
    job = submitted(client, long_clip)
    wait_for(client, job, lambda found: found["segments"]["done"] >= 2)
    assert client.delete(job).status_code == 204
    name = job.rpartition("/")[2]

    def done() -> int:
        return sum(one == name for one, _ in segments_done([running.log]))

    at_cancel = done()
    assert client.get(job).json()["state"] == "cancelled"
    assert client.get(f"{job}/result").json()["code"] == "job_has_no_result"
    time.sleep(2)
    assert done() <= at_cancel + 2  # both workers were at one
    assert not [path for path in (data / "media").rglob("*") if path.is_file() and name in str(path)]
    assert not list((data / "media/uploads").iterdir())


def test_webhooks_are_signed_and_sent_again(client: httpx.Client, long_clip: Path) -> None:
    receiver = Receiver()
    job = submitted(client, long_clip, webhook=receiver.url, end="0.5")
    wait_for(client, job, ended)
    deadline = time.monotonic() + 30
    while len(receiver.received) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    receiver.server.shutdown()
    receiver.server.server_close()
    for headers, body in receiver.received:
        message = Webhook(SIGNER).verify(body, headers)
        assert (message["type"], message["data"]["id"]) == ("job.succeeded", job.rpartition("/")[2])
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


@pytest.mark.parametrize(
    "address",
    ["ftp://example.org/", "http://localhost/x", "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "x"],
)
def test_webhooks_go_to_the_internet_only(client: httpx.Client, long_clip: Path, address: str) -> None:
    refused = client.post(
        "/analyze-video",
        content=long_clip.read_bytes(),
        headers=CLIP,
        params={"mode": "async", "webhook": address},
    )
    assert (refused.status_code, refused.json()["field"]) == (422, "webhook")


def test_what_is_no_clip_is_refused_at_once(client: httpx.Client, data: Path) -> None:
    refused = client.post("/analyze-video", content=b"hello", headers=CLIP, params={"mode": "async"})
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media")
    assert not list((data / "media/uploads").iterdir())


def test_the_metrics_count_jobs_and_segments(client: httpx.Client, long_clip: Path) -> None:
    before = counted(client)
    job = submitted(client, long_clip, end="1")
    total = wait_for(client, job, ended)
    assert total["state"] == "succeeded"
    after = counted(client)
    assert (
        after['mien_jobs_ended_total{outcome="succeeded"}'] == before['mien_jobs_ended_total{outcome="succeeded"}'] + 1
    )
    assert after["mien_job_segment_seconds_count"] >= before["mien_job_segment_seconds_count"] + 4
    assert after["mien_job_wait_seconds_count"] == before["mien_job_wait_seconds_count"] + 1


def counted(client: httpx.Client) -> defaultdict[str, float]:
    """The metrics of jobs by name."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("mien_job")]
    return defaultdict(float, {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)})
