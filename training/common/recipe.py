"""Recipes: one TOML file per model, whose tables become frozen dataclasses."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

Config = TypeVar("Config")


def read(path: Path, size: str) -> dict[str, Any]:
    """The tables of the recipe at `path`; where `size` is another than "full", that table's values replace them.

    Raises:
        KeyError: when the recipe has no such size.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    sizes = tables.pop("sizes", {})
    return tables if size == "full" else _merged(tables, sizes[size])


def build(kind: type[Config], table: Mapping[str, Any]) -> Config:
    """`table` as the dataclass `kind`; what it leaves out keeps its default.

    Raises:
        KeyError: naming a key that `kind` does not have.
    """
    types = get_type_hints(kind)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(table) - known):
        raise KeyError(f"{kind.__name__} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    return kind(**{name: _value(types[name], value) for name, value in table.items()})


def _value(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return build(kind, value)
    if isinstance(value, list):
        return tuple(_value(None, one) for one in value)
    return value


def _merged(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(tables)
    for name, change in changes.items():
        before = merged.get(name)
        both = isinstance(before, Mapping) and isinstance(change, Mapping)
        merged[name] = _merged(before, change) if both else change
    return merged
