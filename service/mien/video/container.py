"""Opening a clip's container and finding its picture track, and the reason why a file cannot be opened as a clip."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mien.errors import CorruptMedia, InputError, InvalidRequest, NoVideoStream, UnsupportedMedia
from mien.images.formats import PictureFormat, sniff
from mien.video.codecs import CONTAINER_WHITELIST, MEDIA_ERRORS, VIDEO_DECODERS
from mien.video.matroska import check_elements
from mien.video.mp4_index import check_index
from mien.video.source import ClipSource, libav_address

_CLIPS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,flv"
# Listed so that a caller who sends sound is told "no video track" and not "unknown format".
_SOUNDS = "mp3,wav,ogg,flac,aac"

# Playlists, image sequences and network protocols would let a file make the service read other files or addresses.
_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "format_whitelist": f"{_CLIPS},{_SOUNDS}",
        "codec_whitelist": CONTAINER_WHITELIST,
        "max_streams": "100",
    }
)

# Bytes of packets that libav keeps while it finds out what the tracks are, with some 540 more per packet, however
# small. The long probe is for files whose tracks are still unknown then, such as recordings from mid-broadcast.
_QUICK_PROBE = 400_000
_LONG_PROBE = 5_000_000
_MAX_PROBED_PACKETS = 100_000

# FFmpeg counts pixels with every line padded to the next multiple of 64.
_PADDING = 64 * 65_535

_HEAD = 4096  # bytes that identify a file
# (offset, bytes) that identify clips' containers: if such a file cannot be opened, it is damaged.
_SIGNATURES = (
    *((4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (4, b"free")),
    *((0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "), (8, b"WAVE"), (0, b"GIF8"), (0, b"FLV\x01"), (0, b"OggS")),
)
_FORMATS = "Send a clip in MP4, MOV, MKV, WebM, AVI or GIF."


def open_container(source: ClipSource, max_pixels: int) -> InputContainer:
    """Open ``source`` for reading. No frame of more than ``max_pixels`` is decoded to find out what the tracks are.

    Raises:
        UnsupportedMedia: not a clip in a container that Mien reads.
        CorruptMedia: such a container, but too damaged to open.
        TooLarge: its index or head takes too much memory.
        OSError: the file is missing or not readable by this process.
    """
    check_index(source)
    check_elements(source)
    try:
        container = _open(source, max_pixels, _QUICK_PROBE)
        if _tracks_are_known(container):
            return container
        with container:
            if _has_many_packets(container):
                raise CorruptMedia("The clip consists of pieces too small to be pictures; send another copy.")
        return _open(source, max_pixels, _LONG_PROBE)
    except (av.error.FileNotFoundError, av.error.PermissionError):
        raise
    except MEDIA_ERRORS as error:
        logging.getLogger(__name__).debug("cannot open a clip: %s", error)
        with source.open("rb") as file:
            head = file.read(_HEAD)
        raise not_a_clip(head) from error


def pixel_bound(max_pixels: int) -> dict[str, str]:
    """The option by which libav refuses a larger frame before it allocates it."""
    return {"max_pixels": str(max_pixels + _PADDING)}


def not_a_clip(head: bytes) -> InputError:
    """The error for a file that begins with ``head`` (up to 4,096 bytes) and could not be opened."""
    picture = _picture_format(head)
    if picture is not None and _is_animated(picture, head):
        return UnsupportedMedia(
            f"This is an animated {picture} picture, which is not read as a clip; "
            "send it to /predict for its first frame, or convert it to MP4 or GIF."
        )
    if picture is not None:
        return UnsupportedMedia(f"This is a {picture} picture and not a clip; send it to /predict. {_FORMATS}")
    if any(head[at : at + len(mark)] == mark for at, mark in _SIGNATURES):
        return CorruptMedia("The clip's container is damaged or was cut off before its index; send the whole file.")
    return UnsupportedMedia(f"The file is not a clip that Mien reads. {_FORMATS}")


def _open(source: ClipSource, max_pixels: int, probe_size: int) -> InputContainer:
    address, own = libav_address(source)
    options = {**_OPTIONS, **own, **pixel_bound(max_pixels), "probesize": str(probe_size)}
    return av.open(address, "r", options=options, metadata_errors="replace")


def _tracks_are_known(container: InputContainer) -> bool:
    video, audio = container.streams.video, container.streams.audio
    return (
        bool(video)
        and all(s.codec_context is None or s.codec_context.width for s in video)
        and all(s.codec_context is None or s.codec_context.sample_rate for s in audio)
    )


def _has_many_packets(container: InputContainer) -> bool:
    """Whether the long probe would keep more than ``_MAX_PROBED_PACKETS``."""
    count = total = 0
    with suppress(*MEDIA_ERRORS):
        for packet in container.demux():
            count, total = count + 1, total + packet.size
            if total > _LONG_PROBE or count > _MAX_PROBED_PACKETS:
                break
    return count > _MAX_PROBED_PACKETS


def _picture_format(head: bytes) -> PictureFormat | None:
    """The format of a picture that is never a clip."""
    try:
        found = sniff(head)
    except (InvalidRequest, UnsupportedMedia):
        return None
    # GIFs are clips, and AVIF and HEIC use MP4's container: one that cannot be opened is damaged.
    return None if found in {PictureFormat.GIF, PictureFormat.AVIF, PictureFormat.HEIC} else found


def _is_animated(picture: PictureFormat, head: bytes) -> bool:
    if picture is PictureFormat.WEBP:
        return head[12:16] == b"VP8X" and len(head) > 20 and head[20] & 2 != 0
    return picture is PictureFormat.PNG and b"acTL" in head.partition(b"IDAT")[0]


def picture_stream(container: InputContainer) -> VideoStream:
    """The picture track of ``container``; cover art does not count.

    Raises:
        NoVideoStream: there is none.
        UnsupportedMedia: its codec is not on the list.
    """
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoVideoStream("The clip has no video track; send one with pictures in it.")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    if stream.codec_context is None:
        raise UnsupportedMedia("The clip's video codec cannot be decoded; send H.264, VP9 or AV1.")
    if stream.codec_context.name not in VIDEO_DECODERS:
        name = stream.codec_context.codec.canonical_name
        raise UnsupportedMedia(f"The clip's video codec {name} is not supported; send H.264, VP9 or AV1.")
    return stream
