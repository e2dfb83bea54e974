"""The sound of a clip, into another clip."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from av import AudioResampler, Codec, Packet
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream

# What browsers play from an MP4 as it is; anything else becomes AAC.
_COPIED = ("aac", "mp3", "opus", "flac")
_ENCODED_RATES = frozenset(Codec("aac", "w").audio_rates or ())
_FALLBACK_RATE = 48_000


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the source's clock goes into the copy, in seconds, and where on the copy's clock it begins."""

    start: float = 0.0
    end: float | None = None
    shift: float = 0.0

    def holds(self, time: float) -> bool:
        """Whether sound at ``time`` belongs to the copy. Encoders' run-in lies before 0 and stays."""
        return (self.start <= 0 or time >= self.start) and (self.end is None or time < self.end)


class Sound:
    """Copies packets where the codec allows it, else decodes and encodes again; in step with the pictures."""

    def __init__(self, source: InputContainer, target: OutputContainer, window: Window) -> None:
        self._window = window
        self._target = target
        self._source: AudioStream = source.streams.audio[0]
        self._copies = self._source.codec_context.name in _COPIED
        rate = self._source.codec_context.sample_rate
        rate = rate if self._copies or rate in _ENCODED_RATES else _FALLBACK_RATE
        self._stream: AudioStream = (
            target.add_stream_from_template(self._source) if self._copies else target.add_stream("aac", rate=rate)
        )
        packets = self._copied(source) if self._copies else self._encoded(source, rate)
        self._packets = packets
        self._waiting: Packet[Stream] | None = None

    def write_until(self, time: float) -> None:
        """Write the sound up to ``time`` seconds of the copy's clock."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = packet
            if packet is None or _seconds(packet) > time:
                return
            self._waiting = None
            self._target.mux(packet)

    def _copied(self, source: InputContainer) -> "Iterator[Packet[Stream]]":
        for packet in source.demux(self._source):
            if packet.pts is None or packet.dts is None or not self._window.holds(_seconds(packet)):
                continue
            moved = round(Fraction(self._window.shift) / packet.time_base)
            packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
            packet.stream = self._stream
            yield packet  # type: ignore[misc]  # a packet of an audio stream is one of a stream

    def _encoded(self, source: InputContainer, rate: int) -> "Iterator[Packet[Stream]]":
        # By their number: PCM in AVI and Matroska does not say which channel is which, and the encoder wants to know.
        layout = "mono" if self._source.codec_context.channels == 1 else "stereo"
        resampler = AudioResampler(format="fltp", layout=layout, rate=rate)
        self._stream.codec_context.layout = layout
        for frame in source.decode(self._source):
            if frame.time is None or not self._window.holds(frame.time):
                continue
            frame.pts = round((frame.time + self._window.shift) * rate)
            frame.time_base = Fraction(1, rate)
            for piece in resampler.resample(frame):
                yield from self._stream.encode(piece)
        for last in resampler.resample(None):
            if last is not None:  # what comes of a resampler that has nothing to do
                yield from self._stream.encode(last)
        yield from self._stream.encode(None)


def _seconds(packet: "Packet[Stream] | Packet[AudioStream]") -> float:
    return float((packet.pts or 0) * packet.time_base)
