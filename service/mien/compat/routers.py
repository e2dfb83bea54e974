"""The routers of the interfaces that the operator chose."""

from collections.abc import Collection, Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute

from mien.compat import deepface, google_vision, rekognition

_ROUTERS = {
    "deepface": deepface.router,
    "google-vision": google_vision.router,
    "rekognition": rekognition.router,
}


def compat_routers(names: Collection[str]) -> list[APIRouter]:
    """In the order of ``names``, which the settings have checked."""
    return [_ROUTERS[name] for name in names]


def paths(routers: Iterable[APIRouter]) -> list[str]:
    """What they answer requests to."""
    return [route.path for router in routers for route in router.routes if isinstance(route, APIRoute)]
