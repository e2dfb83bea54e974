"""How long a clip is: as its container declares, and as its frames were shown."""

import re
from dataclasses import dataclass, field
from fractions import Fraction

import av

from mien.video.demuxer import Demuxer
from mien.video.file_structure import FileStructure
from mien.video.timestamps import WRAP_PERIOD

# Seconds by which headers are off: they round, and some count the last frame's duration and some do not.
_DECLARED_SLACK = 0.5
_ROUNDING = 0.05

# Matroska's tag for a track's length, hours first. Anything else there is not a time; so many digits stay finite.
_DURATION_TAG = re.compile(r"(\d{1,6}):(\d{1,2}):(\d{1,2}(?:\.\d{1,12})?)", re.ASCII)


def declared_end(demuxer: Demuxer) -> float | None:
    """The presentation time in seconds at which the picture track ends according to the container."""
    container, stream, base = demuxer.container, demuxer.stream, demuxer.time_base
    if demuxer.format == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)  # its duration is a guess from the file's size
    if demuxer.format == "mpegts" and (stream.duration or 0) * base > WRAP_PERIOD / 2:
        # The clock restarts in the middle: FFmpeg takes one that restarts below its first value as wrapped around.
        return None
    if stream.duration:
        return float((stream.start_time or 0) * base + stream.duration * base - demuxer.origin)
    for name in ("DURATION", "DURATION-eng"):
        if found := _DURATION_TAG.fullmatch(stream.metadata.get(name, "").strip()):
            hours, minutes, seconds = found.groups()
            # 0 where the writer never filled it in.
            if tagged := int(hours) * 3600 + int(minutes) * 60 + float(seconds):
                return tagged
    if container.duration:
        begin = Fraction(container.start_time or 0, av.time_base) - demuxer.origin
        return float(begin + Fraction(container.duration, av.time_base))
    return None


@dataclass(frozen=True, slots=True)
class ShownFrames:
    """What a ``DurationTracker`` keeps of the frames: when the first and the last are shown, how long before the last
    its predecessor was, the last one's own duration in ticks, and how often the time advanced."""

    first: Fraction | None = None
    last: Fraction = Fraction(0)
    step: Fraction = Fraction(0)
    ticks: int = 0
    advances: int = 0


@dataclass(slots=True)
class DurationTracker:
    """Is given every frame in presentation order, and then the end; all times are in seconds of the clip.

    ``time_base`` is the length of a tick of the frames' durations, ``interval`` the average between frames according to
    the container. ``declared`` is where the clip ends according to its container, ``end`` the requested end.
    ``reordered`` says that the decode order differs from the presentation order.
    """

    time_base: Fraction
    interval: Fraction
    declared: float | None
    end: float | None
    reordered: bool = False
    shown: ShownFrames = field(default_factory=ShownFrames)
    structure: FileStructure | None = None
    reached_end: bool = False

    def add(self, time: Fraction, ticks: int | None) -> None:
        """A frame shown at ``time`` that lasts ``ticks`` according to its container.

        It is shown until the next one is: containers that count durations in decode order give those of other frames.
        Only the last frame's own duration is used.
        """
        shown = self.shown
        if shown.first is None:
            self.shown = ShownFrames(time, time, ticks=ticks or 0)
        elif time > shown.last:
            self.shown = ShownFrames(shown.first, time, time - shown.last, ticks or 0, shown.advances + 1)

    @property
    def read_until(self) -> float:
        """When the last frame added ends."""
        return 0.0 if self.shown.first is None else float(self.shown.last + self._last_length())

    def reach_end(self) -> None:
        """There is a frame at or after the requested end."""
        self.reached_end = True

    def finish(self, structure: FileStructure) -> None:
        """There are no more frames in the file, which has this ``structure``."""
        self.structure = structure

    @property
    def shown_until(self) -> float:
        """When the last frame added stops being shown.

        That is when the next frame is due, but no later than the requested end, and exactly then if a later frame
        exists: slides last as long as they do, whatever the average rate.
        """
        end = float("inf") if self.end is None else self.end
        return end if self.reached_end else min(end, self.read_until)

    @property
    def duration(self) -> float:
        """The clip's length: the end of its last frame, or, where not all of it was read, the best estimate."""
        return self.read_until if self.structure is not None else max(self.declared or 0.0, self.shown_until)

    def warnings(self, broke_off: bool, position: int) -> list[str]:
        """Sentences about the end of the file, once it was reached.

        ``broke_off`` says that reading failed, ``position`` is that of the last packet in the file, in bytes.
        """
        if self.structure is None:
            return []
        found = []
        missing = 0.0 if self.declared is None else self.declared - self.read_until
        # What follows the last frame may be missing (sound, an index) without loss of a frame.
        is_complete = self.declared is not None and abs(missing) < _ROUNDING
        if broke_off or (self.structure.is_cut_off and not is_complete):
            found.append(f"The clip is cut off or damaged: it could be read until {self.read_until:.3f} s only.")
        elif missing > _DECLARED_SLACK:
            found.append(
                f"The clip claims to end at {self.declared:.3f} s; its last picture ends at {self.read_until:.3f} s."
            )
        if unread := sum(begin > position for begin in self.structure.joined):
            follows = "Another recording follows" if unread == 1 else f"{unread} more recordings follow"
            found.append(f"{follows} in the file after {self.read_until:.3f} s and could not be read; send one a file.")
        return found

    def _last_length(self) -> Fraction:
        shown = self.shown
        mean = (shown.last - (shown.first or 0)) / shown.advances if shown.advances else self.interval
        # FLV has no durations; FFmpeg reports a millisecond instead.
        is_placeholder = shown.ticks == 1 and mean > 2 * self.time_base
        if shown.ticks <= 0 or is_placeholder:
            return mean
        own = shown.ticks * self.time_base
        # In MP4 even the last frame's may be the time to one that is shown before it: the shorter one is safe.
        return min(own, shown.step) if self.reordered and shown.advances else own
