"""One request for an analysis, from the end of its upload."""

import time
from dataclasses import dataclass, field

from mien.api.dependencies import AppState
from mien.domain import AnalyzeOptions
from mien.engine.base import Engine
from mien.usecases.pictures import PictureTimes


@dataclass(frozen=True, slots=True)
class AnalysisCall:
    """What every form of answer needs. Its methods run in worker threads; it knows nothing of the connection."""

    request_id: str
    options: AnalyzeOptions
    engine: Engine
    state: AppState
    received_at: float = field(default_factory=time.monotonic, kw_only=True)

    def waited_ms(self) -> float:
        """Milliseconds since the end of the upload."""
        return (time.monotonic() - self.received_at) * 1000

    def active_models(self) -> dict[str, str]:
        """The version of every model that answers, by name."""
        return {model.name: model.version for model in self.engine.models() if model.active}

    def record_stages(self, times: PictureTimes, waited_ms: float) -> None:
        """Report where the time went; ``waited_ms`` in the queue for a thread."""
        stage = self.state.metrics.stage
        stage("queue", (times.queue + waited_ms) / 1000)
        stage("decode", times.decode / 1000)
        stage("detect", times.detect / 1000)
        stage("classify", times.classify / 1000)
