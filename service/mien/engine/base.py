"""The engine seam: everything above it asks for faces here, everything below it finds them."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from mien.domain import AnalyzeOptions, EngineHealth, EngineLoad, Frame, FrameResult, ModelInfo


class Engine(Protocol):
    """Finds and classifies faces in frames. Thread-safe; every method may be called from any thread."""

    def analyze(self, frames: Iterable[Frame], options: AnalyzeOptions) -> Iterator[FrameResult]:
        """Yield one result a frame, in the order of ``frames``.

        The iterable is drawn from in the caller's thread, a bounded number of frames ahead of the results, so that
        decoding a clip (or the next picture of a batch) overlaps with inference and memory does not grow with its
        length. A picture is a one-frame sequence. A frame is released once its faces are found.

        Raises:
            Overloaded: at the first ``next()``, when no further call is admitted.
            DeadlineExceeded: when ``options.deadline`` passes.
            InferenceFailed: when a model run failed on one of these frames.
            EngineClosed: when the engine is closed, also while results are awaited.
        """
        ...

    def models(self) -> tuple[ModelInfo, ...]:
        """Every model in the store; the active ones serve."""
        ...

    def health(self) -> EngineHealth:
        """Whether the engine answers now. Never waits behind work."""
        ...

    def load(self) -> EngineLoad:
        """A snapshot of how busy the engine is. Never waits behind work."""
        ...

    def close(self) -> None:
        """Stop the workers; every call in flight raises ``EngineClosed``. Closing twice is harmless."""
        ...
