"""The sound of a clip, into another clip."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import av.error
from av import AudioFrame, AudioResampler, Codec, Packet
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream

# What browsers play from an MP4 as it is, with the bytes of set-up that it cannot be written without; anything else
# becomes AAC.
_COPIED = {"aac": 0, "opus": 19, "flac": 34}
_ENCODED_RATES = frozenset(Codec("aac", "w").audio_rates or ())
_FALLBACK_RATE = 48_000
_RUN_IN = 10.0  # s before 0; encoders need a tenth of one at most
_LONGEST_PIECE = 10  # s
UNREADABLE = "The clip's sound cannot be read; it was left out."

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the source's clock goes into the copy, in seconds, and where on the copy's clock it begins.

    ``end`` also keeps out what damage has dated into another year.
    """

    start: float
    end: float
    shift: float = 0.0

    def holds(self, time: float) -> bool:
        """Whether sound at ``time`` belongs to the copy. Encoders' run-in lies before 0 and stays."""
        return (self.start if self.start > 0 else -_RUN_IN) <= time < self.end


SoundTime = Callable[[Fraction, Fraction], Fraction]


def as_stamped(stamp: Fraction, _: Fraction) -> Fraction:
    """The time of a piece of sound in a file whose clock never starts over."""
    return stamp


class Sound:
    """Copies packets where the codec allows it, else decodes and encodes again; in step with the pictures.

    ``track`` is one that ``readable_track`` found. Its pieces that cannot be decoded or written are left out.
    ``time_of`` is asked once a piece, in the order of the file.
    """

    def __init__(
        self, source: InputContainer, track: AudioStream, target: OutputContainer, window: Window, time_of: SoundTime
    ) -> None:
        self._source = source
        self._track = track
        self._target = target
        self._window = window
        self._time_of = time_of
        self._damaged = 0
        self._written = 0
        if _is_copied(track.codec_context):
            self._stream = target.add_stream_from_template(track)
            self._packets = self._copied()
        else:
            rate = track.codec_context.sample_rate
            rate = rate if rate in _ENCODED_RATES else _FALLBACK_RATE
            # By their number: PCM in AVI and Matroska does not say which channel is which, and the encoder must know.
            layout = "mono" if track.codec_context.channels == 1 else "stereo"
            self._stream = target.add_stream("aac", rate=rate)
            self._stream.codec_context.layout = layout
            self._packets = self._encoded(_Resampler(layout, rate))
        self._waiting: Packet[Stream] | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what was left out; complete once everything is written."""
        if self._damaged and not self._written:
            return (UNREADABLE,)
        return (f"{self._damaged} damaged pieces of the clip's sound were left out.",) if self._damaged else ()

    def write_until(self, time: float) -> None:
        """Write the sound up to ``time`` seconds of the copy's clock."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = packet
            if packet is None or _seconds(packet) > time:
                return
            self._waiting = None
            self._mux(packet)

    def _mux(self, packet: "Packet[Stream]") -> None:
        try:
            self._target.mux(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise  # a full disk is no fault of the packet
            self._damaged += 1
        else:
            self._written += 1

    def _copied(self) -> "Iterator[Packet[Stream]]":
        for packet in self._demuxed():
            if packet.pts is None or not self._window.holds(_seconds(packet)):
                continue
            # Sound is decoded in the order in which it is heard: both times are one.
            packet.dts = packet.pts = packet.pts + round(Fraction(self._window.shift) / packet.time_base)
            if not 0 <= (packet.duration or 0) * packet.time_base < _LONGEST_PIECE:
                packet.duration = 0  # unknown; the writer finds it by the next, and would fail over this one
            packet.stream = self._stream
            yield packet  # type: ignore[misc]  # a packet of an audio stream is one of a stream

    def _encoded(self, resampler: "_Resampler") -> "Iterator[Packet[Stream]]":
        for frame in self._decoded():
            if frame.time is None or not self._window.holds(frame.time):
                continue
            frame.pts = round((frame.time + self._window.shift) * resampler.rate)
            frame.time_base = Fraction(1, resampler.rate)
            yield from self._fed(resampler, frame)
        yield from self._fed(resampler, None)
        yield from self._tried(self._stream.encode, None)

    def _fed(self, resampler: "_Resampler", frame: AudioFrame | None) -> "Iterator[Packet[Stream]]":
        for piece in self._tried(resampler.fed, frame):
            yield from self._tried(self._stream.encode, piece)

    def _decoded(self) -> Iterator[AudioFrame]:
        for packet in self._demuxed():
            yield from self._tried(self._track.codec_context.decode, packet)

    def _tried(self, work: Callable[[Given], list[Made]], given: Given) -> list[Made]:
        """What ``work`` makes of ``given``: of damage nothing, nor of channels that cannot be mixed down."""
        try:
            return work(given)
        except av.error.FFmpegError:
            self._damaged += 1
            return []

    def _demuxed(self) -> "Iterator[Packet[AudioStream]]":
        packets = self._source.demux(self._track)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, IndexError):  # IndexError: see ``mien.video.containers.packets``
                return  # the pictures meet the same break, and tell of it
            if packet is None:
                return
            if packet.pts is not None:
                time = self._time_of(packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base)
                packet.pts = packet.dts = round(time / packet.time_base)
            yield packet


class _Resampler:
    """Samples as the encoder wants them, whatever comes: broadcasts change between mono and stereo on the way."""

    def __init__(self, layout: str, rate: int) -> None:
        self.rate = rate
        self._layout = layout
        self._shape: tuple[str, str, int] | None = None
        self._inner = self._fresh()

    def fed(self, frame: AudioFrame | None) -> list[AudioFrame]:
        """What comes out for ``frame``; for ``None``, what is still inside."""
        if frame is None:
            return self._emptied()
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        before = [] if shape == self._shape else self._emptied()
        self._shape = shape
        try:
            return before + self._inner.resample(frame)
        except av.error.FFmpegError:
            self._inner = self._fresh()  # what could not be set up must not be fed again
            raise

    def _emptied(self) -> list[AudioFrame]:
        inner, self._inner, self._shape = self._inner, self._fresh(), None
        # One that has nothing to do hands on what it is given, be it no frame.
        return [frame for frame in inner.resample(None) if frame is not None]

    def _fresh(self) -> AudioResampler:
        # Whole numbers: with floating-point samples that are none, or huge, the encoder fails or never comes to an end.
        return AudioResampler(format="s32p", layout=self._layout, rate=self.rate)


def readable_track(source: InputContainer) -> AudioStream | None:
    """The first sound track that can be decoded and says how many samples it has a second, if there is one."""
    for track in source.streams.audio:
        context = track.codec_context
        if context is not None and context.sample_rate > 0 and context.channels > 0:
            return track
    return None


def _is_copied(context: AudioCodecContext) -> bool:
    least = _COPIED.get(context.name)
    return least is not None and len(context.extradata or b"") >= least


def _seconds(packet: "Packet[Stream] | Packet[AudioStream]") -> float:
    return float((packet.pts or 0) * packet.time_base)
