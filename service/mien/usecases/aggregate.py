"""Counts per label, over so many people that none of them is described.

A picture or clip with fewer than ``MIN_PEOPLE`` people has no counts: they would say what each of them, or nearly each,
showed (k-anonymity: Sweeney, 2002). Pictures are counted one by one, because one person may be in several of them. A
clip needs that many people in one frame, because someone who leaves and comes back is followed as another person.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mien.render.csv_rows import CsvRows
from mien.timeline.model import Timeline
from mien.usecases.analyze_image import PictureResult
from mien.usecases.picture_document import Document

MIN_PEOPLE = 5


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How many people there are, and how many of them each label describes best; both ``None`` where withheld."""

    people: int | None
    counts: Mapping[str, int] | None

    def document(self) -> Document:
        """As JSON values."""
        return {"people": self.people, "counts": self.counts, "withheld": self.counts is None}


WITHHELD = Aggregate(None, None)


def picture_aggregate(picture: PictureResult, labels: Sequence[str]) -> Aggregate:
    """The counts over the faces of one picture."""
    return _aggregate([face.emotion for face in picture.faces], labels)


def clip_aggregate(timeline: Timeline) -> Aggregate:
    """The counts over the people of a clip, each by the label with their highest mean score."""
    if timeline.summary.max_faces < MIN_PEOPLE:
        return WITHHELD
    return _aggregate([person.dominant for person in timeline.people], timeline.labels)


def _aggregate(emotions: Sequence[str], labels: Sequence[str]) -> Aggregate:
    if len(emotions) < MIN_PEOPLE:
        return WITHHELD
    found = Counter(emotions)
    return Aggregate(len(emotions), {label: found[label] for label in labels})


def aggregate_csv(aggregates: Iterable[tuple[Aggregate, str]], labels: Sequence[str]) -> Iterator[str]:
    """A table with a line per picture or clip: ``index, people, withheld, error``, and a column per label.

    ``aggregates`` come with the code of the error that a picture had, or ``""``.
    """
    lines = CsvRows()
    lines.add(("index", "people", "withheld", "error", *labels))
    for index, (aggregate, error) in enumerate(aggregates):
        counts = aggregate.counts
        values = [""] * len(labels) if counts is None else [counts[label] for label in labels]
        lines.add((index, aggregate.people or "", "true" if counts is None else "false", error, *values))
    yield lines.take()
