"""Recipes: one TOML file per model, whose tables become frozen dataclasses; and the options of the two commands."""

import argparse
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import cv2
import torch

Config = TypeVar("Config")


@dataclass(frozen=True)
class Machine:
    """Where a training runs."""

    device: torch.device
    workers: int  # processes that make batches


def parse_options(model: str, description: str | None) -> argparse.Namespace:
    """Read the command line of `python -m training.MODEL`."""
    parser = argparse.ArgumentParser(prog=f"python -m training.{model}", description=description)
    parser.add_argument("--recipe", default="full", help="full, or a size that recipe.toml names: small")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, help=f"folder of the stages (default: runs/{model}-RECIPE)")
    parser.add_argument("--store", type=Path, help="where the model goes (default: store/ in that folder)")
    parser.add_argument("--version", default="1")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, help="processes that make batches (default: 1, with a GPU one per core)")
    if model == "detector":
        parser.add_argument("--teacher", type=Path, default=Path("../shared/teacher/yunet_n.onnx"))
    options = parser.parse_args()
    spare = 1 if options.device == "cpu" else os.cpu_count() or 1
    options.machine = Machine(torch.device(options.device), spare if options.workers is None else options.workers)
    options.runs = options.runs or Path("runs") / f"{model}-{options.recipe}"
    options.store = options.store or options.runs / "store"
    cv2.setNumThreads(1)
    torch.backends.cudnn.benchmark = True
    return options


def read(path: Path, size: str) -> dict[str, Any]:
    """The tables of the recipe at `path`; unless `size` is "full", the values of that size replace them.

    Raises:
        KeyError: when the recipe has no such size.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    sizes = tables.pop("sizes", {})
    if size != "full" and size not in sizes:
        raise KeyError(f"{path} has no size {size}; it has {', '.join(['full', *sizes])}")
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
    return tuple(_value(None, one) for one in value) if isinstance(value, list) else value


def _merged(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(tables)
    for name, change in changes.items():
        before = merged.get(name)
        merged[name] = _merged(before, change) if isinstance(before, dict) and isinstance(change, dict) else change
    return merged
