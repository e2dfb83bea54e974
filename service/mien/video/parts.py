"""Reading a clip in parts that begin at key frames, and joining what was found out about each.

The frames of the parts, one part after the other, are those of the clip read at once.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf, nextafter

from mien.video.demuxer import Demuxer, KeyFrame
from mien.video.duration import DurationTracker
from mien.video.model import TIME_SLACK, ClipInfo, Sampling
from mien.video.source import ClipSource


@dataclass(frozen=True, slots=True)
class PartBounds:
    """The frames with ``start <= time < end`` in seconds (``end`` of ``None``: the end of the clip), and the last key
    frame shown before ``start``, where it is known."""

    start: float
    end: float | None
    key_frame: KeyFrame | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames decoded, shot boundaries passed, and how often the time advanced."""

    frames: int = 0
    scene: int = 0
    advances: int = 0


@dataclass(frozen=True, slots=True)
class Damage:
    """See ``Decoder``."""

    damaged: int = 0
    restarts: int = 0
    broke_off: bool = False
    position: int = 0

    @property
    def is_none(self) -> bool:
        return not (self.damaged or self.restarts or self.broke_off)


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What reading a part to its end found out; ``before`` are the counts at the last frame before its start."""

    info: ClipInfo
    before: Counts
    after: Counts
    duration: DurationTracker
    damage: Damage


@dataclass(frozen=True, slots=True)
class ReadClip:
    """What ``Clip`` tells after all of its frames were read."""

    info: ClipInfo
    duration: float
    shown_until: float
    frames_decoded: int
    warnings: tuple[str, ...]


def divide(
    source: ClipSource,
    sampling: Sampling,
    seconds: float,
    max_pixels: int,
    raise_if_cancelled: Callable[[], None] = lambda: None,
) -> list[PartBounds]:
    """Parts of at least ``seconds`` that begin just after key frames. A clip that cannot be sought is one part.

    Reads every packet of the picture track once, and keeps its time (8 bytes per frame).

    Raises:
        As ``Demuxer``, and what ``raise_if_cancelled`` raises, which is called at every packet.
    """
    whole = [PartBounds(sampling.start, sampling.end)]
    with closing(Demuxer(source, max_pixels)) as demuxer:
        if not demuxer.can_seek:
            return whole
        base, origin = demuxer.time_base, demuxer.origin
        clock, shown, keys = demuxer.unwrapper(), array("q"), []
        for packet, pts, dts, _ in demuxer.timed_packets(clock, raise_if_cancelled):
            shown.append(pts)
            if packet.is_keyframe:
                keys.append((pts, dts))
        if clock.restarts or not shown:
            return whole
    shown = array("q", sorted(shown))
    starts = list(_starts(keys, shown, sampling, seconds, lambda pts: pts * base - origin))
    bounds = [(sampling.start, None), *starts]
    ends = [*(start for start, _ in starts), sampling.end]
    return [PartBounds(start, end, key) for (start, key), end in zip(bounds, ends, strict=True)]


def _starts(
    keys: Sequence[tuple[int, int]],
    shown: Sequence[int],
    sampling: Sampling,
    seconds: float,
    time_of: Callable[[int], Fraction],
) -> Iterator[tuple[float, KeyFrame]]:
    """Where the parts after the first begin."""
    end = min(float(time_of(shown[-1])), inf if sampling.end is None else sampling.end)
    previous = max(sampling.start, float(time_of(shown[0])))
    found: tuple[float, KeyFrame] | None = None
    for pts, dts in sorted(keys):
        start = _first_instant_after(time_of(pts), sampling.fps)
        if found is not None and start != found[0]:
            yield found
            previous, found = found[0], None
        if start - previous >= seconds and start < end:
            found = start, KeyFrame(pts, dts, bisect_left(shown, pts))  # the last of those before the same instant
    if found is not None:
        yield found


def _first_instant_after(time: Fraction, fps: float | None) -> float:
    """The first sampling instant for which the frame shown at ``time`` is too early.

    So that frame is decoded, and the next one compared with it, as in the whole clip.
    """
    if fps is None:
        return float(time + 2 * TIME_SLACK)
    rate = Fraction(str(fps))
    exact = ((time + TIME_SLACK) * rate // 1 + 1) / rate
    rounded = float(exact)
    return rounded if Fraction(rounded) <= exact else nextafter(rounded, 0.0)


def can_join(parts: Sequence[PartFacts]) -> bool:
    """Whether the parts tell what the whole clip does. Damage near a bound is met twice, and frames that change their
    size report that of the first: such clips have to be read at once."""
    shapes = {(part.info.width, part.info.height, part.info.rotation, part.info.mirrored) for part in parts}
    return len(parts) == 1 or (len(shapes) == 1 and all(part.damage.is_none for part in parts))


def join(parts: Sequence[PartFacts]) -> ReadClip:
    """What the whole clip tells, from what its ``parts`` did; of one part, what that part did."""
    first, last = parts[0], parts[-1]
    later = parts[1:]
    advances = first.after.advances + sum(part.after.advances - part.before.advances for part in later)
    duration = replace(
        first.duration,
        end=last.duration.end,
        shown=replace(last.duration.shown, first=first.duration.shown.first, advances=advances),
        structure=last.duration.structure,
        reached_end=last.duration.reached_end,
    )
    return ReadClip(
        info=first.info,
        duration=duration.duration,
        shown_until=duration.shown_until,
        frames_decoded=first.after.frames + sum(part.after.frames - part.before.frames for part in later),
        warnings=(*_damage_warnings(last.damage), *duration.warnings(last.damage.broke_off, last.damage.position)),
    )


def _damage_warnings(damage: Damage) -> Iterator[str]:
    if damage.damaged:
        yield f"{damage.damaged} damaged pieces of the clip were left out."
    if damage.restarts:
        yield "The clip's clock starts over in the middle; its parts were put one after the other."
