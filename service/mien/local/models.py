"""The models that an analyzer has loaded."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from mien.engine.local import EngineConfig, LocalEngine, open_engine
from mien.images.decoder import PictureDecoder
from mien.providers import Provider
from mien.results.inputs import LIMITS
from mien.results.options import CLIP_OPTIONS, ClipKeywords, analyze_options, check_names, video_options
from mien.results.run import Service, cards_of
from mien.settings import EngineSettings
from mien.version import VERSION

_CANARY_INTERVAL = 3600.0  # s; the canary is for a service's health checks, which nothing here makes


class OpenModels:
    """See ``mien.Analyzer``."""

    def __init__(
        self,
        *,
        store: str | os.PathLike[str] | None = None,
        workers: int | None = None,
        provider: Provider | None = None,
        **options: Unpack[ClipKeywords],
    ) -> None:
        check_names(options, CLIP_OPTIONS)
        analyze_options(options)
        video_options(options)
        self._defaults = options
        settings = EngineSettings.load(
            {"store": None if store is None else Path(store), "workers": workers, "provider": provider}
        )
        self._decoder = PictureDecoder(LIMITS, concurrency=settings.workers)
        self._engine: LocalEngine = open_engine(
            EngineConfig(settings.store, settings.workers, settings.provider, canary_interval=_CANARY_INTERVAL)
        )
        self._service = Service(lambda: VERSION, lambda: cards_of(self._engine.models()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; calls in progress raise ``EngineClosed``. Closing twice is harmless."""
        self._engine.close()
