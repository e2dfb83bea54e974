"""Mien: self-hosted facial-emotion inference.

What is public here is imported when it is first used, so that ``import mien`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.app import create_app
    from mien.errors import MienError
    from mien.settings import Settings

    __version__: str

__all__ = ["MienError", "Settings", "__version__", "create_app"]

_SOURCES = {
    "MienError": ("mien.errors", "MienError"),
    "Settings": ("mien.settings", "Settings"),
    "__version__": ("mien.version", "VERSION"),
    "create_app": ("mien.app", "create_app"),
}


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    module, attribute = _SOURCES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
