"""The seam between those who use an open clip and where it is decoded: in this process, or in one that may die."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mien.domain import Frame, U8Array
from mien.errors import InvalidOption
from mien.video.model import ClipInfo, Sampling
from mien.video.parts import PartFacts


class FrameWriter(Protocol):
    """Writes a clip; see ``mien.video.writer.Remuxer``."""

    @property
    def warning(self) -> str | None: ...

    def write(self, pixels: U8Array, time: float) -> None: ...


@dataclass(slots=True)
class RemoteWriter:
    """A ``FrameWriter`` of a clip that is written elsewhere: frames are passed to ``pass_on``."""

    pass_on: Callable[[U8Array, float], None]
    warning: str | None = None

    def write(self, pixels: U8Array, time: float) -> None:
        """See ``Remuxer.write``."""
        self.pass_on(pixels, time)


class OpenClip(Protocol):
    """A clip that is being read; see ``mien.video.clip.Clip``, whose errors all of them raise."""

    @property
    def info(self) -> ClipInfo: ...

    @property
    def sampling(self) -> Sampling: ...

    @property
    def frames_decoded(self) -> int: ...

    @property
    def read_until(self) -> float: ...

    @property
    def shown_until(self) -> float: ...

    @property
    def duration(self) -> float: ...

    @property
    def facts(self) -> PartFacts: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    def frames(self) -> Iterator[Frame]: ...

    def remuxer(self, target: Path, duration: float) -> AbstractContextManager[FrameWriter]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def remux(
    clip: OpenClip, frames: Iterable[Frame], target: Path, duration: float, warn: Callable[[str], None]
) -> Iterator[float]:
    """Write ``frames`` of ``clip`` (possibly drawn on) and its sound to ``target``; yield the time of each frame.

    Times in ``target`` count from the ``start`` of the clip's sampling. ``duration`` is the clip's, in seconds.
    The file is complete once the iterator is exhausted; then ``warn`` is called with a sentence if sound was lost.

    Raises:
        InvalidOption: there are no frames.
    """
    is_empty = True
    with clip.remuxer(target, duration) as writer:
        for frame in frames:
            is_empty = False
            writer.write(frame.pixels, frame.time)
            yield frame.time
        if is_empty:
            raise InvalidOption("start", "No frame begins in the requested part; choose another start or end.")
    if writer.warning is not None:
        warn(writer.warning)
