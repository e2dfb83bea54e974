"""The memory of a long clip against that of a short one, each as a job of a service of its own."""

import argparse
import tempfile
import threading
from datetime import datetime
from pathlib import Path

from benchmarks.jobs.clips import write_clip
from benchmarks.jobs.processes import memory, started, submit, wait_for


def run(options: argparse.Namespace) -> None:
    """Prints the peaks."""
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            clip = write_clip(Path(folder, "clip.mp4"), 60 * minutes, width=160, gop=25)
            peaks.append(_peak(clip, options.fps, f"{minutes} min ({clip.stat().st_size / 2**20:.0f} MiB)"))
    print(f"difference: {(peaks[-1] - peaks[0]) / 2**20:+.0f} MiB")


def _peak(clip: Path, fps: str, name: str) -> int:
    peak, done = 0, threading.Event()
    with started("serve", {}) as server:

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.1):
                peak = max(peak, memory(server))

        thread = threading.Thread(target=watch)
        with clip.open("rb") as file:
            job = submit(server.client, file.read(), fps=fps)
        thread.start()
        try:
            found = wait_for(server.client, job, every=0.5)
        finally:
            done.set()
            thread.join()
        created, finished = (datetime.fromisoformat(found[name]) for name in ("created", "finished"))
        seconds = (finished - created).total_seconds()
        print(f"{name}: peak {peak / 2**20:.0f} MiB, {seconds:.0f} s", flush=True)
    return peak
