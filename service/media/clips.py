"""File -> sampled, upright ``Frame``s with true presentation times."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from av.codec.context import ThreadType
from av.video.stream import VideoStream

from service.domain import Frame
from service.errors import CorruptMedia, InvalidOption
from service.media.clip_model import TIME_SLACK, ClipInfo, ClipLimits, Sampler, Sampling
from service.media.containers import declared_end, decoder_options, open_container, origin, picture_stream
from service.media.cuts import CutCounter
from service.media.decoding import Decoder, Shown
from service.media.upright import OrientationReader, UprightConverter, upright_size

_MAX_THREADS = 8
# Pictures that a decoder holds at worst: measured with H.264 of 16 reference frames. Ordinary clips need a third.
_FRAMES_HELD = 28
_FRAMES_A_THREAD = 2
# Pixels up to which the pictures of any clip may grow on the way, as those of calls over the network do: Full HD.
_ROOM_TO_GROW = 1920 * 1088
_SAME_SHAPE = 0.02  # of the aspect ratio: sizes are rounded to what codecs can hold
# Containers round the declared end, and some count the last frame's duration and some do not.
_END_SLACK = 0.5


def _no_caller() -> None:
    """Nobody waits, and nobody hangs up."""


def _no_wait(_: int) -> AbstractContextManager[object]:
    """Nobody else decodes."""
    return nullcontext()


class Clip:
    """An open clip. A context manager; ``frames()`` may be drawn once.

    ``Frame.time`` is the frame's own time stamp times the stream's time base, edit lists applied, as a player shows
    it: a picture track that begins 1.5 s into the clip begins at 1.5 (transport streams and FLV: less the time at
    which the file begins). A frame without a time stamp follows its predecessor at the average rate, and one that does
    not advance is never shown and so never sampled.

    ``long_side`` bounds the size of ``Frame.pixels``, ``threads`` those of the decoder (0: one more than there are
    cores, so that one works while another waits for its reference frame; at most eight). ``check_caller`` is called at
    every frame, also at those skipped on the way to ``start``, and ends the reading with what it raises.
    ``wait_for_memory`` is given the bytes that decoding may take, and held until the clip is closed.
    Pictures that change their size on the way, but not their shape, have the ``width`` and ``height`` of the first.
    ``info`` is known at once; ``frames_decoded`` and ``read_until`` (seconds) grow while frames are drawn. Memory does
    not grow with the clip.

    Raises:
        UnsupportedMedia, CorruptMedia, NoVideoStream: there is no frame to be had.
        TooLarge: more seconds than the limits allow, or a frame of too many pixels.
        InvalidOption: ``start`` is past the end of the clip.
    """

    def __init__(
        self,
        path: Path,
        sampling: Sampling,
        limits: ClipLimits,
        long_side: int | None = None,
        threads: int = 0,
        *,
        check_caller: Callable[[], None] = _no_caller,
        wait_for_memory: Callable[[int], AbstractContextManager[object]] = _no_wait,
    ) -> None:
        self._sampling = sampling
        self._check_caller = check_caller
        self._limits = limits
        self._converter = UprightConverter(long_side)
        self._orientations = OrientationReader()
        self._container = open_container(path, limits.max_pixels)
        self._resources = ExitStack()
        self._resources.callback(self._container.close)
        self._exhausted = self._met_end = False
        self.frames_decoded = 0
        self.read_until = 0.0
        try:
            self._stream = self._prepare(threads)
            self._resources.enter_context(wait_for_memory(_memory(self._stream, self._limits.max_pixels)))
            self._check_caller()
            self._aspect = self._stream.sample_aspect_ratio or Fraction(1)
            self._decoder = Decoder(self._container, self._stream, sampling.start, self._limits, self._check_caller)
            self._resources.callback(self._decoder.close)
            shown = iter(self._decoder)
            first = next(shown, None)
            if first is None:
                raise CorruptMedia("No frame of the clip can be decoded in the range asked for; send another copy.")
            self._shown = itertools.chain([first], shown)
            self.info = self._describe(first)
            if self.info.duration is not None:
                self._check_range(self.info.duration)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        self._resources.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what could not be read, or not as it stands; complete once ``frames()`` is exhausted."""
        found = []
        if self._decoder.damaged:
            found.append(f"{self._decoder.damaged} damaged pieces of the clip were left out.")
        if self._decoder.restarts:
            found.append("The clip's clock starts over in the middle; its parts were put one after the other.")
        if self._is_cut_off():
            found.append(f"The clip is cut off or damaged: it could be read until {self.read_until:.3f} s only.")
        return tuple(found)

    @property
    def shown_until(self) -> float:
        """When the last of the frames drawn so far stops being shown, in seconds.

        That is when the next frame is due, but no later than the ``end`` asked for, and no earlier than it where a
        frame after it was met: slides last as long as they do, whatever the average rate. The last frame of all is
        shown until the end of the clip.
        """
        end = float("inf") if self._sampling.end is None else self._sampling.end
        if self._met_end:
            return end
        is_whole = self._exhausted and not self._is_cut_off()
        return min(end, max(self.read_until, (is_whole and self.info.duration) or 0.0))

    def frames(self) -> Iterator[Frame]:
        """The sampled frames in the order in which they are shown.

        Raises:
            TooLarge: more seconds or frames than the limits allow, or a frame of too many pixels.
        """
        sampler, cuts = Sampler(self._sampling), CutCounter()
        start, end = self._sampling.start, self._sampling.end
        begin: Fraction | None = None
        last: Fraction | None = None
        for shown in self._shown:
            if end is not None and shown.time + TIME_SLACK >= end:
                self._met_end = True
                return
            self._check_caller()
            begin = shown.time if begin is None else begin
            self._count(shown, shown.time - max(begin, Fraction(start)))
            scene = cuts.scene_of(shown.frame)
            if last is not None and shown.time <= last:
                continue
            last = shown.time
            if shown.time + TIME_SLACK >= start and sampler.takes(shown.time):
                yield self._frame(shown, scene)
        self._exhausted = True

    def _prepare(self, threads: int) -> VideoStream:
        stream = picture_stream(self._container)
        width, height = stream.codec_context.width, stream.codec_context.height
        # Before the decoder is opened: a few bytes can announce a picture that would fill the memory.
        self._limits.check_pixels(width, height)
        # Later ones may be larger, but not than what is waited for; that is left to the decoder.
        most = min(self._limits.max_pixels, max(width * height, _ROOM_TO_GROW))
        self._limits = replace(self._limits, max_pixels=most)
        stream.codec_context.options = decoder_options(most)
        stream.codec_context.thread_type = ThreadType.AUTO
        stream.codec_context.thread_count = threads or min(_MAX_THREADS, (os.cpu_count() or 1) + 1)
        return stream

    def _check_range(self, duration: float) -> None:
        start, end = self._sampling.start, self._sampling.end
        if start >= duration:
            raise InvalidOption("start", f"The clip ends at {duration:.3f} s; choose a start before that.")
        # Clips stamped by a clock that ran for hours have nothing to read before their first frame.
        self._limits.check_seconds((duration if end is None else min(duration, end)) - max(start, self.info.begin))

    def _describe(self, first: Shown) -> ClipInfo:
        orientation = self._orientations.of(first.frame)
        width, height = upright_size(first.frame, self._aspect, orientation)
        rate = self._stream.average_rate
        return ClipInfo(
            width=width,
            height=height,
            rotation=orientation.rotation,
            mirrored=orientation.mirrored,
            codec=self._stream.codec_context.codec.canonical_name,
            container=self._container.format.name,
            begin=float(first.time),
            duration=declared_end(self._container, self._stream),
            rate=float(rate) if rate else None,
            has_audio=bool(self._container.streams.audio),
            interlaced=first.frame.interlaced_frame,
            origin=float(origin(self._container)),
        )

    def _is_cut_off(self) -> bool:
        end = self.info.duration
        is_short = end is not None and end - self.read_until > _END_SLACK
        return self._exhausted and (self._decoder.broke_off or is_short)

    def _count(self, shown: Shown, seconds: Fraction) -> None:
        self.frames_decoded += 1
        self.read_until = max(self.read_until, float(self._decoder.end_of(shown)))
        self._limits.check_frames(self.frames_decoded)
        self._limits.check_seconds(float(seconds))
        self._limits.check_pixels(shown.frame.width, shown.frame.height)

    def _frame(self, shown: Shown, scene: int) -> Frame:
        orientation = self._orientations.of(shown.frame)
        width, height = upright_size(shown.frame, self._aspect, orientation)
        if abs(width * self.info.height - height * self.info.width) <= _SAME_SHAPE * width * self.info.height:
            # The same picture in another size, as in calls over the network: whoever is in it has not moved.
            width, height = self.info.width, self.info.height
        pixels = self._converter.convert(shown.frame, self._aspect, orientation)
        # Some writers begin a hair before 0; what is earlier than the slack is not shown.
        return Frame(pixels, width, height, float(max(shown.time, Fraction(0))), shown.number, scene)


def _memory(stream: VideoStream, pixels: int) -> int:
    """Bytes that decoding ``stream`` may take, of pictures of at most so many ``pixels``."""
    context = stream.codec_context
    bits = context.format.padded_bits_per_pixel if context.format is not None else 24
    frames = _FRAMES_HELD + _FRAMES_A_THREAD * context.thread_count
    return frames * pixels * bits // 8
