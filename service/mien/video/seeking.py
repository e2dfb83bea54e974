"""What a clip's packets say of its times, without decoding them: where to begin for a start, whether it is too long."""

from array import array
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.video.containers import origin, packets, time_base
from mien.video.timestamps import Continuation, interval

# Without an index a seek lands anywhere, and in joined GIFs nowhere: these are decoded from the beginning.
_INEXACT = ("mpegts", "flv", "gif")


class Entry(NamedTuple):
    """A key frame's time stamps in the stream's ticks, and the number of frames shown before it."""

    pts: int
    dts: int
    frames_before: int


def is_sought(container: InputContainer, stream: VideoStream) -> bool:
    """Whether a key frame on the way to a start can be found and gone to."""
    # AVI does not say which frames are shown before a key frame, once they are not shown as they are decoded.
    has_order = container.format.name != "avi" or not stream.codec_context.has_b_frames
    return container.format.name not in _INEXACT and has_order


def find_entry(
    container: InputContainer, stream: VideoStream, start: Fraction, raise_if_cancelled: Callable[[], None]
) -> Entry | None:
    """The last key frame shown at or before ``start`` (seconds of the stream's own clock).

    The packets up to it are counted, not decoded, so that frame numbers are those of the whole clip wherever reading
    begins. ``None`` means that there is no such key frame, or none before the stream's clock starts over.
    """
    base, times = time_base(stream), Continuation(container)
    shown = array("q")
    key: tuple[int, int] | None = None
    try:
        for packet in packets(container, stream):
            raise_if_cancelled()
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None or packet.is_discard:
                continue
            dts = pts if packet.dts is None else packet.dts
            time = times.of(dts * base, interval(stream))
            if times.restarts:
                return None
            # Decode times grow and never pass the presentation time: nothing later in the file is shown before start.
            if packet.dts is not None and time > start:
                break
            shown.append(pts)
            if packet.is_keyframe and pts * base <= start:
                key = (pts, dts)
    except av.error.FFmpegError:
        pass  # a break in the file past the key frame is for the reader to meet and to report
    if key is None:
        return None
    return Entry(*key, sum(1 for pts in shown if pts < key[0]))


def reaches(
    container: InputContainer, stream: VideoStream, time: Fraction, raise_if_cancelled: Callable[[], None]
) -> bool:
    """Whether there is a packet for later than ``time`` (seconds of the clip), whatever the container's header says."""
    base, times = time_base(stream), Continuation(container, -origin(container))
    try:
        for packet in packets(container, stream):
            raise_if_cancelled()
            stamp = packet.dts if packet.dts is not None else packet.pts
            if stamp is not None and not packet.is_discard and times.of(stamp * base, interval(stream)) > time:
                return True
    except av.error.FFmpegError:
        pass  # for the reader to meet and to report
    return False
