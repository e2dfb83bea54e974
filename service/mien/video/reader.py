"""Opening clips within the limits and the memory budget of one machine."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from mien.domain import NEVER_CANCELLED, Cancellation
from mien.memory_budget import MemoryBudget
from mien.sandbox.pool import DecoderPool
from mien.video.clip import Clip
from mien.video.clip_messages import Order
from mien.video.demuxer import KeyFrame
from mien.video.divide_task import Division, divide_remotely
from mien.video.model import ClipLimits, Sampling
from mien.video.parts import PartBounds, divide
from mien.video.remote_clip import RemoteClip
from mien.video.remux import OpenClip


@dataclass(frozen=True, slots=True)
class ClipReader:
    """Opens clips within ``limits``, each decoded by ``threads`` (0: as many as suit this machine); ``budget`` bounds
    the memory that they take together. Decoding takes place in a process of ``sandbox``, or in this one if that is
    ``None``."""

    limits: ClipLimits = field(default_factory=ClipLimits)
    threads: int = 0
    budget: MemoryBudget | None = None
    sandbox: DecoderPool | None = None

    def open(
        self,
        path: Path,
        sampling: Sampling,
        long_side: int,
        cancellation: Cancellation = NEVER_CANCELLED,
        key_frame: KeyFrame | None = None,
    ) -> OpenClip:
        """Open ``path``, once the budget has room for it; ``key_frame`` as in ``Clip``.

        Raises:
            DeadlineExceeded, Cancelled: before there was room, or while reading.
            And as ``Clip`` or ``RemoteClip``.
        """

        def wait_for_memory(memory: int) -> AbstractContextManager[object]:
            if self.budget is None:
                return nullcontext()
            return self.budget.take(memory, cancellation.deadline, cancellation.raise_if_cancelled)

        if self.sandbox is not None:
            order = Order(sampling, self.limits, long_side, self.threads, key_frame)
            return RemoteClip(self.sandbox, path, order, cancellation, wait_for_memory)
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

    def divide(
        self, path: Path, sampling: Sampling, seconds: float, cancellation: Cancellation = NEVER_CANCELLED
    ) -> list[PartBounds]:
        """Parts of ``path`` that can be read one by one: see ``mien.video.parts.divide``, whose errors this raises, and
        those of ``Session``."""
        if self.sandbox is not None:
            return divide_remotely(
                self.sandbox, path, Division(sampling, seconds, self.limits.max_pixels), cancellation
            )
        return divide(path, sampling, seconds, self.limits.max_pixels, cancellation.raise_if_cancelled)


ALONE = ClipReader()
"""For a program that reads one clip at a time."""
