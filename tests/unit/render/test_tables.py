import csv
import io

from mien.render.tables import csv_lines
from tests.unit.timeline.rows import LABELS8, face, rows_of, scores


def test_one_row_per_face_and_one_for_a_frame_without_faces() -> None:
    rows = rows_of([0.0, 0.2], lambda t: [face(scores(happy=0.9), 1), face(scores(sad=0.5), 2)] if t else [])
    table = list(csv.DictReader(io.StringIO("".join(csv_lines(rows, LABELS8)))))
    assert list(table[0]) == [
        *("time", "frame", "person", "x", "y", "width", "height", "confidence", "emotion", "score"),
        *LABELS8,
    ]
    assert [(r["time"], r["frame"], r["person"], r["emotion"]) for r in table] == [
        ("0.000", "0", "", ""),
        ("0.200", "1", "1", "happy"),
        ("0.200", "1", "2", "sad"),
    ]
    assert (table[1]["x"], table[1]["height"], table[1]["score"]) == ("10.00", "80.00", "0.9000")
    assert abs(sum(float(table[2][label]) for label in LABELS8) - 1) < 0.0005


def test_lines_end_with_crlf() -> None:
    assert all(line.endswith("\r\n") for line in csv_lines(rows_of([0.0], lambda _: []), LABELS8))
