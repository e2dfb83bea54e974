"""The packets of a clip's picture track, its times and its key frames."""

from array import array
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from fractions import Fraction
from typing import NamedTuple

import av
import av.error
from av import Packet
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.errors import CorruptMedia
from mien.video.container import open_container, picture_stream
from mien.video.model import TIME_SLACK
from mien.video.source import ClipSource
from mien.video.timestamps import AviClock, StampClock, TimestampUnwrapper

# Recorded from a live stream: their clock did not begin with the file.
_LIVE_FORMATS = ("mpegts", "flv")
# Without an index a seek lands anywhere, and in joined GIFs nowhere: these are decoded from the beginning.
_UNSEEKABLE = ("mpegts", "flv", "gif")

_FALLBACK_RATE = Fraction(25)
_MAX_RATE = 1000  # FFmpeg estimates tens of thousands for joined recordings


class KeyFrame(NamedTuple):
    """A key frame's time stamps in the stream's ticks, and the number of frames shown before it."""

    pts: int
    dts: int
    frames_before: int


class Demuxer:
    """An open clip: its ``container`` and picture track ``stream`` (cover art does not count).

    Raises:
        UnsupportedMedia: not a clip, or in a codec that is not on the list.
        NoVideoStream: there is no picture track.
        CorruptMedia, TooLarge, OSError: as ``open_container``.
    """

    container: InputContainer
    stream: VideoStream

    def __init__(self, source: ClipSource, max_pixels: int) -> None:
        self._source = source
        self._max_pixels = max_pixels
        self._open()

    def close(self) -> None:
        """Close the file, once the decoder's threads have come to rest. Closing twice is harmless.

        Freeing the decoder waits for them as well, but with the interpreter's lock held, and a large frame takes its
        time. No such thread may ever need that lock: packets and frames carry no Python objects, libav's messages are
        not handed on, and libav reads the file itself.
        """
        self.stream.codec_context.flush_buffers()
        self.container.close()

    @property
    def format(self) -> str:
        """FFmpeg's name for the container's format."""
        return self.container.format.name

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of the stream's time stamps."""
        return self.stream.time_base or Fraction(1, 90_000)

    @property
    def rate(self) -> Fraction | None:
        """The average frame rate per second; ``None`` where the container's is missing or implausible."""
        rates = (self.stream.average_rate, self.stream.guessed_rate)
        return next((rate for rate in rates if rate and rate <= _MAX_RATE), None)

    @property
    def interval(self) -> Fraction:
        """Seconds between frames, on average."""
        return 1 / (self.rate or _FALLBACK_RATE)

    @property
    def origin(self) -> Fraction:
        """What is subtracted from every time stamp, in seconds.

        MP4, MOV, Matroska, WebM, AVI and GIF count from the beginning of the presentation, and a picture track that
        begins late does so on purpose: nothing is subtracted. Transport streams count from an arbitrary clock, and
        dumps of a live FLV from when its sender began: players take the first time in the file as zero.
        """
        if not is_live(self.container) or self.container.start_time is None:
            return Fraction(0)
        # The container's time is a track's, cut to a microsecond: by it, the first frame would not be exactly at 0.
        start = Fraction(self.container.start_time, av.time_base)
        tracks = self.container.streams
        begins = (s.start_time * s.time_base for s in tracks if s.start_time is not None and s.time_base)
        return next((begin for begin in begins if abs(begin - start) * av.time_base < 1), start)

    def frame_clock(self) -> StampClock | AviClock:
        """The clock that suits the container, for frames decoded from here on."""
        if self.format == "avi":
            return AviClock(self.stream, self.time_base)
        return StampClock(self.time_base, self.interval, self.unwrapper())

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """The picture track's packets from the current position, and an empty one at the end of the file.

        Raises:
            av.error.FFmpegError: the container breaks off.
        """
        try:
            yield from self.container.demux(self.stream)
        except IndexError:
            # PyAV fails so at the end of a file in which tracks appeared that were unknown when it was opened; the
            # picture track has ended before them.
            return

    @property
    def can_seek(self) -> bool:
        """Whether a key frame can be sought and the frames shown before it counted."""
        # With B-frames, AVI does not say which frames are shown before a key frame.
        has_order = self.format != "avi" or not self.stream.codec_context.has_b_frames
        return self.format not in _UNSEEKABLE and has_order

    def seek(self, start: float, raise_if_cancelled: Callable[[], None]) -> KeyFrame | None:
        """Go to the last key frame shown at or before ``start`` (seconds of the clip); ``None``: to the beginning.

        ``raise_if_cancelled`` is called at every packet read.

        Raises:
            CorruptMedia: see ``go_to``.
        """
        if start <= 0 or not self.can_seek:
            return None
        key_frame = self._find_key_frame(Fraction(start) + TIME_SLACK, raise_if_cancelled)
        if key_frame is None:
            # Opened anew: after a restart of the clock an index leads anywhere.
            self.close()
            self._open()
            return None
        return self.go_to(key_frame)

    def go_to(self, key_frame: KeyFrame) -> KeyFrame:
        """Continue reading at ``key_frame``, which is returned.

        Raises:
            CorruptMedia: the container cannot seek to it.
        """
        # By decode time: containers that index presentation times land a key frame earlier, which costs a little
        # decoding; the other way round they would land a key frame late.
        try:
            self.container.seek(key_frame.dts, stream=self.stream)
        except av.error.FFmpegError as error:
            message = "The clip's index is missing or damaged, so start cannot be found; send another copy."
            raise CorruptMedia(message) from error
        return key_frame

    def reaches(self, time: float, raise_if_cancelled: Callable[[], None]) -> bool:
        """Whether there is a packet later than ``time`` (seconds of the clip), whatever the container's header says."""
        with closing(Demuxer(self._source, self._max_pixels)) as other:
            return any(at > time for *_, at in other.timed_packets(other.unwrapper(), raise_if_cancelled))

    def _open(self) -> None:
        self.container = open_container(self._source, self._max_pixels)
        try:
            self.stream = picture_stream(self.container)
        except BaseException:
            self.container.close()
            raise

    def unwrapper(self) -> TimestampUnwrapper:
        return TimestampUnwrapper(wraps=is_live(self.container), offset=-self.origin)

    def _find_key_frame(self, start: Fraction, raise_if_cancelled: Callable[[], None]) -> KeyFrame | None:
        """Counts the packets before it, so that frames are numbered as in the whole clip.

        ``None``: there is no such key frame, or none before the stream's clock restarts.
        """
        times = self.unwrapper()
        base, origin = self.time_base, self.origin
        shown = array("q")
        found: tuple[int, int] | None = None
        for packet, pts, dts, time in self.timed_packets(times, raise_if_cancelled):
            if times.restarts:
                return None
            # Decode times grow and never pass the presentation time: nothing later in the file is shown before start.
            if packet.dts is not None and time > start:
                break
            shown.append(pts)
            if packet.is_keyframe and pts * base - origin <= start:
                found = pts, dts
        return None if found is None else KeyFrame(*found, sum(1 for pts in shown if pts < found[0]))

    def timed_packets(
        self, times: TimestampUnwrapper, raise_if_cancelled: Callable[[], None]
    ) -> "Iterator[tuple[Packet[VideoStream], int, int, Fraction]]":
        """Packets with PTS and DTS (one replaces the other if missing) and decode time in s; ends where the file breaks
        off, which the decoder reports."""
        base, interval = self.time_base, self.interval
        with suppress(av.error.FFmpegError):
            for packet in self.packets():
                raise_if_cancelled()
                pts = packet.dts if packet.pts is None else packet.pts
                dts = packet.pts if packet.dts is None else packet.dts
                if pts is not None and dts is not None and not packet.is_discard:
                    yield packet, pts, dts, times.unwrap(dts * base, interval)


def is_live(container: InputContainer) -> bool:
    """Whether the container's clock began elsewhere than the file, and may wrap around."""
    return container.format.name in _LIVE_FORMATS
