"""The engine interface: the layers above ask it for faces, the layers below implement it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, DetectorMode, EngineLoad, Frame, FrameResult


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model of the store; ``manifest`` is the parsed ``manifest.toml``, ``active`` whether the engine uses it."""

    name: str
    version: str
    active: bool
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """Whether the engine can answer now; ``reason`` is a sentence, empty when ready. ``canary_age`` is in seconds."""

    ready: bool
    reason: str = ""
    canary_age: float | None = None


class Engine(Protocol):
    """Finds and classifies faces in frames. Thread-safe; every method may be called from any thread."""

    def analyze(
        self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Iterator[FrameResult]:
        """Yield one result per frame, in the order of ``frames``.

        The iterable is drawn from in the caller's thread, a bounded number of frames ahead of the results, so that
        decoding a clip (or the next picture of a batch) overlaps with inference and memory does not grow with its
        length. A picture is a one-frame sequence. A frame is released after detection.

        Raises:
            DeadlineExceeded: when the deadline passes.
            InferenceFailed: when a model run failed on one of these frames.
            EngineClosed: when the engine is closed, also while results are awaited.
        """
        ...

    def detector_side(self, mode: DetectorMode) -> int:
        """The long side in pixels of the finest scale at which the detector sees a picture."""
        ...

    def threshold(self) -> float:
        """The lowest detector score that is reported if ``min_confidence`` is ``None``."""
        ...

    def models(self) -> tuple[ModelInfo, ...]:
        """Every model in the store; the engine uses the active ones."""
        ...

    def health(self) -> EngineHealth:
        """Whether the engine can answer now. Never waits behind work."""
        ...

    def load(self) -> EngineLoad:
        """A snapshot of how busy the engine is. Never waits behind work."""
        ...

    def close(self) -> None:
        """Stop the workers; every call in progress raises ``EngineClosed``. Closing twice is harmless."""
        ...
