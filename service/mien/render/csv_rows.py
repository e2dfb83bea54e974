"""Rows of CSV (RFC 4180) that a spreadsheet shows and does not execute."""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Protocol

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in full width


class _Writer(Protocol):
    def writerow(self, row: Iterable[object], /) -> object: ...


class CsvRows:
    """Writes rows; ``take`` gives the lines written since."""

    def __init__(self) -> None:
        self._lines = StringIO(newline="")
        self._writer: _Writer = csv.writer(self._lines)

    def add(self, values: Iterable[object]) -> None:
        """One row."""
        self._writer.writerow([neutralised(value) if isinstance(value, str) else value for value in values])

    def take(self) -> str:
        """The lines added since the last call."""
        lines = self._lines.getvalue()
        self._lines.seek(0)
        self._lines.truncate()
        return lines


def neutralised(text: str) -> str:
    """``text`` with an apostrophe before it if a spreadsheet would take it for a formula, which could call programs
    (OWASP: CSV injection). Numbers stay as they are."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isprintable()
