"""Opening a clip's container, and the first thing that can be wrong with it."""

import logging
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import av
import av.error
from av import Packet
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mien.errors import CorruptMedia, NoVideoStream, UnsupportedMedia
from mien.video.codecs import CONTAINER_WHITELIST, PICTURE_DECODERS, PICTURE_WHITELIST
from mien.video.damage import BAD_MEDIA
from mien.video.matroska_head import check_elements
from mien.video.mp4_index import check_index
from mien.video.probing import LONG_PROBE, QUICK_PROBE, has_many_packets, is_known
from mien.video.refusals import HEAD, no_clip

_CLIPS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,flv"
# Known so that a caller who sends sound hears "no picture track" and not "unknown format".
_SOUNDS = "mp3,wav,ogg,flac,aac"

_MOST_STREAMS = 100

# Playlists, image sequences and network protocols would let a file make the service read other files or addresses.
_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "format_whitelist": f"{_CLIPS},{_SOUNDS}",
        "protocol_whitelist": "file",
        "codec_whitelist": CONTAINER_WHITELIST,
        "max_streams": str(_MOST_STREAMS),
    }
)

# Written as they were sent, and not from the beginning of anything: the clock began elsewhere.
CLOCKED = ("mpegts", "flv")
# Seconds until the clock of a transport stream comes round. FFmpeg takes one that starts over at less than it began
# with to have done so, and adds all of that.
CLOCK_RANGE = Fraction(2**33, 90_000)

# FFmpeg counts pixels with every line filled up to the next 64.
_PADDING = 64 * 65_535

# Matroska's tag for a track's length, hours first. Anything else in its place is no time; so many digits stay finite.
_CLOCK = re.compile(r"(\d{1,6}):(\d{1,2}):(\d{1,2}(?:\.\d{1,12})?)", re.ASCII)


def open_container(path: Path, max_pixels: int) -> InputContainer:
    """Open ``path`` for reading. What a track is, is found out without decoding pictures of over ``max_pixels``.

    Raises:
        UnsupportedMedia: not a clip in a container that Mien reads.
        CorruptMedia: such a container, but broken beyond opening.
        OSError: there is no such file, or it is not for this process to read.
    """
    check_index(path)
    check_elements(path)
    try:
        container = _opened(path, max_pixels, QUICK_PROBE)
        if is_known(container):
            return container
        with container:
            if has_many_packets(container):
                raise CorruptMedia("The clip consists of pieces too small to be pictures; send another copy.")
        return _opened(path, max_pixels, LONG_PROBE)
    except (av.error.FileNotFoundError, av.error.PermissionError):
        raise
    except BAD_MEDIA as error:
        logging.getLogger(__name__).debug("cannot open a clip: %s", error)
        with path.open("rb") as file:
            head = file.read(HEAD)
        raise no_clip(head) from error


def _opened(path: Path, max_pixels: int, probe: int) -> InputContainer:
    options = {**_OPTIONS, **_pixel_bound(max_pixels), "probesize": str(probe)}
    return av.open(f"file:{path}", "r", options=options, metadata_errors="replace")


def decoder_options(max_pixels: int) -> dict[str, str]:
    """A picture track's: no decoder but those listed, and none makes a picture of more than ``max_pixels``."""
    return {**_pixel_bound(max_pixels), "codec_whitelist": PICTURE_WHITELIST}


def _pixel_bound(max_pixels: int) -> dict[str, str]:
    """Refuse a larger picture before there is memory for it."""
    return {"max_pixels": str(max_pixels + _PADDING)}


def picture_stream(container: InputContainer) -> VideoStream:
    """The container's picture track; cover art does not count.

    Raises:
        NoVideoStream: there is none.
        UnsupportedMedia: there is one, in a codec that cannot be decoded.
    """
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoVideoStream("The clip has no picture track; send one with pictures in it.")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    if stream.codec_context is None:
        raise UnsupportedMedia("The clip's pictures are in a codec that Mien cannot decode; send H.264, VP9 or AV1.")
    if stream.codec_context.name not in PICTURE_DECODERS:
        name = stream.codec_context.codec.canonical_name
        raise UnsupportedMedia(
            f"The clip's pictures are in the codec {name}, which is not read; send H.264, VP9 or AV1."
        )
    return stream


def packets(container: InputContainer, stream: VideoStream) -> "Iterator[Packet[VideoStream]]":
    """The stream's packets from where the container stands, and an empty one at the end of the file.

    Raises:
        av.error.FFmpegError: the container breaks off.
    """
    try:
        yield from container.demux(stream)
    except IndexError:
        # PyAV stumbles at the end of a file in which tracks turned up that were not there when it was opened; ours
        # was, and has come to its end before them.
        return


def time_base(stream: VideoStream) -> Fraction:
    """Seconds in one tick of the stream's times."""
    return stream.time_base or Fraction(1, 90_000)


def origin(container: InputContainer) -> Fraction:
    """What is taken off every time in the stream, in seconds.

    MP4, MOV, Matroska, WebM, AVI and GIF count from the beginning of the presentation, and a picture track that
    begins late does so on purpose: nothing is taken off. Transport streams count from an arbitrary clock, and so do
    dumps of a live FLV from when its sender began: players take the first time in the file as zero.
    """
    if container.format.name not in CLOCKED or container.start_time is None:
        return Fraction(0)
    # The container's time is a track's, cut to a microsecond: by it, the first frame would not quite be at 0.
    start = Fraction(container.start_time, av.time_base)
    begins = (s.start_time * s.time_base for s in container.streams if s.start_time is not None and s.time_base)
    return next((begin for begin in begins if abs(begin - start) * av.time_base < 1), start)


def declared_end(container: InputContainer, stream: VideoStream) -> float | None:
    """The presentation time in seconds at which the picture track ends, as far as the container says."""
    base = time_base(stream)
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)  # its duration is a guess from the file's size
    if container.format.name == "mpegts" and (stream.duration or 0) * base > CLOCK_RANGE / 2:
        return None  # the clock starts over in the middle
    if stream.duration:
        return float((stream.start_time or 0) * base + stream.duration * base - origin(container))
    for name in ("DURATION", "DURATION-eng"):
        tagged = _seconds(stream.metadata.get(name, ""))
        if tagged > 0:
            return tagged
    if container.duration:
        begin = Fraction(container.start_time or 0, av.time_base) - origin(container)
        return float(begin + Fraction(container.duration, av.time_base))
    return None


def _seconds(clock: str) -> float:
    """``clock`` in seconds; 0 where it is not a time, and where the writer never came back to fill it in."""
    found = _CLOCK.fullmatch(clock.strip())
    if found is None:
        return 0.0
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
