"""A timeline as events of BORIS (Friard and Gamba, 2016), one start and one stop per segment.

BORIS reads no table of events from a file. It takes events from the clipboard (Observations, Paste events): lines of
six fields separated by tabs, without a header, for an observation from media. These are such lines; their columns are
time in seconds, subject, behavior, modifier, comment and frame index. Its project needs the subjects ``Person 1`` and
so on, and the emotions as state events: BORIS then pairs the first event of an emotion with the second.
"""

from bisect import bisect_right

from mien.timeline.model import Timeline


def boris_events(timeline: Timeline) -> str:
    """The lines, in order of time. The comment is the segment's mean score; the frame index is that of the analysed
    frame at the time, or the last one before it."""
    times = [row.time for row in timeline.rows]
    frames = [row.frame for row in timeline.rows]
    events = []
    for person in timeline.people:
        for segment in person.segments:
            for time, stops in ((segment.start, 0), (segment.end, 1)):
                frame = frames[max(0, bisect_right(times, time + 1e-9) - 1)]
                events.append((time, not stops, person.person, segment.emotion, f"{segment.mean_score:.4f}", frame))
    # A segment that ends when the next begins stops first.
    return "\n".join(
        f"{time:.3f}\tPerson {person}\t{emotion}\t\t{comment}\t{frame}"
        for time, _, person, emotion, comment, frame in sorted(events)
    )
