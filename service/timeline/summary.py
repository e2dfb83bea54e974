"""What a person, and the whole clip, showed over time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from service.timeline.model import FrameRow, Person, Summary, Timeline
from service.timeline.segments import Sample, segments


def summarize(rows: Sequence[FrameRow], labels: tuple[str, ...], end: float) -> Timeline:
    """The rows with every person's and the clip's account of them.

    A frame counts for the time until the next sampled one is shown, the last one until ``end`` (seconds), so that
    irregular frame times and the sampling rate do not weigh. A person's dominant emotion has the highest mean score;
    the clip's share of an emotion is the part of all screen time in which it was the highest of a face.
    """
    times = [row.time for row in rows]
    spans = [max(0.0, after - time) for time, after in zip(times, [*times[1:], end], strict=True)] if rows else []
    samples: dict[int, list[Sample]] = defaultdict(list)
    shown = dict.fromkeys(labels, 0.0)
    crowd, most = 0.0, 0
    for row, span in zip(rows, spans, strict=True):
        crowd += len(row.faces) * span
        most = max(most, len(row.faces))
        for face in row.faces:
            samples[face.person].append(Sample(row.time, span, face.scores))
            shown[face.emotion] += span
    total = sum(shown.values())
    length = sum(spans)
    summary = Summary(
        dominant=max(shown, key=shown.__getitem__) if total > 0 else None,
        share={label: time / total for label, time in shown.items()} if total > 0 else {},
        mean_faces=crowd / length if length > 0 else 0.0,
        max_faces=most,
    )
    people = tuple(_person(number, samples[number], labels) for number in sorted(samples))
    return Timeline(labels, rows, people, summary)


def _person(number: int, samples: Sequence[Sample], labels: tuple[str, ...]) -> Person:
    screen_time = sum(s.span for s in samples)
    # A single frame without duration still has scores.
    weights = [s.span for s in samples] if screen_time > 0 else [1.0] * len(samples)
    means = _weighted_means((s.scores for s in samples), weights, len(labels))
    return Person(
        person=number,
        first_seen=samples[0].time,
        last_seen=samples[-1].time,
        screen_time=screen_time,
        dominant=labels[max(range(len(labels)), key=means.__getitem__)],
        mean_scores=dict(zip(labels, means, strict=True)),
        segments=segments(samples, labels),
    )


def _weighted_means(scores: Iterable[tuple[float, ...]], weights: Sequence[float], count: int) -> list[float]:
    sums = [0.0] * count
    for values, weight in zip(scores, weights, strict=True):
        for at, value in enumerate(values):
            sums[at] += weight * value
    total = sum(weights)
    return [s / total for s in sums]
