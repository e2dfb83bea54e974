"""How far a clip was read, and where it ends: by its frames, whatever its header claims."""

from fractions import Fraction

from mien.video.structure import Structure

# Seconds by which headers are off: they round, and some count the last frame's duration and some do not.
_CLAIM_SLACK = 0.5
_ROUNDING = 0.05


class Extent:
    """Is told of every frame, in the order shown, and of the end; all times are in seconds of the clip.

    ``base`` is the length of a tick of the frames' durations, ``interval`` that of a frame on average as the container
    has it. ``claimed`` is where the clip ends according to its container, ``asked`` where its caller has it end;
    ``reordered`` says that frames are decoded in another order than shown.
    """

    def __init__(
        self,
        base: Fraction,
        interval: Fraction,
        claimed: float | None,
        asked: float | None,
        *,
        reordered: bool = False,
    ) -> None:
        self._reordered = reordered
        self._step = Fraction(0)
        self._base = base
        self._interval = interval
        self._claimed = claimed
        self._asked = asked
        self._first: Fraction | None = None
        self._last = Fraction(0)
        self._advances = 0
        self._structure: Structure | None = None
        self._met_asked = False
        self.read_until = 0.0

    def met(self, time: Fraction, ticks: int | None) -> None:
        """A frame shown at ``time`` that lasts ``ticks``, so far as its container says.

        It is shown until the next one is: containers that count durations in the order of decoding tell those of
        others. Only the last frame's own one is believed.
        """
        if self._first is None:
            self._first = self._last = time
        elif time <= self._last:
            return
        else:
            self._last, self._step = time, time - self._last
            self._advances += 1
        self.read_until = float(time + self._length(ticks or 0))

    def met_asked(self) -> None:
        """There is a frame at or after the end asked for."""
        self._met_asked = True

    def exhausted(self, structure: Structure) -> None:
        """There are no more frames in the file, which is put together so."""
        self._structure = structure

    @property
    def shown_until(self) -> float:
        """When the last of the frames met stops being shown.

        That is when the next frame is due, but no later than the end asked for, and no earlier than it where a frame
        after it was met: slides last as long as they do, whatever the average rate.
        """
        asked = float("inf") if self._asked is None else self._asked
        return asked if self._met_asked else min(asked, self.read_until)

    @property
    def duration(self) -> float:
        """The clip's length: the end of its last frame, or, where not all of it was read, as far as is known."""
        return self.read_until if self._structure is not None else max(self._claimed or 0.0, self.shown_until)

    def warnings(self, broke_off: bool, position: int) -> list[str]:
        """What is to be said of the end, once it was met.

        ``broke_off`` says that reading failed, ``position`` is that of the last packet in the file, in bytes.
        """
        if self._structure is None:
            return []
        found = []
        missing = 0.0 if self._claimed is None else self._claimed - self.read_until
        # What lies behind the pictures may be missing (sound, an index), and nothing of them.
        is_complete = self._claimed is not None and abs(missing) < _ROUNDING
        if broke_off or (self._structure.is_cut_off and not is_complete):
            found.append(f"The clip is cut off or damaged: it could be read until {self.read_until:.3f} s only.")
        elif missing > _CLAIM_SLACK:
            found.append(
                f"The clip claims to end at {self._claimed:.3f} s; its last picture ends at {self.read_until:.3f} s."
            )
        if unread := sum(begin > position for begin in self._structure.joined):
            follows = "Another recording follows" if unread == 1 else f"{unread} more recordings follow"
            found.append(f"{follows} in the file after {self.read_until:.3f} s and could not be read; send one a file.")
        return found

    def _length(self, ticks: int) -> Fraction:
        """Of the last frame."""
        mean = (self._last - (self._first or 0)) / self._advances if self._advances else self._interval
        # FLV has no durations, and what stands in for them is a millisecond.
        is_stand_in = ticks == 1 and mean > 2 * self._base
        if ticks <= 0 or is_stand_in:
            return mean
        own = ticks * self._base
        # In MP4 even the last frame's may be the time to one that is shown before it: the shorter is on the safe side.
        return min(own, self._step) if self._reordered and self._advances else own
