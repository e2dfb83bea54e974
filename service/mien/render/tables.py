"""A timeline as a tidy table: one row per face, one column per variable."""

from collections.abc import Iterable, Iterator

from mien.render.csv_rows import CsvRows
from mien.timeline.model import FrameRow


def csv_lines(rows: Iterable[FrameRow], labels: tuple[str, ...]) -> Iterator[str]:
    """The lines of a CSV file (RFC 4180, with a header), in one piece per frame.

    Columns: ``time`` (seconds), ``frame``, ``person``, ``x, y, width, height`` (pixels of the upright picture),
    ``confidence``, ``emotion``, ``score``, and one column per label. A frame without faces has a line with everything
    after ``frame`` empty, to distinguish it from a frame that was not analysed.
    """
    lines = CsvRows()
    lines.add(("time", "frame", "person", "x", "y", "width", "height", "confidence", "emotion", "score", *labels))
    yield lines.take()
    for row in rows:
        for values in _values(row, len(labels)):
            lines.add(values)
        yield lines.take()


def _values(row: FrameRow, labels: int) -> Iterator[tuple[object, ...]]:
    frame = (f"{row.time:.3f}", row.frame)
    if not row.faces:
        yield (*frame, *[""] * (8 + labels))
    for face in row.faces:
        box = (f"{side:.2f}" for side in (face.box.x, face.box.y, face.box.width, face.box.height))
        scores = (f"{score:.4f}" for score in face.scores)
        yield (*frame, face.person, *box, f"{face.confidence:.4f}", face.emotion, f"{face.score:.4f}", *scores)
