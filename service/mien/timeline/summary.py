"""Summaries of each person and of the whole clip."""

from collections.abc import Sequence
from typing import overload

from mien.timeline.model import FrameRow, Person, Summary, Timeline
from mien.timeline.segments import EmotionRuns, segments


class Summarizer:
    """Sums up rows as they come. Keeps no rows, and only packed sums per person.

    A frame counts for the time until the next sampled one is shown, the last one until the end of the clip, so the
    result does not depend on irregular frame times or the sampling rate. A person's dominant emotion has the highest
    mean score; the clip's share of an emotion is the part of all screen time in which it had a face's highest score.
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._people: dict[int, EmotionRuns] = {}
        self._emotion_seconds = dict.fromkeys(labels, 0.0)
        self._seconds = self._face_seconds = 0.0
        self._max_faces = 0
        self._last: FrameRow | None = None  # its duration is known with the next one

    def add(self, row: FrameRow) -> None:
        """Count the next row; times grow."""
        self._count_until(row.time)
        self._last = row

    def finish(self, rows: Sequence[FrameRow], end: float) -> Timeline:
        """The timeline of ``rows``, the ones that were added; the last counts until ``end`` (seconds). Call it once."""
        self._count_until(end)
        self._last = None
        total = sum(self._emotion_seconds.values())
        summary = Summary(
            dominant=max(self._emotion_seconds, key=self._emotion_seconds.__getitem__) if total > 0 else None,
            share={label: time / total for label, time in self._emotion_seconds.items()} if total > 0 else {},
            mean_faces=self._face_seconds / self._seconds if self._seconds > 0 else 0.0,
            max_faces=self._max_faces,
        )
        return Timeline(self._labels, rows, People(self._people, self._labels), summary)

    def _count_until(self, time: float) -> None:
        row = self._last
        if row is None:
            return
        span = max(0.0, time - row.time)
        self._seconds += span
        self._face_seconds += len(row.faces) * span
        self._max_faces = max(self._max_faces, len(row.faces))
        for face in row.faces:
            self._emotion_seconds[face.emotion] += span
            if face.person not in self._people:
                self._people[face.person] = EmotionRuns(len(self._labels))
            self._people[face.person].add(row.time, span, face.scores)


class People(Sequence[Person]):
    """People in order of their numbers, created on access: thousands of them unpacked would fill the memory."""

    def __init__(self, runs: dict[int, EmotionRuns], labels: tuple[str, ...]) -> None:
        self._runs = runs
        self._numbers = sorted(runs)
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
        runs = self._runs[number]
        every = range(len(runs))
        means = [runs.mean(every, emotion) for emotion in range(len(self._labels))]
        return Person(
            person=number,
            first_seen=runs.start(0),
            last_seen=runs.last_seen(),
            screen_time=runs.seconds(every),
            dominant=self._labels[max(range(len(means)), key=means.__getitem__)],
            mean_scores=dict(zip(self._labels, means, strict=True)),
            segments=segments(runs, self._labels),
        )


def summarize(rows: Sequence[FrameRow], labels: tuple[str, ...], end: float) -> Timeline:
    """The timeline of all ``rows`` at once; ``end`` as in ``Summarizer.finish``."""
    summarizer = Summarizer(labels)
    for row in rows:
        summarizer.add(row)
    return summarizer.finish(rows, end)
