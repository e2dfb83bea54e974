"""Fuzzes the parsers that are our own with atheris (libFuzzer), guided by the coverage of the service's code.

    make fuzz [MINUTES=60]        # python -m tests.fuzz [--minutes 60] [--only NAME ...] [--corpus FOLDER]

The minutes are shared by the targets of ``tests.fuzz.targets``, one process per core. A finding is an undocumented
error, an input that takes ten seconds or a process of 2 GiB; the input is kept in the corpus folder, which a later run
goes on from. Exit code 1 if there was a finding.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_BOUNDS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1")
# It compares arrays, and atheris 3.0.0 never frees what an instrumented comparison returns, if that is no truth value:
# 2 GiB after 178,000 pictures.
_WITH_ARRAYS = ["mien.images.partial"]
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"\bcov: (\d+)")


def _fuzz(name: str, corpus: Path, seconds: int) -> None:
    """In this process, which libFuzzer ends."""
    import atheris  # only for this program

    with atheris.instrument_imports(include=["mien", "python_multipart"], exclude=_WITH_ARRAYS):
        from tests.fuzz.targets import TARGETS  # instrumented
    target = TARGETS[name]
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    bounds = (*_BOUNDS, f"-max_total_time={seconds}", f"-artifact_prefix={corpus}-")
    atheris.Setup([sys.argv[0], *bounds, str(corpus)], target.parse)
    atheris.Fuzz()


def _run(name: str, corpus: Path, seconds: int) -> str | None:
    """Fuzz one target in a process of its own; what it found, if anything."""
    corpus.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz", "--one", name, "--seconds", str(seconds), "--corpus", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    told = done.stdout + done.stderr
    runs, covered = _RUNS.findall(told), _COVERED.findall(told)
    print(f"{name:>12}: {int(runs[-1]) if runs else 0:>10,} inputs, {covered[-1] if covered else 0} edges", flush=True)
    return None if done.returncode == 0 else told[-4000:]


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        _fuzz(given.one, given.corpus, given.seconds)
    from tests.fuzz.targets import TARGETS  # in the other processes it is imported instrumented

    names = given.only or list(TARGETS)
    cores = os.cpu_count() or 1
    seconds = round(60 * given.minutes * min(cores, len(names)) / len(names))
    print(f"{len(names)} targets, {seconds} s each, {cores} at a time", flush=True)
    with ThreadPoolExecutor(cores) as threads:
        found = list(threads.map(lambda name: _run(name, given.corpus / name, seconds), names))
    for name, told in zip(names, found, strict=True):
        if told is not None:
            print(f"FOUND in {name}:\n{told}")
    print("no finding" if not any(found) else f"{sum(told is not None for told in found)} targets with findings")
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
