"""Opening clips for callers who share one machine's memory."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from service.domain import AnalyzeOptions
from service.media.clip_model import ClipLimits, Sampling
from service.media.clips import Clip
from service.media.turns import DecodeTurns


@dataclass(frozen=True, slots=True)
class ClipReader:
    """Opens clips: within ``limits``, each decoded by ``threads`` (0: as many as suit this machine), and with
    ``turns`` no more at once than the memory suffices for."""

    limits: ClipLimits = field(default_factory=ClipLimits)
    threads: int = 0
    turns: DecodeTurns | None = None

    def open(self, path: Path, sampling: Sampling, long_side: int, options: AnalyzeOptions) -> Clip:
        """A clip for the caller who asked with ``options``.

        Raises:
            DeadlineExceeded, CallerGone: while others held the memory.
            And as ``Clip``.
        """

        def wait_for_memory(memory: int) -> AbstractContextManager[object]:
            turns = self.turns
            return nullcontext() if turns is None else turns.take(memory, options.deadline, options.check_caller)

        return Clip(
            path,
            sampling,
            self.limits,
            long_side,
            self.threads,
            check_caller=options.check_caller,
            wait_for_memory=wait_for_memory,
        )


ALONE = ClipReader()
"""For a program that reads one clip at a time."""
