"""Probes, ours and those of the Open Inference Protocol. They need no key and never wait behind work."""

from typing import Any

from fastapi import APIRouter

from mien.api.dependencies import AppState, GetRoute, StateDep
from mien.api.errors import NotFound, NotReady
from mien.api.models import ModelName
from mien.api.openapi import problems

router = APIRouter(route_class=GetRoute, tags=["health"])


@router.get("/health/live", summary="Whether the process answers")
async def health_live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/health/startup", responses=problems(503), summary="Whether the models are loaded")
async def health_startup(state: StateDep) -> dict[str, str]:
    """The models have been loaded and warmed up."""
    if state.engine.peek() is None:
        raise NotReady(state.engine.reason)
    return {"status": "started"}


@router.get("/health/ready", responses=problems(503), summary="Whether pictures are answered now")
async def health_ready(state: StateDep) -> dict[str, Any]:
    """Pictures are answered now: the models are warm, and a synthetic frame was processed recently."""
    return {"status": "ready", "canary_age_seconds": _check_ready(state)}


@router.get("/v2/health/live", summary="Server live (Open Inference Protocol)")
async def server_live() -> dict[str, bool]:
    """Open Inference Protocol: server live."""
    return {"live": True}


@router.get("/v2/health/ready", responses=problems(503), summary="Server ready (Open Inference Protocol)")
async def server_ready(state: StateDep) -> dict[str, bool]:
    """Open Inference Protocol: server ready."""
    _check_ready(state)
    return {"ready": True}


@router.get("/v2/models/{name}/ready", responses=problems(404, 503), summary="Model ready (Open Inference Protocol)")
async def model_ready(name: ModelName, state: StateDep) -> dict[str, Any]:
    """Open Inference Protocol: model ready."""
    _check_ready(state)
    if not any(model.name == name and model.active for model in state.engine.get().models()):
        raise NotFound(f"No model {name!r} is being served; GET /models lists the models.")
    return {"name": name, "ready": True}


def _check_ready(state: AppState) -> float | None:
    if state.engine.stopping:
        raise NotReady("The service is stopping.")
    engine = state.engine.peek()
    if engine is None:
        raise NotReady(state.engine.reason)
    health = engine.health()
    if not health.ready:
        raise NotReady(health.reason)
    return None if health.canary_age is None else round(health.canary_age, 1)
