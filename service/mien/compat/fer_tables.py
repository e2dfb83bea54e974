"""The tables of ``fer``: one row per frame, with the columns of every face side by side."""

import re
from pathlib import Path
from typing import Any

from mien.render.csv_rows import CsvRows

_NUMBERED = re.compile(r"(.*?)(\d+)")


def rows_of(data: list[Any]) -> list[dict[str, Any]]:
    """Frames of detections as rows: ``box0``, ``angry0``, ... for the first face, ``box1``, ... for the second."""
    if data and isinstance(data[0], dict):
        return data
    return [
        {
            f"{name}{number}": value
            for number, face in enumerate(frame)
            for name, value in (("box", face["box"]), *face["emotions"].items())
        }
        for frame in data
    ]


def write_csv(rows: list[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
    """Write ``rows``; the columns of one face after another's. Returns them."""
    names = sorted(dict.fromkeys(name for row in rows for name in row), key=_face_number)
    lines = CsvRows()
    lines.add(names)
    for row in rows:
        lines.add(row.get(name, "") for name in names)
    path.write_text(lines.take(), encoding="utf-8", newline="")
    return rows


def _face_number(name: str) -> int:
    match = _NUMBERED.fullmatch(name)
    return int(match[2]) if match else 0


def first_face(frame: Any) -> Any:
    """The columns of the first face of a data frame, without its number."""
    if not len(frame.columns) or not frame.columns[0][-1].isdigit():
        return frame
    columns = [name for name in frame.columns if (match := _NUMBERED.fullmatch(name)) and match[2] == "0"]
    return frame[columns].rename(columns=lambda name: name[:-1])


def emotion_columns(frame: Any) -> Any:
    """The columns of a data frame that hold scores."""
    return frame[[name for name in frame.columns if "box" not in name]]
