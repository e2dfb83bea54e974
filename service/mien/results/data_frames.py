"""Columns as data frames, by libraries that the caller has installed."""

from importlib import import_module
from types import ModuleType
from typing import Any

from mien.render.columns import Columns


def to_pandas(columns: Columns) -> Any:
    """A ``pandas.DataFrame``; missing numbers are NaN.

    Raises:
        ImportError: pandas is not installed.
    """
    return _package("pandas").DataFrame(columns)


def to_polars(columns: Columns) -> Any:
    """A ``polars.DataFrame``; missing values are null.

    Raises:
        ImportError: polars is not installed.
    """
    return _package("polars").DataFrame(columns)


def _package(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"to_{name}() needs {name}: pip install {name}", name=name) from error
