import csv
import io
import sys
from typing import Any

import pyarrow.parquet
import pytest

from mien.render.columns import clip_columns, csv_of, parquet_of, picture_columns
from mien.render.tables import csv_lines
from tests.unit.results.timelines import LABEL_SET, timeline


def test_the_columns_of_a_clip_are_those_of_its_csv() -> None:
    found = timeline()
    columns = clip_columns(found.rows, LABEL_SET)
    table = list(csv.reader(io.StringIO("".join(csv_lines(found.rows, LABEL_SET)))))
    assert list(columns) == table[0]
    assert columns["frame"] == [0, 12, 12, 25, 37]
    assert columns["person"] == [1, 1, 2, 1, None]
    for row, values in zip(table[1:], zip(*columns.values(), strict=True), strict=True):
        for text, value in zip(row, values, strict=True):
            number = float(text) if text.replace(".", "").isdigit() else None
            assert (text == "") if value is None else value in (text, number)


def picture(index: int, **members: Any) -> dict[str, Any]:
    return {"index": index, "name": f"{index}.jpg", "faces": [], "error": None, **members}


FACE = {
    "box": {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0},
    "confidence": 0.9,
    "emotion": "sad",
    "score": 0.8,
    "uncertain": False,
    "valence": -0.5,
    "scores": {"neutral": 0.2, "sad": 0.8},
    "quality": {
        "sharpness": 0.1,
        "brightness": 0.2,
        "size": 3.0,
        "pose": 0.0,
        "ok": False,
        "reasons": ["small", "dark"],
    },
}


def test_a_picture_without_faces_has_a_row() -> None:
    documents = [picture(0, faces=[FACE, FACE]), picture(1), picture(2, error={"code": "corrupt_media"})]
    columns = picture_columns(documents, ("neutral", "sad"))
    assert columns["picture"] == ["0.jpg", "0.jpg", "1.jpg", "2.jpg"]
    assert columns["face"] == [1, 2, None, None]
    assert columns["error"] == [None, None, None, "corrupt_media"]
    first, *_, last = csv.DictReader(io.StringIO(csv_of(columns)))
    assert (first["uncertain"], first["reasons"], first["sad"]) == ("false", "small dark", "0.8")
    assert last["emotion"] == ""


def test_parquet_keeps_types_and_missing_values() -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(parquet_of(clip_columns(timeline().rows, LABEL_SET))))
    assert table.column("person").to_pylist() == [1, 1, 2, 1, None]
    assert str(table.schema.field("time").type) == "double"


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'mien\[parquet\]'"):
        parquet_of({"a": [1]})
