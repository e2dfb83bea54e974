"""Many jobs of many clients at once: do all end, in fair order, and does the service answer its probes meanwhile?"""

import argparse
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.jobs.clips import write_clip
from benchmarks.jobs.processes import refusals, started, submit

_KEY = "key-of-client-{:02}"


def run(options: argparse.Namespace) -> None:
    """Prints what was asked for."""
    clients = [_KEY.format(at) for at in range(options.clients)]
    with tempfile.TemporaryDirectory() as folder, started("serve", {"MIEN_API_KEYS": ",".join(clients)}) as server:
        clip = write_clip(Path(folder, "clip.mp4"), options.seconds, width=320).read_bytes()
        long = write_clip(Path(folder, "long.mp4"), 600, width=320).read_bytes()
        probes = _Probes(str(server.url))
        probes.start()
        before = time.monotonic()
        submitted: dict[str, str] = {}
        with httpx.Client(base_url=str(server.url), timeout=120) as client:
            # The first client fills the queue before the others arrive; in order of arrival, it would be served first.
            first = submit(client, long, {"x-api-key": clients[0]}).rpartition("/")[2]
            numbers = range(options.jobs // options.clients)

            def submit_all(key: str) -> None:
                for number in numbers:
                    headers = {"x-api-key": key, "idempotency-key": str(number)}
                    job = submit(client, clip, headers)
                    if number == 0 and submit(client, clip, headers) != job:
                        raise SystemExit("One idempotency key gave two jobs.")
                    submitted[job.rpartition("/")[2]] = key

            with ThreadPoolExecutor(len(clients)) as threads:
                list(threads.map(submit_all, clients))
            at_submission = time.monotonic() - before
            ended = _ended(client, clients, {*submitted, first})
        probes.stop()
    order = [submitted[job] for job in ended if job in submitted]
    half = Counter(order[: len(order) // 2])
    print(f"{len(submitted)} jobs of {len(clients)} clients, {options.seconds} s of video each, and one of 600 s first")
    print(f"all submitted after {at_submission:.1f} s, all ended after {time.monotonic() - before:.1f} s; none failed")
    print(f"told to come back: {dict(refusals) or 'never'}")
    shares = [half[key] for key in clients]
    print(f"of each client's {len(order) // len(clients)}, ended when half of all had: {min(shares)} to {max(shares)}")
    print(f"the long one ended after {ended.index(first)} of the others")
    print(f"probes: {probes.told()}")


def _ended(client: httpx.Client, keys: Sequence[str], jobs: set[str]) -> list[str]:
    """The jobs in the order of their ends; each is shown to its own key alone."""
    while True:
        found = [one for key in keys for one in _listed(client, key) if one["id"] in jobs]
        if failed := [one for one in found if one["state"] in ("failed", "cancelled")]:
            raise SystemExit(f"A job failed: {failed[0]['error']}")
        if len(found) == len(jobs) and all(one["state"] == "succeeded" for one in found):
            return [one["id"] for one in sorted(found, key=lambda one: one["finished"])]
        time.sleep(1)


def _listed(client: httpx.Client, key: str) -> list[dict[str, Any]]:
    while True:
        answer = client.get("/jobs", params={"limit": 1000}, headers={"x-api-key": key})
        if answer.status_code != 503:
            listed: list[dict[str, Any]] = answer.raise_for_status().json()["jobs"]
            return listed
        refusals["jobs_unavailable"] += 1
        time.sleep(float(answer.headers["retry-after"]))


class _Probes:
    """Asks whether the service is ready, again and again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seconds: list[float] = []
        self._refused: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def told(self) -> str:
        p50, p99 = np.percentile(self._seconds, (50, 99)) * 1000
        refused = f", {len(self._refused)} not ready: {self._refused[0]}" if self._refused else ""
        slowest = max(self._seconds) * 1000
        return f"{len(self._seconds)}, p50 {p50:.1f} ms, p99 {p99:.1f} ms, slowest {slowest:.0f} ms{refused}"

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            while not self._stopped.wait(0.05):
                before = time.perf_counter()
                answer = client.get("/health/ready")
                self._seconds.append(time.perf_counter() - before)
                if answer.status_code != 200:
                    self._refused.append(answer.json()["detail"])
