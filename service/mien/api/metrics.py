"""``GET /metrics`` for Prometheus."""

from fastapi import APIRouter, Response

from mien.api.dependencies import ServicesDep
from mien.api.get_route import GetRoute
from mien.api.openapi import problems
from mien.api.security import KEY_NEEDED

router = APIRouter(route_class=GetRoute, tags=["health"], dependencies=[KEY_NEEDED])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **problems(401, 421)},
    summary="Metrics for Prometheus",
)
async def get_metrics(services: ServicesDep) -> Response:
    """Counters, latencies and the engine's load in Prometheus's text format."""
    return Response(services.metrics_page(), media_type="text/plain; version=0.0.4; charset=utf-8")
