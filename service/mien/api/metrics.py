"""``GET /metrics``: behind a key, or on a port of its own."""

from fastapi import APIRouter, FastAPI, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mien.api.dependencies import METRICS_KEY_NEEDED, GetRoute, StateDep
from mien.api.errors import NotFound, problem_of
from mien.api.hosts import HostRule, KnownHosts
from mien.api.openapi import problems

PATH = "/metrics"

router = APIRouter(route_class=GetRoute, tags=["health"])


@router.get(
    PATH,
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **problems(401, 403, 421, 429)},
    summary="Metrics for Prometheus",
)
async def get_metrics(state: StateDep) -> Response:
    """Counters, latencies and the engine's load in Prometheus's text format."""
    return Response(state.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")


def include_metrics(app: FastAPI, port: int | None) -> None:
    """Add ``GET /metrics``, behind a key unless it has a ``port`` of its own, which ``MetricsPort`` keeps apart."""
    needed = [METRICS_KEY_NEEDED] if port is None else []
    app.include_router(router, dependencies=needed, include_in_schema=port is None)


class MetricsPort:
    """Answers only ``/metrics`` on ``port``, and that nowhere else. ``rule`` says which hosts are answered there."""

    def __init__(self, app: ASGIApp, port: int, rule: HostRule) -> None:
        self._app = app
        self._metrics = KnownHosts(app, rule)
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        on_port = (scope.get("server") or ("", None))[1] == self._port
        if on_port != (scope["path"] == PATH):
            where = f"Only {PATH} is answered on this port" if on_port else "The metrics have a port of their own"
            error = NotFound(f"{where}; ask the operator of the service for the address.")
            await problem_of(error).response(scope["state"]["request_id"])(scope, receive, send)
            return
        await (self._metrics if on_port else self._app)(scope, receive, send)
