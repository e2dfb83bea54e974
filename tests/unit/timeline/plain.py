"""What a timeline says of its people, written down rule by rule with everything unpacked: slow, and easy to believe."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from mien.timeline.model import FrameRow, Person, Segment, Summary
from mien.timeline.segments import MIN_LENGTH
from mien.timeline.stretches import MARGIN, Stretches
from mien.timeline.tracker import MAX_LOSS


class Sample(NamedTuple):
    """One person's scores, from ``time`` for ``span`` seconds."""

    time: float
    span: float
    scores: tuple[float, ...]

    @property
    def end(self) -> float:
        """When the next sampled frame was shown."""
        return self.time + self.span


def packed(samples: Sequence[Sample]) -> Stretches:
    """The same as the service keeps them."""
    stretches = Stretches(len(samples[0].scores))
    for sample in samples:
        stretches.add(*sample)
    return stretches


def joined(samples: Sequence[Sample]) -> list[tuple[int, list[Sample]]]:
    """The stretches of one run, each with the place of its emotion."""
    stretches: list[tuple[int, list[Sample]]] = []
    for sample in samples:
        label = int(np.argmax(sample.scores))
        if stretches and sample.scores[label] - sample.scores[stretches[-1][0]] <= MARGIN:
            label = stretches[-1][0]
        stretches.append((label, [sample]))
    stretches = _in_one(stretches)
    while len(stretches) > 1:
        at = min(range(len(stretches)), key=lambda i: (_length(stretches[i]), i))
        if _length(stretches[at]) >= MIN_LENGTH - 1e-6:
            break
        beside = [i for i in (at - 1, at + 1) if 0 <= i < len(stretches)]
        into = max(beside, key=lambda i: _length(stretches[i]))
        stretches[at] = (stretches[into][0], stretches[at][1])
        stretches = _in_one(stretches)
    return stretches


def account(rows: Sequence[FrameRow], labels: tuple[str, ...], end: float) -> tuple[list[Person], Summary]:
    """The people and the summary of all rows, the last of which counts until ``end``."""
    times = [row.time for row in rows]
    spans = np.maximum(np.diff([*times, end]), 0.0).tolist()
    faces = [(face, row.time, span) for row, span in zip(rows, spans, strict=True) for face in row.faces]
    shown = {label: float(sum(span for face, _, span in faces if face.emotion == label)) for label in labels}
    total = sum(shown.values())
    summary = Summary(
        dominant=max(shown, key=shown.__getitem__) if total > 0 else None,
        share={label: seconds / total for label, seconds in shown.items()} if total > 0 else {},
        mean_faces=total / sum(spans) if sum(spans) > 0 else 0.0,
        max_faces=max((len(row.faces) for row in rows), default=0),
    )
    people = []
    for number, found in groupby(sorted(faces, key=lambda f: (f[0].person, f[1])), key=lambda f: f[0].person):
        samples = [Sample(time, span, face.scores) for face, time, span in found]
        means = _mean(samples)
        people.append(
            Person(
                person=number,
                first_seen=samples[0].time,
                last_seen=samples[-1].time,
                screen_time=sum(sample.span for sample in samples),
                dominant=labels[int(np.argmax(means))],
                mean_scores=dict(zip(labels, means, strict=True)),
                segments=tuple(_segment(part, label, labels) for run in _runs(samples) for label, part in joined(run)),
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


def _runs(samples: list[Sample]) -> list[list[Sample]]:
    runs: list[list[Sample]] = [[]]
    for sample in samples:
        if runs[-1] and sample.time - runs[-1][-1].end > MAX_LOSS + 1e-6:
            runs.append([])
        runs[-1].append(sample)
    return runs


def _length(stretch: tuple[int, list[Sample]]) -> float:
    return stretch[1][-1].end - stretch[1][0].time


def _in_one(stretches: list[tuple[int, list[Sample]]]) -> list[tuple[int, list[Sample]]]:
    whole: list[tuple[int, list[Sample]]] = []
    for label, part in stretches:
        if whole and whole[-1][0] == label:
            whole[-1] = (label, whole[-1][1] + part)
        else:
            whole.append((label, part))
    return whole
