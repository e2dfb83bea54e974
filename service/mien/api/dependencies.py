"""What the routers share: the app's long-lived objects, calls, the API key, and routes that answer ``HEAD``."""

import time
from collections.abc import AsyncIterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security, params
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from mien.access.keys import KeyUse
from mien.api.access import Access
from mien.api.admission import AdmissionGate
from mien.api.bounded_calls import BoundedCalls
from mien.api.live.limits import LiveState
from mien.api.privacy_statement import PrivacyOut
from mien.api.uploads.body import UploadLimits
from mien.api.uploads.json_body import JsonPictures
from mien.domain import AnalyzeOptions, Cancellation, StageTimes
from mien.engine.base import Engine
from mien.errors import EngineClosed
from mien.images.decoder import PictureDecoder
from mien.jobs.service import JobService
from mien.telemetry.metrics import Metrics
from mien.video.reader import ClipReader

_BEARER = HTTPBearer(auto_error=False, description="An API key, if the operator requires one.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key in a header of its own.")


class EngineSlot:
    """Holds the engine while it is open: the service listens before its models are loaded."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self.reason = "The models are loading."
        self.stopping = False
        """The process is about to end: it answers what it has, and is not ready for more."""

    def fill(self, engine: Engine) -> None:
        self._engine = engine

    def clear(self, reason: str) -> None:
        """Make the engine unavailable; ``reason`` is a sentence."""
        self._engine, self.reason = None, reason

    def peek(self) -> Engine | None:
        return self._engine

    def get(self) -> Engine:
        """The engine.

        Raises:
            EngineClosed: while it is not available.
        """
        if self._engine is None:
            raise EngineClosed(f"{self.reason} Try again in a moment.")
        return self._engine


@dataclass(frozen=True, slots=True)
class AppState:
    """The long-lived objects of one app; ``mien.app`` makes it.

    Deadlines are in seconds. Clips, and pictures that take much memory, have gates of their own, so that they take no
    threads from other requests.
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
    live: LiveState
    picture_deadline: float
    clip_deadline: float
    access: Access
    privacy: PrivacyOut
    metrics: Metrics
    version: str
    jobs: JobService
    job_calls: BoundedCalls
    key_shares: Mapping[str, float]
    """How much job work a key gets next to 1, by its SHA-256."""
    log_names: bool = False


async def _state(request: Request) -> AppState:
    return cast("AppState", request.app.state.mien)


StateDep = Annotated[AppState, Depends(_state)]


@dataclass(frozen=True, slots=True)
class AnalysisCall:
    """One analysis, from the end of its upload. Runs in a worker thread; knows nothing of the connection."""

    request_id: str
    options: AnalyzeOptions
    cancellation: Cancellation
    engine: Engine
    state: AppState
    received_at: float = field(default_factory=time.monotonic, kw_only=True)

    def waited_ms(self) -> float:
        """Milliseconds since the end of the upload."""
        return (time.monotonic() - self.received_at) * 1000

    def active_models(self) -> dict[str, str]:
        """The version of every model that answers, by name."""
        return {model.name: model.version for model in self.engine.models() if model.active}

    def record_stages(self, times: StageTimes, waited_ms: float) -> None:
        """Report where the time went; ``waited_ms`` in the queue for a thread."""
        stage = self.state.metrics.stage
        stage("queue", (times.queue + waited_ms) / 1000)
        stage("decode", times.decode / 1000)
        stage("detect", times.detect / 1000)
        stage("classify", times.classify / 1000)


def _needs(use: KeyUse) -> params.Depends:
    """A dependency that holds the request's place among those of its key until the answer is sent."""

    async def require_key(
        request: Request,
        state: StateDep,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        header: Annotated[str | None, Security(_HEADER)],
    ) -> AsyncIterator[None]:
        with state.access.admitted(request, bearer.credentials if bearer is not None else header, use):
            yield

    return params.Depends(require_key)


KEY_NEEDED = _needs(KeyUse.ANALYSIS)
"""Raises what ``Access.admitted`` does, unless no key is required."""
METRICS_KEY_NEEDED = _needs(KeyUse.METRICS)
"""The same for ``/metrics``."""


class GetRoute(APIRoute):
    """Answers ``HEAD`` like ``GET`` (RFC 9110, 9.3.2); the server leaves the body out. OpenAPI lists it once.

    The middleware's scope stays unchanged, so that the log and the metrics tell the two apart.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See ``starlette.routing.Route``."""
        return super().matches(_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ``starlette.routing.Route``."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        await super().handle(_as_get(scope), receive, send)


def _as_get(scope: Scope) -> MutableMapping[str, Any]:
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
