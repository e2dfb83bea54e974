"""Packets -> decoded frames in the order in which they are shown, over damage."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

import av.error
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from service.errors import TooLarge
from service.media.clip_model import TIME_SLACK, ClipLimits
from service.media.clocks import clock_of, interval
from service.media.containers import origin, packets, time_base
from service.media.damage import BAD_MEDIA
from service.media.seeking import Entry, seek_before


class Shown(NamedTuple):
    """A decoded frame, its presentation time in seconds and its number in the clip (order shown, from 0)."""

    frame: VideoFrame
    time: Fraction
    number: int


class Decoder:
    """The frames of ``stream`` from the key frame at or before ``start`` (seconds) on.

    Pieces that cannot be decoded are left out and counted in ``damaged``; ``broke_off`` says that the container
    could not be read to its end. Iterating raises ``TooLarge`` where the decoder refuses a picture for its size, or
    where all pictures together are too large, and what ``check_caller`` raises: it is called at every frame and
    every packet without one, of which millions may pass before a frame is shown.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        start: float,
        limits: ClipLimits,
        check_caller: Callable[[], None],
    ) -> None:
        self._limits = limits
        self._check_caller = check_caller
        self._pixels = 0
        self.damaged = 0
        self.broke_off = False
        self._container = container
        self._stream = stream
        self._base = time_base(stream)
        self._clock = clock_of(container, stream)
        self._interval = interval(stream)
        self._entry: Entry | None = None
        if start > 0:
            self._entry = seek_before(container, stream, Fraction(start) + TIME_SLACK + origin(container))

    def __iter__(self) -> Iterator[Shown]:
        number = 0 if self._entry is None else self._entry.frames_before
        for frame in self._frames():
            # Pictures that lead an open group refer to frames before the key frame: not shown by a player either.
            if self._entry is not None and frame.pts is not None and frame.pts < self._entry.pts:
                continue
            yield Shown(frame, self._clock.time_of(frame), number)
            number += 1

    @property
    def restarts(self) -> int:
        """How often the clip's clock has started over."""
        return self._clock.restarts

    def end_of(self, shown: Shown) -> Fraction:
        """When the next frame would be due, in seconds."""
        duration = shown.frame.duration * self._base if shown.frame.duration else self._interval
        return shown.time + duration

    def close(self) -> None:
        """Let the decoder's threads come to rest.

        They are waited for where the decoder is freed as well, but there with the interpreter's lock held, and a large
        picture takes its time. None of them may ever need that lock: nothing of Python's hangs on a packet or frame,
        libav's messages are not handed on, and the file is read by libav itself.
        """
        self._stream.codec_context.flush_buffers()

    def _frames(self) -> Iterator[VideoFrame]:
        for frame in self._decoded():
            self._check_caller()
            self._pixels += frame.width * frame.height
            self._limits.check_decoded(self._pixels, self._stream.codec_context.name)
            yield frame

    def _decoded(self) -> Iterator[VideoFrame]:
        unread = packets(self._container, self._stream)
        while True:
            try:
                packet = next(unread, None)
            except BAD_MEDIA:
                self.broke_off = True
                packet = None
            if packet is not None:
                self._clock.sent(packet)
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.error.EOFError:
                return
            except BAD_MEDIA as error:
                self._check_size(error)
                self.damaged += 1
                frames = []
            if not frames:
                self._check_caller()
            yield from frames
            if packet is None:
                return

    def _check_size(self, error: Exception) -> None:
        """Whether it was for its size that a picture was not decoded; FFmpeg has no error of its own for that."""
        context = self._stream.codec_context
        self._limits.check_pixels(context.width, context.height)
        # Most decoders forget the size when it is refused; AV1's keeps the last and says that a value is out of range.
        is_forgotten = isinstance(error, av.error.ArgumentError) and context.width == 0
        if is_forgotten or isinstance(error, av.error.OverflowError):
            most = self._limits.max_pixels
            message = f"A picture of the clip has over {most} pixels; send one of at most {most} pixels a frame."
            raise TooLarge("max_pixels", most, message) from error
