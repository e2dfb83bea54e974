"""One library in a process of its own environment, on one core.

    python -m benchmarks.speed.peers.worker PROGRAM SETTING

Reads a line of JSON with ``files`` and ``seconds`` and answers with a line: the files are read first, then analysed one
pass after the other until the time is over. The first line it writes says that it is ready, or why it is unavailable.
Needs nothing but the library: it runs without Mien's packages.
"""

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.speed.peers.programs import Analyze, Unavailable


def measure(analyze: Analyze, files: list[str], seconds: float) -> dict[str, float]:
    """Pictures, faces in one pass over them, and seconds on the clock and of processor time."""
    contents = [Path(file).read_bytes() for file in files]
    faces, passes, cpu, started = 0, 0, time.process_time(), time.perf_counter()
    while not passes or time.perf_counter() < started + seconds:
        faces = analyze(contents)
        passes += 1
    spent = time.perf_counter() - started
    return {
        "pictures": passes * len(files),
        "faces": faces,
        "seconds": spent,
        "cpu": time.process_time() - cpu,
    }


def _answers() -> Callable[[object], None]:
    """A function that writes a line of JSON to what was standard output; what a library prints there goes to
    standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value: object) -> None:
        out.write(json.dumps(value) + "\n")
        out.flush()

    return answer


def main() -> None:
    """Load the library, then measure until standard input ends."""
    program, setting = sys.argv[1:]
    answer = _answers()
    if hasattr(os, "sched_setaffinity"):  # before the library is loaded, so that it starts few threads
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    try:
        analyze = importlib.import_module(f"benchmarks.speed.peers.programs.{program}").load(setting)
    except Unavailable as reason:
        answer({"unavailable": str(reason)})
        return
    answer({"ready": True})
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            told = json.loads(line)
            answer(measure(analyze, told["files"], told["seconds"]))


if __name__ == "__main__":
    main()
