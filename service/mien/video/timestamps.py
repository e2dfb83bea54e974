"""Presentation times of decoded frames."""

from collections import deque
from fractions import Fraction
from heapq import heappop, heappush

from av import Packet, VideoFrame
from av.video.stream import VideoStream

WRAP_PERIOD = Fraction(2**33, 90_000)
"""Seconds after which the clock of a transport stream wraps around."""

_DISCONTINUITY = 1  # s; a smaller step back is not a new clock
_MAX_REORDERED = 16  # frames; no codec holds back more to reorder them


class TimestampUnwrapper:
    """Makes time stamps continuous where a file's clock restarts: what follows is due when what precedes it ends.

    The clock of a file that was joined from several recordings restarts in the middle. Small steps back are kept.
    ``offset`` is added to every time; ``wraps`` says that the clock may also wrap around. ``restarts`` counts.
    """

    def __init__(self, *, wraps: bool, offset: Fraction = Fraction(0)) -> None:
        self._wraps = wraps
        self._offset = self._earlier_offset = offset
        self._last: Fraction | None = None
        self._due = Fraction(0)
        self.restarts = 0

    def unwrap(self, stamp: Fraction | None, length: Fraction) -> Fraction:
        """The time of a frame or packet stamped ``stamp`` (``None``: no time stamp) that lasts ``length``, in s."""
        time = self._due if stamp is None else self._continued(stamp)
        self._last, self._due = time, time + length
        return time

    def _continued(self, stamp: Fraction) -> Fraction:
        if self._last is not None:
            step = stamp + self._offset - self._last
            if abs(stamp + self._earlier_offset - self._last) < _DISCONTINUITY < abs(step):
                # A single wrong time stamp: the clock had not restarted.
                self._offset = self._earlier_offset
                self.restarts -= 1
            elif step < -_DISCONTINUITY or (self._wraps and step > WRAP_PERIOD / 2):
                self._earlier_offset = self._offset
                self._offset = self._due - stamp
                self.restarts += 1
        return stamp + self._offset


class StampClock:
    """Times each decoded frame by its own time stamp; a frame without one follows its predecessor.

    ``time_base`` and ``interval`` (the average between frames) are in seconds.
    """

    def __init__(self, time_base: Fraction, interval: Fraction, times: TimestampUnwrapper) -> None:
        self._time_base = time_base
        self._interval = interval
        self._times = times

    @property
    def restarts(self) -> int:
        """How often the time stamps have restarted."""
        return self._times.restarts

    def add_packet(self, packet: "Packet[VideoStream]") -> None:
        """To be called with every packet before it is decoded; ignored here."""

    def time_of(self, frame: VideoFrame) -> Fraction:
        """The presentation time of ``frame`` in seconds. To be called once per frame, in presentation order."""
        stamp = None if frame.pts is None else frame.pts * (frame.time_base or self._time_base)
        # FFmpeg reports one tick where the file has no durations.
        length = frame.duration * self._time_base if frame.duration and frame.duration > 1 else self._interval
        return self._times.unwrap(stamp, length)


class AviClock:
    """As ``StampClock``, for AVI, which stores the order in which frames are decoded but not how they are shown.

    The first frame shown gets the first of the packets' times, and so on. A lost frame would delay all that follow, so
    a key frame, whose place is known, resynchronises the clock: everything decoded before it is shown before it, and so
    are those decoded after it that were already shown.

    A packet's decode time is passed through the decoder as its presentation time, which AVI lacks. PyAV's ``opaque``
    would do as well, but is freed by whichever of libav's threads drops the frame, and freeing it takes the
    interpreter's lock, which the caller may hold while it waits for that thread.
    """

    restarts = 0  # frames are counted

    def __init__(self, stream: VideoStream, time_base: Fraction) -> None:
        self._context = stream.codec_context
        self._time_base = time_base
        self._due: list[int] = []
        self._shown: deque[int] = deque(maxlen=_MAX_REORDERED)
        self._last = -1

    def add_packet(self, packet: "Packet[VideoStream]") -> None:
        """Note its time, and pass it through the decoder with its frame."""
        packet.pts = packet.dts
        if packet.dts is not None:
            heappush(self._due, packet.dts)

    def time_of(self, frame: VideoFrame) -> Fraction:
        """The earliest of the times that are due."""
        if frame.pts is not None:
            self._resynchronise(frame.pts, frame.key_frame)
        self._last = heappop(self._due) if self._due else self._last + 1
        return self._last * self._time_base

    def _resynchronise(self, own: int, is_key: bool) -> None:
        earliest = own if is_key or not self._context.has_b_frames else 0
        if is_key:
            earliest += sum(1 for other in self._shown if other > own)
        self._shown.append(own)
        while self._due and self._due[0] < earliest:
            heappop(self._due)
