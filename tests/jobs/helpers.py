"""A server with jobs, and what tests ask of it."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.server import MIEN, Server

CLIP = {"content-type": "video/mp4"}
NATIVE = {"mode": "async", "fps": "native"}


def server(folder: Path, data: Path, **variables: str) -> Server:
    """``mien serve`` with its log in ``folder`` and its jobs in ``data``."""
    folder.mkdir()
    return Server(folder, {"MIEN_DATA_DIR": str(data), "MIEN_SEGMENT_SECONDS": "0.1", **variables})


def worker(folder: Path, environment: Mapping[str, str], enter: Sequence[str] = ()) -> Server:
    """``mien worker`` with one inference thread and its log in ``folder``; ``enter`` as in ``Postgres``."""
    folder.mkdir()
    variables = {"MIEN_WORKERS": "1", "MIEN_SEGMENT_SECONDS": "0.1", **environment}
    return Server(folder, variables, (*enter, str(MIEN)), "worker")


def submitted(client: httpx.Client, clip: Path, headers: dict[str, str] | None = None, **options: str) -> str:
    """The path of a new job."""
    response = client.post(
        "/analyze-video", content=clip.read_bytes(), headers={**CLIP, **(headers or {})}, params={**NATIVE, **options}
    )
    assert response.status_code == 202, response.text
    assert response.headers["location"] == response.json()["links"]["self"]
    return response.headers["location"]


def wait_for(
    client: httpx.Client, job: str, true: Callable[[dict[str, Any]], bool], seconds: float = 60
) -> dict[str, Any]:
    """The job, once ``true`` holds for it."""
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.get(job).raise_for_status().json()
        if true(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def ended(found: dict[str, Any]) -> bool:
    return found["state"] not in ("queued", "running")


def comparable(text: str) -> str:
    """An analysis without what differs between two answers: the request's id and the times that were measured."""
    return re.sub(r'"request_id":"[^"]*"', "", re.sub(r'"timing_ms":\{[^}]*\}', "", text))


def segments_done(logs: Iterable[Path]) -> Counter[tuple[str, str]]:
    """How often every segment was analysed, by job and name."""
    lines = [json.loads(line) for log in logs for line in log.read_text().splitlines() if line.startswith("{")]
    return Counter((line["job"], line["segment"]) for line in lines if line["message"] == "segment done")
