"""The routers of the interfaces that the operator chose."""

from collections.abc import Collection

from fastapi import APIRouter

from mien.compat import deepface, google_vision, rekognition

_ROUTERS = {
    "deepface": deepface.router,
    "google-vision": google_vision.router,
    "rekognition": rekognition.router,
}


def compat_routers(names: Collection[str]) -> list[APIRouter]:
    """In the order of ``names``, which the settings have checked."""
    return [_ROUTERS[name] for name in names]
