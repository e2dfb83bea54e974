"""Opening clips within the limits and the memory budget of one machine."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from mien.domain import NEVER_CANCELLED, Cancellation
from mien.memory_budget import MemoryBudget
from mien.video.clip import Clip
from mien.video.demuxer import KeyFrame
from mien.video.model import ClipLimits, Sampling


@dataclass(frozen=True, slots=True)
class ClipReader:
    """Opens clips within ``limits``, each decoded by ``threads`` (0: as many as suit this machine); ``budget`` bounds
    the memory that they take together."""

    limits: ClipLimits = field(default_factory=ClipLimits)
    threads: int = 0
    budget: MemoryBudget | None = None

    def open(
        self,
        path: Path,
        sampling: Sampling,
        long_side: int,
        cancellation: Cancellation = NEVER_CANCELLED,
        key_frame: KeyFrame | None = None,
    ) -> Clip:
        """Open ``path``, once the budget has room for it; ``key_frame`` as in ``Clip``.

        Raises:
            DeadlineExceeded, Cancelled: before there was room, or while reading.
            And as ``Clip``.
        """

        def wait_for_memory(memory: int) -> AbstractContextManager[object]:
            if self.budget is None:
                return nullcontext()
            return self.budget.take(memory, cancellation.deadline, cancellation.raise_if_cancelled)

        return Clip(
            path,
            sampling,
            self.limits,
            long_side,
            self.threads,
            key_frame=key_frame,
            raise_if_cancelled=cancellation.raise_if_cancelled,
            wait_for_memory=wait_for_memory,
        )


ALONE = ClipReader()
"""For a program that reads one clip at a time."""
