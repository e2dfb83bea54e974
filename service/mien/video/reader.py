"""Opening clips for callers who share one machine's memory."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from mien.domain import AnalyzeOptions
from mien.memory_budget import MemoryBudget
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling


@dataclass(frozen=True, slots=True)
class ClipReader:
    """Opens clips: within ``limits``, each decoded by ``threads`` (0: as many as suit this machine), and with
    ``turns`` no more at once than the memory suffices for."""

    limits: ClipLimits = field(default_factory=ClipLimits)
    threads: int = 0
    turns: MemoryBudget | None = None

    def open(self, path: Path, sampling: Sampling, long_side: int, options: AnalyzeOptions) -> Clip:
        """A clip for the caller who asked with ``options``.

        Raises:
            DeadlineExceeded, Cancelled: while others held the memory.
            And as ``Clip``.
        """

        def wait_for_memory(memory: int) -> AbstractContextManager[object]:
            turns = self.turns
            return nullcontext() if turns is None else turns.take(memory, options.deadline, options.raise_if_cancelled)

        return Clip(
            path,
            sampling,
            self.limits,
            long_side,
            self.threads,
            raise_if_cancelled=options.raise_if_cancelled,
            wait_for_memory=wait_for_memory,
        )


ALONE = ClipReader()
"""For a program that reads one clip at a time."""
