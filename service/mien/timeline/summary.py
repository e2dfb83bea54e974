"""What each person, and the whole clip, showed over time."""

from collections.abc import Sequence
from typing import overload

from mien.timeline.model import FrameRow, Person, Summary, Timeline
from mien.timeline.segments import segments
from mien.timeline.stretches import Stretches


class Summarizer:
    """Sums up rows while they come; the rows themselves are not kept, and of a person only packed sums.

    A frame counts for the time until the next sampled one is shown, the last one until the end of the clip, so that
    irregular frame times and the sampling rate do not weigh. A person's dominant emotion has the highest mean score;
    the clip's share of an emotion is the part of all screen time in which it was the highest of a face.
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._people: dict[int, Stretches] = {}
        self._shown = dict.fromkeys(labels, 0.0)  # seconds
        self._length = self._crowd = 0.0
        self._most = 0
        self._waiting: FrameRow | None = None  # how long it counts is known with the next one

    def add(self, row: FrameRow) -> None:
        """Count the next row; times grow."""
        self._count_until(row.time)
        self._waiting = row

    def finish(self, rows: Sequence[FrameRow], end: float) -> Timeline:
        """The account of the ``rows`` that were added, with them; the last counts until ``end`` (seconds).

        No row may be added afterwards.
        """
        self._count_until(end)
        self._waiting = None
        total = sum(self._shown.values())
        summary = Summary(
            dominant=max(self._shown, key=self._shown.__getitem__) if total > 0 else None,
            share={label: time / total for label, time in self._shown.items()} if total > 0 else {},
            mean_faces=self._crowd / self._length if self._length > 0 else 0.0,
            max_faces=self._most,
        )
        return Timeline(self._labels, rows, People(self._people, self._labels), summary)

    def _count_until(self, time: float) -> None:
        row = self._waiting
        if row is None:
            return
        span = max(0.0, time - row.time)
        self._length += span
        self._crowd += len(row.faces) * span
        self._most = max(self._most, len(row.faces))
        for face in row.faces:
            self._shown[face.emotion] += span
            stretches = self._people.get(face.person)
            if stretches is None:
                stretches = self._people[face.person] = Stretches(len(self._labels))
            stretches.add(row.time, span, face.scores)


class People(Sequence[Person]):
    """The people in order of their numbers, each made when asked for: thousands of them unpacked fill the memory."""

    def __init__(self, found: dict[int, Stretches], labels: tuple[str, ...]) -> None:
        self._found = found
        self._numbers = sorted(found)
        self._labels = labels

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Person: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Person]: ...
    def __getitem__(self, at: int | slice) -> Person | Sequence[Person]:
        if isinstance(at, slice):
            return [self._person(number) for number in self._numbers[at]]
        return self._person(self._numbers[at])

    def _person(self, number: int) -> Person:
        stretches = self._found[number]
        everything = range(len(stretches))
        means = [stretches.mean(everything, emotion) for emotion in range(len(self._labels))]
        return Person(
            person=number,
            first_seen=stretches.start(0),
            last_seen=stretches.last_seen(),
            screen_time=stretches.seconds(everything),
            dominant=self._labels[max(range(len(means)), key=means.__getitem__)],
            mean_scores=dict(zip(self._labels, means, strict=True)),
            segments=segments(stretches, self._labels),
        )


def summarize(rows: Sequence[FrameRow], labels: tuple[str, ...], end: float) -> Timeline:
    """The account of rows that are all there; ``end`` as in ``Summarizer.finish``."""
    summarizer = Summarizer(labels)
    for row in rows:
        summarizer.add(row)
    return summarizer.finish(rows, end)
