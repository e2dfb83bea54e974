"""Writes the little TOML that a manifest needs (the standard library only reads it)."""

import json
from collections.abc import Mapping, Sequence


def dump(document: Mapping[str, object]) -> str:
    """`document` as TOML: plain values first, then tables and arrays of tables, nested to any depth."""
    lines: list[str] = []
    _table(document, "", lines)
    return "\n".join(lines).strip() + "\n"


def _table(table: Mapping[str, object], path: str, lines: list[str]) -> None:
    lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not _is_table(value)]
    for key, value in table.items():
        inner = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(value, Mapping):
            lines += ["", f"[{inner}]"]
            _table(value, inner, lines)
        elif _is_tables(value):
            assert isinstance(value, Sequence)
            for item in value:
                lines += ["", f"[[{inner}]]"]
                _table(item, inner, lines)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or _is_tables(value)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    raise TypeError(f"no TOML for {type(value).__name__}")
