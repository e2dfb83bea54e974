"""A slow, simple reference implementation of segments and summaries, to test the packed one against."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from mien.timeline.model import FrameRow, Person, Segment, Summary
from mien.timeline.segments import MARGIN, MIN_LENGTH, EmotionRuns
from mien.timeline.tracker import MAX_GAP


class Sample(NamedTuple):
    """One person's scores, from ``time`` for ``span`` seconds."""

    time: float
    span: float
    scores: tuple[float, ...]

    @property
    def end(self) -> float:
        """When the next sampled frame was seconds_of."""
        return self.time + self.span


def packed(samples: Sequence[Sample]) -> EmotionRuns:
    """The same samples as the service keeps them."""
    runs = EmotionRuns(len(samples[0].scores))
    for sample in samples:
        runs.add(*sample)
    return runs


def merged(samples: Sequence[Sample]) -> list[tuple[int, list[Sample]]]:
    """The segments of one appearance, each with the index of its emotion."""
    parts: list[tuple[int, list[Sample]]] = []
    for sample in samples:
        label = int(np.argmax(sample.scores))
        if parts and sample.scores[label] - sample.scores[parts[-1][0]] <= MARGIN:
            label = parts[-1][0]
        parts.append((label, [sample]))
    parts = _concat(parts)
    while len(parts) > 1:
        at = min(range(len(parts)), key=lambda i: (_length(parts[i]), i))
        if _length(parts[at]) >= MIN_LENGTH - 1e-6:
            break
        neighbours = [i for i in (at - 1, at + 1) if 0 <= i < len(parts)]
        into = max(neighbours, key=lambda i: _length(parts[i]))
        parts[at] = (parts[into][0], parts[at][1])
        parts = _concat(parts)
    return parts


def summary_of(rows: Sequence[FrameRow], labels: tuple[str, ...], end: float) -> tuple[list[Person], Summary]:
    """The people and the summary of all rows, the last of which counts until ``end``."""
    times = [row.time for row in rows]
    spans = np.maximum(np.diff([*times, end]), 0.0).tolist()
    faces = [(face, row.time, span) for row, span in zip(rows, spans, strict=True) for face in row.faces]
    seconds_of = {label: float(sum(span for face, _, span in faces if face.emotion == label)) for label in labels}
    total = sum(seconds_of.values())
    summary = Summary(
        dominant=max(seconds_of, key=seconds_of.__getitem__) if total > 0 else None,
        share={label: seconds / total for label, seconds in seconds_of.items()} if total > 0 else {},
        mean_faces=total / sum(spans) if sum(spans) > 0 else 0.0,
        max_faces=max((len(row.faces) for row in rows), default=0),
    )
    people = []
    for number, own in groupby(sorted(faces, key=lambda f: (f[0].person, f[1])), key=lambda f: f[0].person):
        samples = [Sample(time, span, face.scores) for face, time, span in own]
        means = _mean(samples)
        people.append(
            Person(
                person=number,
                first_seen=samples[0].time,
                last_seen=samples[-1].time,
                screen_time=sum(sample.span for sample in samples),
                dominant=labels[int(np.argmax(means))],
                mean_scores=dict(zip(labels, means, strict=True)),
                segments=tuple(
                    _segment(part, label, labels)
                    for appearance in _appearances(samples)
                    for label, part in merged(appearance)
                ),
            )
        )
    return people, summary


def _segment(samples: list[Sample], label: int, labels: tuple[str, ...]) -> Segment:
    peak = max(samples, key=lambda sample: sample.scores[label])
    return Segment(samples[0].time, samples[-1].end, labels[label], _mean(samples)[label], peak.time)


def _mean(samples: list[Sample]) -> list[float]:
    weights = np.array([sample.span for sample in samples])
    scores = np.array([sample.scores for sample in samples])
    mean: list[float] = np.average(scores, axis=0, weights=weights if weights.sum() > 0 else None).tolist()
    return mean


def _appearances(samples: list[Sample]) -> list[list[Sample]]:
    appearances: list[list[Sample]] = [[]]
    for sample in samples:
        if appearances[-1] and sample.time - appearances[-1][-1].end > MAX_GAP + 1e-6:
            appearances.append([])
        appearances[-1].append(sample)
    return appearances


def _length(part: tuple[int, list[Sample]]) -> float:
    return part[1][-1].end - part[1][0].time


def _concat(parts: list[tuple[int, list[Sample]]]) -> list[tuple[int, list[Sample]]]:
    whole: list[tuple[int, list[Sample]]] = []
    for label, part in parts:
        if whole and whole[-1][0] == label:
            whole[-1] = (label, whole[-1][1] + part)
        else:
            whole.append((label, part))
    return whole
