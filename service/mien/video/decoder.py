"""Packets -> decoded frames in presentation order, within bounds and past damage."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import av.error
from av import Packet, VideoFrame
from av.codec.context import ThreadType
from av.video.stream import VideoStream

from mien.errors import TooLarge
from mien.video.codecs import MEDIA_ERRORS, VIDEO_WHITELIST
from mien.video.container import pixel_bound
from mien.video.demuxer import Demuxer, KeyFrame
from mien.video.model import ClipLimits

DEFAULT_THREADS = min(8, (os.cpu_count() or 1) + 1)
"""One more than there are cores, so that one works while another waits for its reference frame, but at most eight."""

# Frames that a decoder holds at most: measured with H.264 of 16 reference frames. Ordinary clips need a third.
_FRAMES_HELD = 28
_FRAMES_PER_THREAD = 2
# Pixels up to which the frames of any clip may grow mid-stream, as those of video calls do: Full HD.
_ROOM_TO_GROW = 1920 * 1088


class TimedFrame(NamedTuple):
    """A decoded frame, its presentation time in seconds and its number in the clip (presentation order, from 0)."""

    frame: VideoFrame
    time: Fraction
    number: int


def bound_frame_size(stream: VideoStream, limits: ClipLimits) -> ClipLimits:
    """``limits`` with the bound on this clip's frames, which may grow mid-stream, but only so far.

    Raises:
        TooLarge: they are larger than allowed. A few bytes can announce a frame that would fill the memory.
    """
    width, height = stream.codec_context.width, stream.codec_context.height
    limits.check_pixels(width, height)
    return replace(limits, max_pixels=min(limits.max_pixels, max(width * height, _ROOM_TO_GROW)))


def decoder_memory(stream: VideoStream, max_pixels: int, threads: int) -> int:
    """Bytes that decoding may take at most."""
    pixel_format = stream.codec_context.format
    bits = pixel_format.padded_bits_per_pixel if pixel_format is not None else 24
    return (_FRAMES_HELD + _FRAMES_PER_THREAD * threads) * max_pixels * bits // 8


class Decoder:
    """The frames from the demuxer's position: the beginning, or ``key_frame``. ``frames()`` may be called once.

    Packets that cannot be decoded are left out and counted in ``damaged``; ``broke_off`` says that the container could
    not be read to its end; ``position`` is the offset in bytes of the last packet in the file. ``raise_if_cancelled``
    is called at every frame and every packet without one: millions may come before the first frame.
    """

    def __init__(
        self,
        demuxer: Demuxer,
        key_frame: KeyFrame | None,
        limits: ClipLimits,
        threads: int,
        raise_if_cancelled: Callable[[], None],
    ) -> None:
        self._demuxer = demuxer
        self._key_frame = key_frame
        self._limits = limits
        self._raise_if_cancelled = raise_if_cancelled
        self._clock = demuxer.frame_clock()
        self._context = demuxer.stream.codec_context
        self._context.options = {**pixel_bound(limits.max_pixels), "codec_whitelist": VIDEO_WHITELIST}
        self._context.thread_type = ThreadType.AUTO
        self._context.thread_count = threads
        self.damaged = 0
        self.broke_off = False
        self.position = 0

    @property
    def restarts(self) -> int:
        """How often the clip's clock has restarted."""
        return self._clock.restarts

    def frames(self) -> Iterator[TimedFrame]:
        """All frames in presentation order.

        Raises:
            TooLarge: a frame, or all frames together, have too many pixels.
            And what ``raise_if_cancelled`` raises.
        """
        number = 0 if self._key_frame is None else self._key_frame.frames_before
        begin = None if self._key_frame is None else self._key_frame.pts
        pixels = 0
        for frame in self._decoded():
            self._raise_if_cancelled()
            pixels += frame.width * frame.height
            self._limits.check_decoded(pixels, self._context.name)
            # Leading frames of an open group of pictures refer to frames before the key frame; players skip them too.
            if begin is not None and frame.pts is not None and frame.pts < begin:
                continue
            begin = None  # later frames belong to the group even if the clock restarts
            yield TimedFrame(frame, self._clock.time_of(frame), number)
            number += 1

    def _decoded(self) -> Iterator[VideoFrame]:
        packets = self._demuxer.packets()
        packet: Packet[VideoStream] | None
        while True:
            try:
                packet = next(packets, None)
            except MEDIA_ERRORS:
                self.broke_off = True
                packet = None
            if packet is not None:
                self._clock.add_packet(packet)
                self.position = max(self.position, packet.pos or 0)
            try:
                frames = self._context.decode(packet)
            except av.error.EOFError:
                return
            except MEDIA_ERRORS as error:
                self._raise_if_too_large(error)
                self.damaged += 1
                frames = []
            if not frames:
                self._raise_if_cancelled()
            yield from frames
            if packet is None:
                return

    def _raise_if_too_large(self, error: Exception) -> None:
        """FFmpeg has no error of its own for a frame that exceeds ``max_pixels``."""
        width, height = self._context.width, self._context.height
        self._limits.check_pixels(width, height)
        # Most decoders reset the size when it is refused; AV1's keeps the last one and reports a value out of range.
        is_reset = isinstance(error, av.error.ArgumentError) and width == 0
        if is_reset or isinstance(error, av.error.OverflowError):
            bound = self._limits.max_pixels
            message = f"A frame of the clip has over {bound} pixels; send a clip of at most {bound} pixels per frame."
            raise TooLarge("max_pixels", bound, message) from error
