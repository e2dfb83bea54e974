"""A timeline as WebVTT captions (W3C), one cue per segment: players show them over the clip."""

from mien.timeline.model import Timeline


def webvtt(timeline: Timeline) -> str:
    """The file's text. The voice of a cue is the person, its text the emotion and the segment's mean score."""
    segments = sorted(
        ((segment.start, person.person, segment) for person in timeline.people for segment in person.segments),
        key=lambda cue: cue[:2],
    )
    cues = [
        f"{_clock(start)} --> {_clock(segment.end)}\n<v Person {person}>{segment.emotion} {segment.mean_score:.2f}\n"
        for start, person, segment in segments
        if round(1000 * start) < round(1000 * segment.end)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _clock(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
