"""When a decoded frame is shown."""

from collections import deque
from fractions import Fraction
from heapq import heappop, heappush
from typing import Protocol

from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.video.containers import CLOCK_RANGE, CLOCKED, origin, time_base

_FALLBACK_RATE = Fraction(25)
# Of joined recordings, FFmpeg reckons tens of thousands.
_HIGHEST_RATE = 1000
# Further back than this, in seconds, no frame is by mistake of a muxer.
_JUMP = 1
# No codec holds back more frames than that to put them into order.
_MAX_LEAD = 16


class Clock(Protocol):
    """Is shown every packet before it is decoded, and gives each decoded frame its time in seconds."""

    @property
    def restarts(self) -> int:
        """How often the times in the file have started over."""

    def sent(self, packet: "Packet[VideoStream]") -> None:
        """Note what goes into the decoder."""

    def time_of(self, frame: VideoFrame) -> Fraction:
        """The presentation time of ``frame``. To be asked once a frame, in the order shown."""


def clock_of(container: InputContainer, stream: VideoStream) -> Clock:
    """The clock that suits the container."""
    return CountedClock(stream) if container.format.name == "avi" else StampedClock(container, stream)


def rate_of(stream: VideoStream) -> Fraction | None:
    """Frames a second on average, as far as the container can be believed."""
    rates = (stream.average_rate, stream.guessed_rate)
    return next((rate for rate in rates if rate and rate <= _HIGHEST_RATE), None)


def interval(stream: VideoStream) -> Fraction:
    """Seconds between frames, on average."""
    return 1 / (rate_of(stream) or _FALLBACK_RATE)


class Continuation:
    """Times that go on where a file's clock starts over: what comes after that is due when what was before it ends.

    The clock of a file that was put together from several recordings starts over in the middle. Small steps back stay
    what they are. ``shift`` is added to every time.
    """

    def __init__(self, container: InputContainer, shift: Fraction = Fraction(0)) -> None:
        self._may_wrap = container.format.name in CLOCKED
        self._shift = self._earlier_shift = shift
        self._last: Fraction | None = None
        self._due = Fraction(0)
        self.restarts = 0

    def of(self, stamp: Fraction | None, length: Fraction) -> Fraction:
        """When something is due that was stamped so (``None``: not at all) and lasts ``length``, all in seconds."""
        time = self._due if stamp is None else self._continued(stamp)
        self._last, self._due = time, time + length
        return time

    def _continued(self, stamp: Fraction) -> Fraction:
        if self._last is not None:
            step = stamp + self._shift - self._last
            if abs(stamp + self._earlier_shift - self._last) < _JUMP < abs(step):
                # One was stamped wrongly: the clock had not started over.
                self._shift = self._earlier_shift
                self.restarts -= 1
            elif step < -_JUMP or (self._may_wrap and step > CLOCK_RANGE / 2):
                self._earlier_shift = self._shift
                self._shift = self._due - stamp
                self.restarts += 1
        return stamp + self._shift


class StampedClock:
    """By the frames' own time stamps, less the time at which the file begins; a frame without one follows its
    predecessor."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._base = time_base(stream)
        self._interval = interval(stream)
        self._times = Continuation(container, -origin(container))

    @property
    def restarts(self) -> int:
        """How often the clock has started over."""
        return self._times.restarts

    def sent(self, packet: "Packet[VideoStream]") -> None:
        """Nothing of it matters."""

    def time_of(self, frame: VideoFrame) -> Fraction:
        """Its time stamp, continued."""
        stamp = None if frame.pts is None else frame.pts * (frame.time_base or self._base)
        # One tick is what FFmpeg puts where the file has no durations.
        length = frame.duration * self._base if frame.duration and frame.duration > 1 else self._interval
        return self._times.of(stamp, length)


class CountedClock:
    """For AVI, which says in which order frames are decoded, and leaves it to the codec in which they are shown.

    The first frame shown gets the first of the packets' times, and so on. A frame that is lost would delay all that
    follow, so a key frame, whose place is known, sets the clock right: all that went into the decoder before it are
    shown before it, and so are those after it that were already shown.

    A packet's own time travels through the decoder as its presentation time, of which AVI has none. PyAV's ``opaque``
    would do as well, but is freed by whichever of libav's threads drops the picture, and to free it needs the
    interpreter's lock: which the caller may hold while it waits for that thread.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._base = time_base(stream)
        self._context = stream.codec_context
        self._due: list[int] = []
        self._shown: deque[int] = deque(maxlen=_MAX_LEAD)
        self._last = -1

    @property
    def restarts(self) -> int:
        """None: frames are counted."""
        return 0

    def sent(self, packet: "Packet[VideoStream]") -> None:
        """Its time is due, and goes with it, to come out with its frame."""
        packet.pts = packet.dts
        if packet.dts is not None:
            heappush(self._due, packet.dts)

    def time_of(self, frame: VideoFrame) -> Fraction:
        """The first of the times that are due."""
        if frame.pts is not None:
            self._set_right(frame.pts, frame.key_frame)
        self._last = heappop(self._due) if self._due else self._last + 1
        return self._last * self._base

    def _set_right(self, own: int, is_key: bool) -> None:
        floor = own if is_key or not self._context.has_b_frames else 0
        if is_key:
            floor += sum(1 for other in self._shown if other > own)
        self._shown.append(own)
        while self._due and self._due[0] < floor:
            heappop(self._due)
