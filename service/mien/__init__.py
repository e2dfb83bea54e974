"""Mien: self-hosted facial-emotion inference.

What is public here is imported when it is first used, so that ``import mien`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.app import create_app
    from mien.client.asynchronous import AsyncClient
    from mien.client.errors import ServerError
    from mien.client.sync import Client
    from mien.errors import CapacityError, InputError, MienError
    from mien.local.analyzer import Analyzer
    from mien.local.shared import analyze, analyze_video
    from mien.results.clip import ClipResult
    from mien.results.picture import PictureResult
    from mien.settings import Settings

    __version__: str

_SOURCES = {
    "Analyzer": "mien.local.analyzer",
    "AsyncClient": "mien.client.asynchronous",
    "Client": "mien.client.sync",
    "CapacityError": "mien.errors",
    "ClipResult": "mien.results.clip",
    "InputError": "mien.errors",
    "MienError": "mien.errors",
    "PictureResult": "mien.results.picture",
    "ServerError": "mien.client.errors",
    "Settings": "mien.settings",
    "analyze": "mien.local.shared",
    "analyze_video": "mien.local.shared",
    "create_app": "mien.app",
}

__all__ = [
    "Analyzer",
    "AsyncClient",
    "CapacityError",
    "Client",
    "ClipResult",
    "InputError",
    "MienError",
    "PictureResult",
    "ServerError",
    "Settings",
    "__version__",
    "analyze",
    "analyze_video",
    "create_app",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("mien.version").VERSION
    if name not in _SOURCES:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    return getattr(import_module(_SOURCES[name]), name)


def __dir__() -> list[str]:
    return __all__
