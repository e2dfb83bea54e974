"""The result of one picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, Self

from mien.domain import LABELS, LabelSet
from mien.errors import InputError, InvalidOption
from mien.images.decoder import PictureDecoder
from mien.images.encode import Encoding, encode
from mien.render.annotate import annotate
from mien.render.bars import score_bars
from mien.render.columns import Columns, csv_of, parquet_of, picture_columns
from mien.results.data_frames import to_pandas, to_polars
from mien.results.documents import Face, convert, plain
from mien.results.files import encoding_for, write
from mien.results.inputs import LIMITS
from mien.results.methods import picture_methods
from mien.results.run import PictureRun
from mien.results.timelines import face_of
from mien.usecases.annotate_image import LONGEST_SIDE

_NOTEBOOK_SIDE = 1024  # px


@dataclass(frozen=True, slots=True)
class PictureError:
    """Why a picture could not be read: a stable ``code``, and in ``detail`` what to do about it. ``status`` and
    ``title`` are those of the HTTP API."""

    code: str
    detail: str
    status: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture: its faces, highest confidence first, or the ``error`` for which it could not be read.

    ``width`` and ``height`` are pixels of the upright picture, ``index`` its position among those given together.
    Equal results compare equal, wherever they were made.
    """

    index: int
    name: str | None
    width: int | None
    height: int | None
    warnings: tuple[str, ...]
    faces: tuple[Face, ...]
    error: PictureError | None
    run: PictureRun | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], run: PictureRun | None = None) -> Self:
        """From an entry of ``images`` in the answer of ``POST /predict``.

        Raises:
            InvalidRequest: it is of another shape.
        """
        return replace(convert(document, cls), run=run)

    def to_dict(self) -> dict[str, Any]:
        """The entry of ``images`` that ``POST /predict`` answers with."""
        document = {member.name: plain(getattr(self, member.name)) for member in fields(self) if member.name != "run"}
        if self.error is not None:
            document["error"] = {name: value for name, value in document["error"].items() if value is not None}
        return document

    def columns(self) -> Columns:
        """One row per face."""
        labels = tuple(self.faces[0].scores) if self.faces else self._labels
        return picture_columns([self.to_dict()], labels)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with one row per face. Raises ``ImportError`` without pandas."""
        return to_pandas(self.columns())

    def to_polars(self) -> Any:
        """A ``polars.DataFrame`` with one row per face. Raises ``ImportError`` without polars."""
        return to_polars(self.columns())

    def to_csv(self) -> str:
        """A CSV table with one row per face."""
        return csv_of(self.columns())

    def to_parquet(self) -> bytes:
        """The same as a Parquet file. Raises ``ImportError`` without pyarrow."""
        return parquet_of(self.columns())

    def annotated(self, encoding: Encoding = Encoding.PNG, long_side: int = LONGEST_SIDE) -> bytes:
        """The picture, at most ``long_side`` pixels, with its faces boxed and labelled.

        Raises:
            InputError: the result came without its picture, or the picture could not be read.
        """
        if self.run is None or self.width is None or self.height is None:
            raise InputError("there is no picture to draw on: the result has an error, or came from a document")
        frame = PictureDecoder(LIMITS, concurrency=1).decode_within(self.run.content(), long_side=long_side)
        drawn = annotate(frame.pixels, [face_of(face) for face in self.faces], self.width, self.height)
        return encode(drawn, encoding)

    def save_annotated(self, path: str | PathLike[str]) -> Path:
        """Write ``annotated()`` to a .png or .jpg file.

        Raises:
            InvalidOption: another suffix.
            StorageFull: it cannot be written.
        """
        return write(path, self.annotated(encoding_for(path)))

    def plot(self, path: str | PathLike[str]) -> Path:
        """Draw every face's scores as bars, into a .png or .jpg file. Raises as ``save_annotated`` does."""
        faces = [(f"face {number}", face.scores) for number, face in enumerate(self.faces, start=1)]
        return write(path, encode(score_bars(faces, self._labels), encoding_for(path)))

    def methods(self) -> str:
        """A paragraph for the methods section of a paper, made from this run.

        Raises:
            InvalidOption: the result came from a document, which does not tell how it was made.
        """
        if self.run is None:
            raise InvalidOption("methods", "a result made from a document does not know how it was made.")
        return picture_methods(self.run)

    @property
    def _labels(self) -> tuple[str, ...]:
        return LABELS[LabelSet.FERPLUS8 if self.run is None else self.run.options.labels]

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows."""
        return None if self.run is None or self.width is None else self.annotated(long_side=_NOTEBOOK_SIDE)
