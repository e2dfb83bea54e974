"""The memory of a process and of all that it started."""

import threading
from contextlib import suppress
from pathlib import Path

import psutil


class Memory(threading.Thread):
    """Samples the memory of a process and all below it: what they share counts once. ``peak`` in MiB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._stop_sampling = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        while not self._stop_sampling.wait(0.2):
            self.peak = max(self.peak, held_by(self._process))

    def stop(self) -> float:
        self._stop_sampling.set()
        self.join()
        return self.peak


def held_by(process: psutil.Process) -> float:
    """MiB of a process and all below it: what they share counts once."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(OSError, psutil.Error, StopIteration):
                lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()
                total += int(next(line.split()[1] for line in lines if line.startswith("Pss:")))
    return total / 1024
