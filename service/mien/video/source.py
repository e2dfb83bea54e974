"""A clip's file, open at its picture track and ready to be decoded within bounds."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av.error
from av.codec.context import ThreadType
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.errors import CorruptMedia
from mien.video.containers import decoder_options, open_container, origin, picture_stream
from mien.video.model import TIME_SLACK, ClipLimits
from mien.video.seeking import Entry, find_entry, is_sought, reaches

_MAX_THREADS = 8
# Pictures that a decoder holds at worst: measured with H.264 of 16 reference frames. Ordinary clips need a third.
_FRAMES_HELD = 28
_FRAMES_A_THREAD = 2
# Pixels up to which the pictures of any clip may grow on the way, as those of calls over the network do: Full HD.
_ROOM_TO_GROW = 1920 * 1088


class Source:
    """``container`` and its picture track ``stream``; ``limits`` are those given, with the pixels that were reckoned
    with for this clip.

    ``threads`` is the number of the decoder's; 0 means one more than there are cores, so that one works while another
    waits for its reference frame, but at most eight.

    Raises:
        UnsupportedMedia, CorruptMedia, NoVideoStream: there is no picture track to be read.
        TooLarge: its pictures are too large.
    """

    container: InputContainer
    stream: VideoStream

    def __init__(self, path: Path, limits: ClipLimits, threads: int) -> None:
        self._path = path
        self._threads = threads or min(_MAX_THREADS, (os.cpu_count() or 1) + 1)
        self.limits = limits
        self._open()

    def close(self) -> None:
        """Close the file, once the decoder's threads have come to rest. Closing twice is harmless.

        They are waited for where the decoder is freed as well, but there with the interpreter's lock held, and a large
        picture takes its time. None of them may ever need that lock: nothing of Python's hangs on a packet or frame,
        libav's messages are not handed on, and the file is read by libav itself.
        """
        self.stream.codec_context.flush_buffers()
        self.container.close()

    @property
    def memory(self) -> int:
        """Bytes that decoding may take."""
        context = self.stream.codec_context
        bits = context.format.padded_bits_per_pixel if context.format is not None else 24
        frames = _FRAMES_HELD + _FRAMES_A_THREAD * context.thread_count
        return frames * self.limits.max_pixels * bits // 8

    def seek(self, start: float, raise_if_cancelled: Callable[[], None]) -> Entry | None:
        """Go to the last key frame shown at or before ``start`` (seconds of the clip).

        ``None`` means that reading begins at the beginning. ``raise_if_cancelled`` is called at every
        packet on the way.

        Raises:
            CorruptMedia: the container cannot go to where its packets say that it should.
        """
        if start <= 0 or not is_sought(self.container, self.stream):
            return None
        entry = find_entry(
            self.container, self.stream, Fraction(start) + TIME_SLACK + origin(self.container), raise_if_cancelled
        )
        if entry is None:
            # Opened anew, for an index of a clock that starts over leads anywhere.
            self.close()
            self._open()
            return None
        # By decode time: containers that index presentation times land a key frame earlier, which costs a little
        # decoding; the other way round they would land a key frame late.
        try:
            self.container.seek(entry.dts, stream=self.stream)
        except av.error.FFmpegError as error:
            message = "The clip has no index to find a start by, or a damaged one; send another copy."
            raise CorruptMedia(message) from error
        return entry

    def reaches(self, time: float, raise_if_cancelled: Callable[[], None]) -> bool:
        """Whether the clip has pictures later than ``time`` (its seconds), by its packets and not by its header."""
        with closing(open_container(self._path, self.limits.max_pixels)) as container:
            return reaches(container, picture_stream(container), Fraction(time), raise_if_cancelled)

    def _open(self) -> None:
        self.container = open_container(self._path, self.limits.max_pixels)
        try:
            self.stream = self._prepared()
        except BaseException:
            self.container.close()
            raise

    def _prepared(self) -> VideoStream:
        stream = picture_stream(self.container)
        context = stream.codec_context
        # Before the decoder is opened: a few bytes can announce a picture that would fill the memory.
        self.limits.check_pixels(context.width, context.height)
        # Later ones may be larger, but not than what is waited for; that is left to the decoder.
        most = min(self.limits.max_pixels, max(context.width * context.height, _ROOM_TO_GROW))
        self.limits = replace(self.limits, max_pixels=most)
        context.options = decoder_options(most)
        context.thread_type = ThreadType.AUTO
        context.thread_count = self._threads
        return stream
