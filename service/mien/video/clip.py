"""File -> sampled, upright ``Frame``s with their presentation times."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from fractions import Fraction
from types import TracebackType
from typing import Self

from mien.domain import Frame
from mien.errors import CorruptMedia, InvalidOption
from mien.video.decoder import DEFAULT_THREADS, Decoder, TimedFrame, bound_frame_size, decoder_memory
from mien.video.demuxer import Demuxer, KeyFrame
from mien.video.duration import DurationTracker, declared_end
from mien.video.file_structure import file_structure
from mien.video.frame_conversion import OrientationReader, UprightConverter, square_pixel_size
from mien.video.model import TIME_SLACK, ClipInfo, ClipLimits, Sampler, Sampling
from mien.video.parts import Counts, Damage, PartFacts, join
from mien.video.shot_boundaries import ShotBoundaryDetector
from mien.video.source import ClipSource, ClipTarget
from mien.video.writer import Remuxer

_SAME_SHAPE = 0.02  # of the aspect ratio: sizes are rounded to what codecs can hold


class Clip:
    """An open clip. A context manager; ``frames()`` may be iterated once.

    ``Frame.time`` is the frame's own time stamp times the stream's time base, edit lists applied, as a player shows
    it: a picture track that begins 1.5 s into the clip begins at 1.5 (transport streams and FLV: relative to the start
    of the file). A frame without a time stamp follows its predecessor at the average rate, and one that does not
    advance is never shown and so never sampled.

    ``long_side`` bounds the size of ``Frame.pixels``; ``threads`` are the decoder's (0: as many as suit this machine).
    ``raise_if_cancelled`` is called at every frame, also at those skipped before ``start``.
    ``wait_for_memory`` is called with the bytes that decoding may take, and its context held until the clip is closed.
    ``key_frame`` is the last one shown at or before ``start``, if it is known.
    Frames that change their size mid-stream, but not their shape, report the ``width`` and ``height`` of the first.
    ``info`` is known at once; ``frames_decoded`` and ``read_until`` (seconds) grow during the iteration. Memory does
    not grow with the clip.

    Raises:
        UnsupportedMedia, CorruptMedia, NoVideoStream: no frame can be decoded.
        TooLarge: more seconds than the limits allow, or a frame of too many pixels.
    """

    def __init__(
        self,
        source: ClipSource,
        sampling: Sampling,
        limits: ClipLimits,
        long_side: int | None = None,
        threads: int = 0,
        *,
        key_frame: KeyFrame | None = None,
        raise_if_cancelled: Callable[[], None] = lambda: None,
        wait_for_memory: Callable[[int], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._source = source
        self.sampling = sampling
        self.limits = limits
        self.frames_decoded = 0
        self._scene = 0
        self._before = Counts()
        self._raise_if_cancelled = raise_if_cancelled
        self._converter = UprightConverter(long_side)
        self._orientations = OrientationReader()
        self._demuxer = Demuxer(source, limits.max_pixels)
        self._resources = ExitStack()
        self._resources.callback(self._demuxer.close)
        try:
            limits = self._limits = bound_frame_size(self._demuxer.stream, limits)
            threads = threads or DEFAULT_THREADS
            memory = decoder_memory(self._demuxer.stream, limits.max_pixels, threads)
            self._resources.enter_context(wait_for_memory(memory))
            raise_if_cancelled()
            go_to, seek = self._demuxer.go_to, self._demuxer.seek
            key_frame = go_to(key_frame) if key_frame else seek(sampling.start, raise_if_cancelled)
            stream = self._demuxer.stream
            self._aspect = stream.sample_aspect_ratio or Fraction(1)
            self._decoder = Decoder(self._demuxer, key_frame, limits, threads, raise_if_cancelled)
            decoded = self._decoder.frames()
            first = next(decoded, None)
            if first is None:
                raise CorruptMedia("No frame of the clip can be decoded in the requested range; send another copy.")
            self._decoded = itertools.chain([first], decoded)
            self.info = self._describe(first)
            self._duration = DurationTracker(
                self._demuxer.time_base,
                self._demuxer.interval,
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
        """Sentences about the reading; complete once ``frames()`` is exhausted."""
        return join([self.facts]).warnings

    @property
    def facts(self) -> PartFacts:
        """What ``join`` needs of this part of a clip, once ``frames()`` is exhausted."""
        made = self._decoder
        damage = Damage(made.damaged, made.restarts, made.broke_off, made.position)
        return PartFacts(self.info, self._before, self._counts(), replace(self._duration), damage)

    def _counts(self) -> Counts:
        return Counts(self.frames_decoded, self._scene, self._duration.shown.advances)

    @property
    def read_until(self) -> float:
        """When the last of the frames decoded so far ends, in seconds."""
        return self._duration.read_until

    @property
    def shown_until(self) -> float:
        """When the last of the frames read so far stops being shown, in seconds: see ``DurationTracker``."""
        return self._duration.shown_until

    @property
    def duration(self) -> float:
        """The length of the clip in seconds: see ``DurationTracker``; known once ``frames()`` is exhausted."""
        return self._duration.duration

    def frames(self) -> Iterator[Frame]:
        """The sampled frames in presentation order.

        Raises:
            TooLarge: more seconds or frames than the limits allow, or a frame of too many pixels.
            InvalidOption: the clip ends before ``start``.
        """
        sampler, shots = Sampler(self.sampling), ShotBoundaryDetector()
        start, end = self.sampling.start, self.sampling.end
        begin: Fraction | None = None
        last: Fraction | None = None
        for decoded in self._decoded:
            if end is not None and decoded.time + TIME_SLACK >= end:
                self._duration.reach_end()
                return
            self._raise_if_cancelled()
            begin = decoded.time if begin is None else begin
            self._count(decoded, decoded.time - max(begin, Fraction(start)))
            self._scene = scene = shots.scene_of(decoded.frame)
            if decoded.time + TIME_SLACK < start:
                self._before = self._counts()
            if last is not None and decoded.time <= last:
                continue
            last = decoded.time
            if decoded.time + TIME_SLACK >= start and sampler.takes(decoded.time):
                yield self._convert(decoded, scene)
        self._duration.finish(file_structure(self._source, self.info.container))
        if start >= self.read_until:
            raise InvalidOption("start", f"The clip ends at {self.read_until:.3f} s; choose a start before that.")

    def remuxer(self, target: ClipTarget, duration: float) -> Remuxer:
        """Writes frames and the sound to ``target``, ``duration`` being the clip's length in seconds."""
        limit = self.limits.max_pixels
        return Remuxer(self._source, self.info, self.sampling, target, duration=duration, max_pixels=limit)

    def _check_length(self) -> None:
        """Refuse a clip that is too long before its first seconds are analysed.

        A header that declares too many seconds, or none, is checked against the packets.
        """
        # Time stamps may begin hours after 0: there is nothing to read before the first frame.
        begin = max(self.sampling.start, self.info.begin)
        ends = [end for end in (self.sampling.end, self.info.duration) if end is not None]
        seconds = min(ends, default=float("inf")) - begin
        limit = self._limits.max_seconds
        if seconds > limit and self._demuxer.reaches(begin + limit, self._raise_if_cancelled):
            self._limits.check_seconds(seconds)

    def _describe(self, first: TimedFrame) -> ClipInfo:
        orientation = self._orientations.of(first.frame)
        width, height = orientation.upright_size(*square_pixel_size(first.frame, self._aspect))
        demuxer = self._demuxer
        return ClipInfo(
            width=width,
            height=height,
            rotation=orientation.rotation,
            mirrored=orientation.mirrored,
            codec=demuxer.stream.codec_context.codec.canonical_name,
            container=demuxer.format,
            begin=float(first.time),
            duration=declared_end(demuxer),
            rate=float(demuxer.rate) if demuxer.rate else None,
            has_audio=bool(demuxer.container.streams.audio),
            interlaced=first.frame.interlaced_frame,
            origin=float(demuxer.origin),
        )

    def _count(self, decoded: TimedFrame, seconds: Fraction) -> None:
        self.frames_decoded += 1
        self._duration.add(decoded.time, decoded.frame.duration)
        self._limits.check_frames(self.frames_decoded)
        self._limits.check_seconds(float(seconds))
        self._limits.check_pixels(decoded.frame.width, decoded.frame.height)

    def _convert(self, decoded: TimedFrame, scene: int) -> Frame:
        orientation = self._orientations.of(decoded.frame)
        width, height = orientation.upright_size(*square_pixel_size(decoded.frame, self._aspect))
        if abs(width * self.info.height - height * self.info.width) <= _SAME_SHAPE * width * self.info.height:
            # The same picture in another size, as in video calls: boxes stay comparable.
            width, height = self.info.width, self.info.height
        pixels = self._converter.convert(decoded.frame, self._aspect, orientation)
        # Some writers begin slightly before 0; anything earlier than the slack is not shown.
        return Frame(pixels, width, height, float(max(decoded.time, Fraction(0))), decoded.number, scene)
