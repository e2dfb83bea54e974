"""What the routers work with. ``mien.app`` makes one ``AppState`` an app; routers get it as a dependency."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from mien.api.admission import AdmissionGate
from mien.api.uploads.body import UploadLimits
from mien.api.uploads.json_body import JsonPictures
from mien.engine.base import Engine
from mien.errors import EngineClosed
from mien.images.decoder import PictureDecoder
from mien.video.reader import ClipReader


class Recorder(Protocol):
    """Where the API reports what it did; ``mien.telemetry`` counts it."""

    def request_started(self) -> None:
        """A request's headers have arrived."""
        ...

    def request_finished(self, method: str, route: str, status: int, seconds: float) -> None:
        """Its answer has been sent, or its client has gone."""
        ...

    def stage(self, name: str, seconds: float) -> None:
        """One stage (queue, decode, detect, classify, render) of one request took this long."""
        ...

    def picture(self, outcome: str, faces: int) -> None:
        """One picture was answered: ``outcome`` is ``ok`` or an error's code."""
        ...


class EngineSlot:
    """Holds the engine from when it is open until it is closed: the service listens before its models are loaded."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self.reason = "The models are loading."

    def fill(self, engine: Engine) -> None:
        """From now on, there is an engine."""
        self._engine = engine

    def clear(self, reason: str) -> None:
        """From now on there is none; ``reason`` is a sentence."""
        self._engine, self.reason = None, reason

    def peek(self) -> Engine | None:
        """The engine, if there is one."""
        return self._engine

    def get(self) -> Engine:
        """The engine.

        Raises:
            EngineClosed: while there is none.
        """
        if self._engine is None:
            raise EngineClosed(f"{self.reason} Try again in a moment.")
        return self._engine


@dataclass(frozen=True, slots=True)
class AppState:
    """The long-lived objects of one app.

    Deadlines are in seconds. Clips, and pictures that take much memory, have gates of their own: they must not take
    the threads of others.
    """

    engine: EngineSlot
    gate: AdmissionGate
    large_gate: AdmissionGate
    clip_gate: AdmissionGate
    decoder: PictureDecoder
    uploads: UploadLimits
    json_pictures: JsonPictures
    clip_uploads: UploadLimits
    clips: ClipReader
    picture_deadline: float
    clip_deadline: float
    api_keys: tuple[str, ...]
    recorder: Recorder
    metrics_page: Callable[[], bytes]
    version: str
    log_names: bool = False


async def _services(request: Request) -> AppState:
    return cast("AppState", request.app.state.services)


ServicesDep = Annotated[AppState, Depends(_services)]
