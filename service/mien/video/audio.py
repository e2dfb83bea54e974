"""The sound track of a clip, remuxed or re-encoded into another file."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TypeVar

import av.error
from av import AudioFrame, AudioResampler, Codec, Packet
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from mien.video.codecs import AUDIO_DECODERS, AUDIO_WHITELIST
from mien.video.demuxer import is_live
from mien.video.timestamps import TimestampUnwrapper

# What browsers play from MP4, with the least bytes of codec set-up that the muxer needs; anything else becomes AAC.
_COPIED = {"aac": 0, "opus": 19, "flac": 34}
_ENCODED_RATES = frozenset(Codec("aac", "w").audio_rates or ())
_FALLBACK_RATE = 48_000
_MAX_PRIMING = 10.0  # s before 0; encoders need a tenth of one at most
_MAX_PACKET = 10  # s
UNREADABLE = "The clip's sound cannot be read; it was left out."

T = TypeVar("T")
U = TypeVar("U")


class AudioRemuxer:
    """Copies the packets of ``track`` where browsers play the codec, else re-encodes them as AAC.

    ``track`` is one that ``readable_track`` found in ``source``; ``origin`` (seconds) on its clock becomes 0 on the
    clock of ``target``. Only sound from ``begin`` up to ``end`` on that clock is kept: damage dates some of it years
    ahead. Encoders' priming samples lie before 0, and are kept if ``begin`` is ``None``. Packets and frames that cannot
    be decoded or written are left out.
    """

    def __init__(
        self,
        source: InputContainer,
        track: AudioStream,
        target: OutputContainer,
        *,
        origin: Fraction,
        begin: float | None,
        end: float,
    ) -> None:
        self._source = source
        self._track = track
        self._target = target
        self._times = TimestampUnwrapper(wraps=is_live(source), offset=-origin)
        self._begin = -_MAX_PRIMING if begin is None else begin
        self._end = end
        self._damaged = 0
        self._written = 0
        context = track.codec_context
        if _is_copied(context):
            self._stream = target.add_stream_from_template(track)
            self._packets = self._copied()
        else:
            context.options = {"codec_whitelist": AUDIO_WHITELIST}
            rate = context.sample_rate if context.sample_rate in _ENCODED_RATES else _FALLBACK_RATE
            # By channel count: PCM in AVI and Matroska has no channel layout, and the encoder needs one.
            layout = "mono" if context.channels == 1 else "stereo"
            self._stream = target.add_stream("aac", rate=rate)
            self._stream.codec_context.layout = layout
            self._packets = self._encoded(_Resampler(layout, rate))
        self._pending: Packet[Stream] | None = None

    @property
    def damage(self) -> str | None:
        """A sentence about what was left out; complete once everything is written."""
        if not self._damaged:
            return None
        return f"{self._damaged} damaged pieces of the clip's sound were left out." if self._written else UNREADABLE

    def write_until(self, time: float) -> None:
        """Write the sound up to ``time`` seconds on the target's clock."""
        while True:
            packet = self._pending or next(self._packets, None)
            self._pending = packet
            if packet is None or _seconds(packet) > time:
                return
            self._pending = None
            self._mux(packet)

    def _mux(self, packet: "Packet[Stream]") -> None:
        try:
            self._target.mux(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise  # a full disk is not the packet's fault
            self._damaged += 1
        else:
            self._written += 1

    def _copied(self) -> "Iterator[Packet[Stream]]":
        for packet in self._demuxed():
            if packet.pts is None or not self._begin <= _seconds(packet) < self._end:
                continue
            if not 0 <= (packet.duration or 0) * packet.time_base < _MAX_PACKET:
                packet.duration = 0  # unknown; the muxer derives it from the next packet, and fails on an absurd one
            packet.stream = self._stream
            yield packet  # type: ignore[misc]  # Packet[AudioStream] is a Packet[Stream]

    def _encoded(self, resampler: "_Resampler") -> "Iterator[Packet[Stream]]":
        for packet in self._demuxed():
            for frame in self._attempt(self._track.codec_context.decode, packet):
                if frame.time is not None and self._begin <= frame.time < self._end:
                    frame.pts = round(frame.time * resampler.rate)
                    frame.time_base = Fraction(1, resampler.rate)
                    yield from self._resampled(resampler, frame)
        yield from self._resampled(resampler, None)
        yield from self._attempt(self._stream.encode, None)

    def _resampled(self, resampler: "_Resampler", frame: AudioFrame | None) -> "Iterator[Packet[Stream]]":
        for resampled in self._attempt(resampler.resample, frame):
            yield from self._attempt(self._stream.encode, resampled)

    def _attempt(self, function: Callable[[T], list[U]], argument: T) -> list[U]:
        """Nothing where the data is damaged, or its channels cannot be mixed down."""
        try:
            return function(argument)
        except av.error.FFmpegError:
            self._damaged += 1
            return []

    def _demuxed(self) -> "Iterator[Packet[AudioStream]]":
        """The track's packets, on the target's clock."""
        packets = self._source.demux(self._track)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, IndexError):  # IndexError: see ``Demuxer.packets``
                return  # decoding the frames meets the same break, and reports it
            if packet is None:
                return
            if packet.pts is not None:
                base = packet.time_base
                time = self._times.unwrap(packet.pts * base, (packet.duration or 0) * base)
                packet.pts = packet.dts = round(time / base)  # sound has no decode order of its own
            yield packet


class _Resampler:
    """Converts to the encoder's format. The input's may change mid-stream: broadcasts switch mono and stereo."""

    def __init__(self, layout: str, rate: int) -> None:
        self.rate = rate
        self._layout = layout
        self._format: tuple[str, str, int] | None = None
        self._inner = self._new()

    def resample(self, frame: AudioFrame | None) -> list[AudioFrame]:
        """The output for ``frame``; for ``None``, what is still buffered."""
        if frame is None:
            return self._flush()
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        before = [] if form == self._format else self._flush()
        self._format = form
        try:
            return before + self._inner.resample(frame)
        except av.error.FFmpegError:
            self._inner = self._new()  # one whose set-up failed must not be used again
            raise

    def _flush(self) -> list[AudioFrame]:
        inner, self._inner, self._format = self._inner, self._new(), None
        # A resampler with nothing to do passes its input through, even None.
        return [frame for frame in inner.resample(None) if frame is not None]

    def _new(self) -> AudioResampler:
        # Integers: with NaN or huge floating-point samples the encoder fails or never ends.
        return AudioResampler(format="s32p", layout=self._layout, rate=self.rate)


def readable_track(source: InputContainer) -> AudioStream | None:
    """The first sound track whose codec is on the list and whose sample rate and channels are known, if any."""
    for track in source.streams.audio:
        context = track.codec_context
        if context is not None and context.name in AUDIO_DECODERS and context.sample_rate > 0 and context.channels > 0:
            return track
    return None


def _is_copied(context: AudioCodecContext) -> bool:
    set_up_bytes = _COPIED.get(context.name)
    return set_up_bytes is not None and len(context.extradata or b"") >= set_up_bytes


def _seconds(packet: "Packet[Stream] | Packet[AudioStream]") -> float:
    return float((packet.pts or 0) * packet.time_base)
