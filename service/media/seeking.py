"""Where to begin decoding for a given start time."""

from array import array
from fractions import Fraction
from typing import NamedTuple

import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from service.errors import CorruptMedia
from service.media.containers import packets

# Without an index a seek lands anywhere: these are decoded from the beginning.
_INEXACT = ("mpegts", "flv")


class Entry(NamedTuple):
    """A key frame's time stamps in the stream's ticks, and the number of frames shown before it."""

    pts: int
    dts: int
    frames_before: int


def seek_before(container: InputContainer, stream: VideoStream, start: Fraction) -> Entry | None:
    """Move to the last key frame shown at or before ``start`` (seconds of the stream's own clock).

    The packets up to it are counted, not decoded, so that frame numbers are those of the whole clip wherever reading
    begins. ``None`` means that there is no such key frame: reading begins at the beginning.

    Raises:
        CorruptMedia: the container cannot go to where its packets say that it should.
    """
    # AVI does not say which frames are shown before a key frame, once they are not shown as they are decoded.
    if container.format.name in _INEXACT or (container.format.name == "avi" and stream.codec_context.has_b_frames):
        return None
    entry = _find(container, stream, start)
    # By decode time: containers that index presentation times land a key frame earlier, which costs a little decoding;
    # the other way round they would land a key frame late.
    try:
        container.seek(0 if entry is None else entry.dts, stream=stream)
    except av.error.FFmpegError as error:
        raise CorruptMedia("The clip has no index to find a start by, or a damaged one; send another copy.") from error
    return entry


def _find(container: InputContainer, stream: VideoStream, start: Fraction) -> Entry | None:
    base = stream.time_base or Fraction(1)
    shown = array("q")
    key: tuple[int, int] | None = None
    try:
        for packet in packets(container, stream):
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None or packet.is_discard:
                continue
            # Decode times grow and never pass the presentation time: nothing later in the file is shown before start.
            if packet.dts is not None and packet.dts * base > start:
                break
            shown.append(pts)
            if packet.is_keyframe and pts * base <= start:
                key = (pts, pts if packet.dts is None else packet.dts)
    except av.error.FFmpegError:
        pass  # a break in the file past the key frame is for the reader to meet and to report
    if key is None:
        return None
    return Entry(*key, sum(1 for pts in shown if pts < key[0]))
