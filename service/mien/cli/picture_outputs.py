"""What ``mien predict`` writes: one picture after the other, so that memory does not grow with their number."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import click
import msgspec

from mien.cli.common import table
from mien.cli.files import replacing
from mien.cli.inputs import Input
from mien.cli.outputs import STDOUT, write_output
from mien.errors import InvalidOption, StorageFull
from mien.render.columns import csv_of, parquet_of, picture_columns
from mien.results.picture import PictureResult

_HEAD = ("picture", "face", "box (x, y, w, h)", "emotion", "score", "remarks")

_START = b'{"picture": '

Document = Mapping[str, Any]


@dataclass(slots=True)
class PictureOutputs:
    """The files of a run; a context manager. ``labels`` are the columns of the tables.

    JSON is appended picture by picture if ``resumed``; every other file is complete or not there.
    """

    labels: tuple[str, ...]
    to_json: Path | None = None
    to_csv: Path | None = None
    to_parquet: Path | None = None
    prints: bool = False
    resumed: bool = False
    _files: ExitStack = field(default_factory=ExitStack)
    _json: IO[str] | None = None
    _csv: IO[str] | None = None
    _columns: dict[str, list[Any]] = field(default_factory=dict)
    _rows: list[tuple[str, ...]] = field(default_factory=list)

    def __enter__(self) -> Self:
        if self.to_json is not None:
            self._json = self._open(self.to_json, "a" if self.resumed else "w")
        if self.to_csv is not None:
            new = self.to_csv if self.to_csv == STDOUT else self._files.enter_context(replacing(self.to_csv))
            self._csv = self._open(new, "w")
            self._csv.write(csv_of(picture_columns([], self.labels)))
        self._add_columns([])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.__exit__(kind, error, trace)
        if error is not None:
            return
        for target in (self.to_json, self.to_csv):
            if target is not None and target != STDOUT:
                click.echo(f"wrote {target}", err=True)
        if self.to_parquet is not None:
            write_output(self.to_parquet, parquet_of(self._columns))
        if self.prints and self._rows:
            click.echo(table(_HEAD, self._rows))

    def add(self, given: Input, result: PictureResult) -> None:
        """A picture that was analysed now."""
        document = {"picture": str(given.path), **result.to_dict()}
        if self._json is not None:
            self._json.write(f"{json.dumps(document)}\n")
            self._json.flush()
        self._add(document)
        if self.prints:
            self._rows += _table_rows(str(given.below / given.path.name), result)

    def add_known(self, line: bytes) -> None:
        """A picture that the JSON file has already."""
        self._add(msgspec.json.decode(line))

    def _add(self, document: Document) -> None:
        named = {**document, "name": document["picture"]}
        if self._csv is not None:
            self._csv.write(csv_of(picture_columns([named], self.labels), header=False))
        if self.to_parquet is not None:
            self._add_columns([named])

    def _open(self, target: Path, mode: str) -> IO[str]:
        if target == STDOUT:
            return sys.stdout
        try:
            return self._files.enter_context(target.open(mode, encoding="utf-8", newline=""))
        except OSError as error:
            raise StorageFull(f"cannot write {target}: {error.strerror}") from error

    def _add_columns(self, documents: Sequence[Document]) -> None:
        for name, values in picture_columns(documents, self.labels).items():
            self._columns.setdefault(name, []).extend(values)


def recorded(path: Path, labels: tuple[str, ...]) -> dict[str, bytes]:
    """What an earlier run has written into ``path``: the line of each picture. Half a line, which a run that was killed
    left, is removed.

    Raises:
        InvalidOption: ``path`` is another kind of file, or has other emotions.
        StorageFull: it cannot be changed.
    """
    known: dict[str, bytes] = {}
    if not path.exists():
        return known
    try:
        with path.open("rb+") as file:
            whole = 0
            for line in file:
                if not line.startswith(_START[: len(line)]):
                    raise _foreign(path)
                if not line.endswith(b"\n"):
                    file.truncate(whole)
                    break
                whole += len(line)
                known[_picture_of(line, path, labels)] = line
    except OSError as error:
        raise StorageFull(f"cannot write {path}: {error.strerror}") from error
    return known


def _picture_of(line: bytes, path: Path, labels: tuple[str, ...]) -> str:
    try:
        document = msgspec.json.decode(line)
        if any(set(face["scores"]) != set(labels) for face in document["faces"]):
            raise InvalidOption("resume", f"{path} was written with other --labels; give the same, or another file.")
        return str(document["picture"])
    except (msgspec.DecodeError, LookupError, TypeError):
        raise _foreign(path) from None


def _foreign(path: Path) -> InvalidOption:
    return InvalidOption("resume", f"{path} is not a file that mien predict --json has written; name another.")


def _table_rows(name: str, result: PictureResult) -> Iterator[tuple[str, ...]]:
    if not result.faces:
        yield name, "-", "-", "no face", "-", ""
    for number, face in enumerate(result.faces, start=1):
        box = ", ".join(f"{value:.0f}" for value in (face.box.x, face.box.y, face.box.width, face.box.height))
        remarks = ", ".join((*(("uncertain",) if face.uncertain else ()), *face.quality.reasons))
        yield name, str(number), box, face.emotion, f"{face.score:.2f}", remarks
