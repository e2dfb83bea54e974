"""Probes, ours and those of the Open Inference Protocol. They need no key, and none of them waits behind work."""

from typing import Any

from fastapi import APIRouter

from mien.api.dependencies import AppState, ServicesDep
from mien.api.errors import NotFound, NotReady
from mien.api.get_route import GetRoute
from mien.api.models import ModelName
from mien.api.openapi import problems

router = APIRouter(route_class=GetRoute, tags=["health"])


@router.get("/health/live", summary="Whether the process answers")
async def health_live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/health/startup", responses=problems(503), summary="Whether the models are loaded")
async def health_startup(services: ServicesDep) -> dict[str, str]:
    """The models have been loaded and warmed up."""
    if services.engine.peek() is None:
        raise NotReady(services.engine.reason)
    return {"status": "started"}


@router.get("/health/ready", responses=problems(503), summary="Whether pictures are answered now")
async def health_ready(services: ServicesDep) -> dict[str, Any]:
    """Pictures are answered now: the models are warm and a canary came through the workers lately."""
    return {"status": "ready", "canary_age_seconds": _check_ready(services)}


@router.get("/v2/health/live", summary="Server live (Open Inference Protocol)")
async def server_live() -> dict[str, bool]:
    """Open Inference Protocol: server live."""
    return {"live": True}


@router.get("/v2/health/ready", responses=problems(503), summary="Server ready (Open Inference Protocol)")
async def server_ready(services: ServicesDep) -> dict[str, bool]:
    """Open Inference Protocol: server ready."""
    _check_ready(services)
    return {"ready": True}


@router.get("/v2/models/{name}/ready", responses=problems(404, 503), summary="Model ready (Open Inference Protocol)")
async def model_ready(name: ModelName, services: ServicesDep) -> dict[str, Any]:
    """Open Inference Protocol: model ready."""
    _check_ready(services)
    if not any(model.name == name and model.active for model in services.engine.get().models()):
        raise NotFound(f"No model {name!r} serves here; GET /models lists those that do.")
    return {"name": name, "ready": True}


def _check_ready(services: AppState) -> float | None:
    engine = services.engine.peek()
    if engine is None:
        raise NotReady(services.engine.reason)
    health = engine.health()
    if not health.ready:
        raise NotReady(health.reason)
    return None if health.canary_age is None else round(health.canary_age, 1)
