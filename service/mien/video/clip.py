"""File -> sampled, upright ``Frame``s with true presentation times."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from mien.domain import Frame
from mien.errors import CorruptMedia, InvalidOption
from mien.video.containers import declared_end, origin, time_base
from mien.video.decoder import Decoder, Shown
from mien.video.extent import Extent
from mien.video.frame_conversion import OrientationReader, UprightConverter, square_pixel_size
from mien.video.model import TIME_SLACK, ClipInfo, ClipLimits, Sampler, Sampling
from mien.video.scene_cuts import CutCounter
from mien.video.source import Source
from mien.video.structure import structure_of
from mien.video.timestamps import interval, rate_of

_SAME_SHAPE = 0.02  # of the aspect ratio: sizes are rounded to what codecs can hold


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

    ``long_side`` bounds the size of ``Frame.pixels``, ``threads`` those of the decoder (see ``Source``).
    ``raise_if_cancelled`` is called at every frame, also at those skipped on the way to ``start``, and ends the reading
    with what it raises.
    ``wait_for_memory`` is given the bytes that decoding may take, and held until the clip is closed.
    Pictures that change their size on the way, but not their shape, have the ``width`` and ``height`` of the first.
    ``info`` is known at once; ``frames_decoded`` and ``read_until`` (seconds) grow while frames are drawn. Memory does
    not grow with the clip.

    Raises:
        UnsupportedMedia, CorruptMedia, NoVideoStream: there is no frame to be had.
        TooLarge: more seconds than the limits allow, or a frame of too many pixels.
    """

    def __init__(
        self,
        path: Path,
        sampling: Sampling,
        limits: ClipLimits,
        long_side: int | None = None,
        threads: int = 0,
        *,
        raise_if_cancelled: Callable[[], None] = _no_caller,
        wait_for_memory: Callable[[int], AbstractContextManager[object]] = _no_wait,
    ) -> None:
        self._path = path
        self._sampling = sampling
        self._check_caller = raise_if_cancelled
        self._converter = UprightConverter(long_side)
        self._orientations = OrientationReader()
        self._source = Source(path, limits, threads)
        self._resources = ExitStack()
        self._resources.callback(self._source.close)
        self.frames_decoded = 0
        try:
            self._resources.enter_context(wait_for_memory(self._source.memory))
            self._check_caller()
            entry = self._source.seek(sampling.start, raise_if_cancelled)
            stream = self._source.stream
            self._aspect = stream.sample_aspect_ratio or Fraction(1)
            self._decoder = Decoder(self._source.container, stream, entry, self._source.limits, raise_if_cancelled)
            shown = iter(self._decoder)
            first = next(shown, None)
            if first is None:
                raise CorruptMedia("No frame of the clip can be decoded in the range asked for; send another copy.")
            self._shown = itertools.chain([first], shown)
            self.info = self._describe(first)
            self._extent = Extent(
                time_base(stream),
                interval(stream),
                self.info.duration,
                sampling.end,
                reordered=bool(stream.codec_context.has_b_frames),
            )
            self._check_length()
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
        return (*found, *self._extent.warnings(self._decoder.broke_off, self._decoder.position))

    @property
    def read_until(self) -> float:
        """When the last of the frames decoded so far ends, in seconds."""
        return self._extent.read_until

    @property
    def shown_until(self) -> float:
        """When the last of the frames drawn so far stops being shown, in seconds: see ``Extent``."""
        return self._extent.shown_until

    @property
    def duration(self) -> float:
        """The length of the clip in seconds: see ``Extent``; known once ``frames()`` is exhausted."""
        return self._extent.duration

    def frames(self) -> Iterator[Frame]:
        """The sampled frames in the order in which they are shown.

        Raises:
            TooLarge: more seconds or frames than the limits allow, or a frame of too many pixels.
            InvalidOption: the clip ends before ``start``.
        """
        sampler, cuts = Sampler(self._sampling), CutCounter()
        start, end = self._sampling.start, self._sampling.end
        begin: Fraction | None = None
        last: Fraction | None = None
        for shown in self._shown:
            if end is not None and shown.time + TIME_SLACK >= end:
                self._extent.met_asked()
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
        self._extent.exhausted(structure_of(self._path, self.info.container))
        if start >= self.read_until:
            raise InvalidOption("start", f"The clip ends at {self.read_until:.3f} s; choose a start before that.")

    def _check_length(self) -> None:
        """Refuse a clip that is too long before its first seconds are analysed.

        A header that claims too many seconds, or says nothing, is compared with the packets.
        """
        # Clips stamped by a clock that ran for hours have nothing to read before their first frame.
        begin = max(self._sampling.start, self.info.begin)
        limits = self._source.limits
        ends = [end for end in (self._sampling.end, self.info.duration) if end is not None]
        seconds = min(ends, default=float("inf")) - begin
        if seconds > limits.max_seconds and self._source.reaches(begin + limits.max_seconds, self._check_caller):
            limits.check_seconds(seconds)

    def _describe(self, first: Shown) -> ClipInfo:
        orientation = self._orientations.of(first.frame)
        width, height = orientation.upright_size(*square_pixel_size(first.frame, self._aspect))
        container, stream = self._source.container, self._source.stream
        rate = rate_of(stream)
        return ClipInfo(
            width=width,
            height=height,
            rotation=orientation.rotation,
            mirrored=orientation.mirrored,
            codec=stream.codec_context.codec.canonical_name,
            container=container.format.name,
            begin=float(first.time),
            duration=declared_end(container, stream),
            rate=float(rate) if rate else None,
            has_audio=bool(container.streams.audio),
            interlaced=first.frame.interlaced_frame,
            origin=float(origin(container)),
        )

    def _count(self, shown: Shown, seconds: Fraction) -> None:
        self.frames_decoded += 1
        self._extent.met(shown.time, shown.frame.duration)
        limits = self._source.limits
        limits.check_frames(self.frames_decoded)
        limits.check_seconds(float(seconds))
        limits.check_pixels(shown.frame.width, shown.frame.height)

    def _frame(self, shown: Shown, scene: int) -> Frame:
        orientation = self._orientations.of(shown.frame)
        width, height = orientation.upright_size(*square_pixel_size(shown.frame, self._aspect))
        if abs(width * self.info.height - height * self.info.width) <= _SAME_SHAPE * width * self.info.height:
            # The same picture in another size, as in calls over the network: whoever is in it has not moved.
            width, height = self.info.width, self.info.height
        pixels = self._converter.convert(shown.frame, self._aspect, orientation)
        # Some writers begin a hair before 0; what is earlier than the slack is not shown.
        return Frame(pixels, width, height, float(max(shown.time, Fraction(0))), shown.number, scene)
