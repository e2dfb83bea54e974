"""Broken files against a real server: every one must get an answer in time, and nothing else may suffer.

    python -m benchmarks.hostile [--pictures 20000] [--clips 2000] [--also FOLDER] [--seed 29] [--keep FOLDER]

Starts ``mien serve`` and sends it mutated pictures of every format and clips of every container, with deadlines, from
several clients at once; every 25th file is intact, and must be answered 200. Clips are also annotated, and submitted as
jobs. The files of ``--also`` are sent as they are, then mutated. A file is made from the seed and its number alone.

Exit code 1, with the files in ``--keep``, if there was a status of 500 or above other than 503 ``deadline_exceeded``,
an answer later than its deadline and three seconds, a broken connection, an intact file without an answer, or a process
that ended or took more memory than ``deploy/kubernetes/base`` gives it.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.hostile_files import clips, pictures
from benchmarks.process_memory import Memory
from benchmarks.worst_memory import LIMIT_MIB
from tests.e2e.server import Server
from tests.mutations import mutated

_INTACT_EVERY = 25
_PICTURE_SECONDS, _CLIP_SECONDS, _SLACK = 10.0, 20.0, 3.0
_GIVEN_UP = "a decoder process was given up"
_OVERLOADED, _ACCEPTED = 429, 202


@dataclass(frozen=True, slots=True)
class Case:
    """A file to send."""

    name: str
    content: bytes
    is_clip: bool
    is_intact: bool
    number: int


@dataclass
class Outcome:
    """What was answered, of which kind and how late, and what went wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[tuple[Case, str]] = field(default_factory=list)


def cases(files: Sequence[tuple[str, bytes, bool]], count: int, seed: int) -> Iterator[Case]:
    """``count`` mutations of ``files`` (name, content, whether it is a clip), in turns; some intact."""
    for number in range(count if files else 0):
        name, content, is_clip = files[number % len(files)]
        is_intact = number % _INTACT_EVERY == 0
        data = content if is_intact else mutated(content, random.Random(f"{seed}:{name}:{number}"))
        yield Case(name, data, is_clip, is_intact, number)


class Sender:
    """Sends cases to one server, from any thread."""

    def __init__(self, url: str, outcome: Outcome) -> None:
        self._client = httpx.Client(base_url=url, timeout=60, limits=httpx.Limits(max_connections=None))
        self._outcome = outcome
        self._lock = threading.Lock()

    def send(self, case: Case) -> None:
        """One file, and what became of it."""
        if case.is_clip:
            path, deadline = "/analyze-video", _CLIP_SECONDS
            headers = {"content-type": "video/mp4", "accept": "video/mp4" if case.number % 10 == 1 else "*/*"}
            query: dict[str, str] = {"fps": "native"} | ({"mode": "async"} if case.number % 20 == 2 else {})
        else:
            path, deadline, headers, query = "/predict", _PICTURE_SECONDS, {"content-type": "image/*"}, {}
        query["deadline_ms"] = str(round(1000 * deadline))
        started = time.monotonic()
        try:
            answer = self._client.post(path, content=case.content, headers=headers, params=query)
            while answer.status_code == _OVERLOADED:
                time.sleep(float(answer.headers["retry-after"]))
                started = time.monotonic()
                answer = self._client.post(path, content=case.content, headers=headers, params=query)
            seconds = time.monotonic() - started
            told = self._job(answer) if answer.status_code == _ACCEPTED else _told(answer)
        except httpx.HTTPError as error:
            told, seconds = f"0 {type(error).__name__}", time.monotonic() - started
        with self._lock:
            self._outcome.answers[f"{'clip' if case.is_clip else 'picture'}: {told}"] += 1
            self._outcome.seconds.append(seconds)
            if reason := _fault(case, told, seconds, deadline):
                self._outcome.wrong.append((case, reason))

    def _job(self, answer: httpx.Response) -> str:
        job = answer.headers["location"]
        end = time.monotonic() + 60
        while (found := self._client.get(job).raise_for_status().json())["state"] in ("queued", "running"):
            if time.monotonic() > end:
                return "500 a job without an end"
            time.sleep(0.1)
        self._client.delete(job)
        failed = found["error"]
        return "200 job" if failed is None else f"{'500' if failed['code'] == 'internal_error' else '422'} job {failed}"


def _told(answer: httpx.Response) -> str:
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return f"{answer.status_code} {answer.json()['code']}" if is_problem else str(answer.status_code)


def _fault(case: Case, told: str, seconds: float, deadline: float) -> str:
    if case.is_intact and not told.startswith("200"):
        return f"intact, and answered {told}"
    is_late = seconds > deadline + _SLACK and "job" not in told
    if (told[0] in "05" and told != "503 deadline_exceeded") or is_late:
        return f"{told} after {seconds:.1f} s"
    return ""


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--clips", type=int, default=2_000)
    parser.add_argument("--also", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=29)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--keep", type=Path, default=Path("hostile-files"), metavar="FOLDER")
    given = parser.parse_args()
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = [
            (given.pictures, [(name, data, False) for name, data in pictures().items()]),
            (given.clips, [(name, data, True) for name, data in clips().items()]),
        ]
        environment = {"MIEN_DATA_DIR": str(folder / "data"), "MIEN_LOG_NAMES": "no"}
        started = time.monotonic()
        log = folder / "server.log"
        try:
            with Server(folder, environment) as server:
                memory = Memory(server.process.pid)
                memory.start()
                sender = Sender(server.url, outcome)
                with ThreadPoolExecutor(given.clients) as threads:
                    for count, files in kinds:
                        list(threads.map(sender.send, cases(files, count, given.seed)))
                    if given.also is not None:
                        list(threads.map(sender.send, _also(given.also, given.seed)))
                peak = memory.stop()
                died = server.process.poll()
        except subprocess.TimeoutExpired:
            died = None
            outcome.wrong.append((Case("log", log.read_bytes(), False, False, 0), "the service did not stop"))
        given_up = log.read_text().count(_GIVEN_UP)
    seconds = sorted(outcome.seconds)
    print(f"{len(seconds)} files in {(time.monotonic() - started) / 60:.1f} min; answers:")
    for told, count in sorted(outcome.answers.items()):
        print(f"  {count:7,}  {told}")
    print(f"slowest answer {seconds[-1]:.2f} s, 99.9 % within {seconds[int(0.999 * len(seconds))]:.2f} s")
    print(f"decoder processes given up: {given_up}; peak memory {peak:,.0f} MiB of {LIMIT_MIB:,}")
    wrong = [f"{_kept(case, given.keep)}: {reason}" for case, reason in outcome.wrong]
    wrong += [] if died is None else [f"the service ended with {died}"]
    wrong += [] if peak <= LIMIT_MIB else ["too much memory"]
    for reason in wrong:
        print(f"WRONG: {reason}")
    return 1 if wrong else 0


def _also(folder: Path, seed: int) -> Iterator[Case]:
    """The files of a folder as they are, as a picture and as a clip, and mutated."""
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        content = path.read_bytes()
        for is_clip in (False, True):
            yield Case(path.name, content, is_clip, False, 3)
            for number in range(4, 8):
                chance = random.Random(f"{seed}:{path.name}:{number}")
                yield Case(path.name, mutated(content, chance), is_clip, False, number)


def _kept(case: Case, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{case.number}.{case.name.replace(', ', '.').replace(' ', '-')}"
    file.write_bytes(case.content)
    return file


if __name__ == "__main__":
    sys.exit(main())
