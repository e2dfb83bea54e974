"""Results as columns: one row per face, one column per variable, for data frames, CSV and Parquet."""

import io
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mien.render.csv_rows import CsvRows
from mien.timeline.model import FrameRow

Columns = Mapping[str, Sequence[Any]]
"""Equally long columns by name; ``None`` where a row has no value."""

PARQUET_NEEDS = "Parquet needs pyarrow: pip install 'mien[parquet]'"

_BOX = ("x", "y", "width", "height")
_QUALITY = ("sharpness", "brightness", "size", "pose", "ok")


def clip_columns(rows: Iterable[FrameRow], labels: tuple[str, ...]) -> Columns:
    """The columns of ``mien.render.tables.csv_lines``, with numbers rounded alike. A frame without faces has a row with
    everything after ``frame`` empty."""
    names = ("time", "frame", "person", *_BOX, "confidence", "emotion", "score", *labels)
    table: list[tuple[Any, ...]] = []
    for row in rows:
        frame = (round(row.time, 3), row.frame)
        if not row.faces:
            table.append((*frame, *[None] * (len(names) - 2)))
        for face in row.faces:
            box = (round(side, 2) for side in (face.box.x, face.box.y, face.box.width, face.box.height))
            scores = (round(score, 4) for score in face.scores)
            values = (face.person, *box, round(face.confidence, 4), face.emotion, round(face.score, 4), *scores)
            table.append((*frame, *values))
    return _columns(names, table)


def picture_columns(pictures: Iterable[Mapping[str, Any]], labels: tuple[str, ...]) -> Columns:
    """The faces of ``pictures``, documents as of ``mien.usecases.picture_document``.

    Faces are numbered from 1 within their picture. A picture without faces has a row with everything after ``error``
    empty; ``error`` is the code of a picture that could not be read.
    """
    quality = [f"quality_{name}" for name in _QUALITY]
    face_names = ("face", *_BOX, "confidence", "emotion", "score", "uncertain", "valence", *labels, *quality, "reasons")
    names = ("index", "picture", "error", *face_names)
    table: list[tuple[Any, ...]] = []
    for picture in pictures:
        error = picture["error"]
        start = (picture["index"], picture["name"], None if error is None else error["code"])
        if not picture["faces"]:
            table.append((*start, *[None] * len(face_names)))
        for number, face in enumerate(picture["faces"], start=1):
            found = (face["confidence"], face["emotion"], face["score"], face["uncertain"], face["valence"])
            box = (face["box"][name] for name in _BOX)
            scores = (face["scores"][label] for label in labels)
            grades = (face["quality"][name] for name in _QUALITY)
            reasons = " ".join(face["quality"]["reasons"])
            table.append((*start, number, *box, *found, *scores, *grades, reasons))
    return _columns(names, table)


def _columns(names: tuple[str, ...], table: list[tuple[Any, ...]]) -> Columns:
    values: Iterable[Sequence[Any]] = zip(*table, strict=True) if table else [()] * len(names)
    return {name: list(column) for name, column in zip(names, values, strict=True)}


def csv_of(columns: Columns, *, header: bool = True) -> str:
    """A CSV file (RFC 4180), or its rows alone; ``None`` is empty, a truth value ``true`` or ``false``."""
    lines = CsvRows()
    if header:
        lines.add(columns)
    for row in zip(*columns.values(), strict=True):
        lines.add([str(value).lower() if isinstance(value, bool) else value for value in row])
    return lines.take()


def has_parquet() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


def parquet_of(columns: Columns) -> bytes:
    """A Parquet file.

    Raises:
        ImportError: pyarrow is not installed.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(PARQUET_NEEDS, name="pyarrow") from error
    file = io.BytesIO()
    parquet.write_table(arrow.table(dict(columns)), file)
    return file.getvalue()
