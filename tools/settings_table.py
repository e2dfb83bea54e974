"""Write the table of ``docs/configuration.md`` from the settings object: ``python -m tools.settings_table``.

A row is the variable, its default, its range and its description; the page's own additions are in
``tools/settings_notes.toml``.
"""

from __future__ import annotations

import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import get_args

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from mien.environment import variable_of
from mien.job_settings import JobFields
from mien.settings import EngineSettings, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "configuration.md"
NOTES = ROOT / "tools" / "settings_notes.toml"
BEGIN = "<!-- python -m tools.settings_table -->\n"
END = "<!-- end of the table -->\n"


def table() -> str:
    notes = tomllib.loads(NOTES.read_text(encoding="utf-8"))
    fields = Settings.model_fields
    if unknown := [name for texts in notes.values() for name in texts if name not in fields]:
        raise ValueError(f"{NOTES.name} names settings that do not exist: {', '.join(unknown)}")
    lines = ["| variable | default | range | what it is |", "|---|---|---|---|"]
    for name in (*EngineSettings.model_fields, *_own_fields(), *JobFields.model_fields):
        field = fields[name]
        text = ". ".join(part for part in (_escaped(field.description or ""), notes["more"].get(name)) if part)
        default = notes["default"].get(name) or _default(field) + _unit(name)
        lines.append(f"| `{variable_of(name)}` | {default} | {_range(field)} | {text} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def updated(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _own_fields() -> list[str]:
    elsewhere = EngineSettings.model_fields.keys() | JobFields.model_fields.keys()
    return [name for name in Settings.model_fields if name not in elsewhere]


def _escaped(text: str) -> str:
    """Plain text in Markdown: no tags, no emphasis."""
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("*", "\\*")


def _unit(name: str) -> str:
    return {"seconds": " s", "bytes": " bytes"}.get(name.rpartition("_")[2], "")


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "`yes`" if value else "`no`"
    if isinstance(value, timedelta):
        return f"`{value.total_seconds() / 3600:g}h`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _range(field: FieldInfo) -> str:
    if choices := [choice for choice in get_args(field.annotation) if isinstance(choice, str)]:
        return ", ".join(f"`{choice}`" for choice in choices)
    low = high = ""
    for limit in field.metadata:
        if isinstance(limit, Ge):
            low = f"from {limit.ge:,}"
        elif isinstance(limit, Gt):
            low = f"over {limit.gt:,}"
        elif isinstance(limit, Le):
            high = f"to {limit.le:,}"
    return " ".join(part for part in (low, high) if part)


def main() -> int:
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
