"""The newest picture of a live source, decoded in a thread of its own; connects again when the source fails."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from types import TracebackType
from typing import Self

from av import VideoFrame
from av.codec.context import ThreadType
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.domain import Frame
from mien.errors import CorruptMedia, InputError, MienError
from mien.video.codecs import MEDIA_ERRORS, VIDEO_WHITELIST
from mien.video.container import picture_stream, pixel_bound
from mien.video.frame_conversion import OrientationReader, UprightConverter, square_pixel_size
from mien.video.live_source import MAX_PIXELS, LiveSource, reason_of

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # s before connecting again
_STOP_SECONDS = 1.0
_LEAST_STEP = 0.001  # s between two frames: the clock of a clip may start over


class LiveReader:
    """Reads ``source`` as fast as it delivers, and keeps the newest picture only.

    A context manager. ``tell`` is called, from another thread, with sentences about interruptions. ``received`` counts
    the pictures decoded; those that were not taken in time are skipped.
    """

    def __init__(self, source: LiveSource, long_side: int, tell: Callable[[str], None]) -> None:
        self._source = source
        self._tell = tell
        self._converter = UprightConverter(long_side)
        self._orientations = OrientationReader()
        self._changed = threading.Condition()
        self._newest: tuple[VideoFrame, Fraction, float, int] | None = None
        self._ended = False
        self._error: MienError | None = None
        self._stop = threading.Event()
        self._started = time.monotonic()
        self.received = 0
        self._thread = threading.Thread(target=self._run, name="mien-live-reader", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_STOP_SECONDS)  # a read that waits for a camera ends with the process

    def frames(self) -> Iterator[Frame]:
        """The newest picture, whenever there is one that has not been taken. Ends with the source, if it has an end.

        ``time`` is in seconds since the start; for a clip, the time in the clip. ``index`` counts those received.

        Raises:
            InputError: the source cannot be opened the first time, or has no pictures.
        """
        while True:
            with self._changed:
                while self._newest is None and not self._ended:
                    self._changed.wait()
                newest, self._newest = self._newest, None
            if newest is None:
                if self._error is not None:
                    raise self._error
                return
            yield self._converted(*newest)

    def _converted(self, frame: VideoFrame, aspect: Fraction, at: float, index: int) -> Frame:
        orientation = self._orientations.of(frame)
        width, height = orientation.upright_size(*square_pixel_size(frame, aspect))
        return Frame(self._converter.convert(frame, aspect, orientation), width, height, at, index)

    def _run(self) -> None:
        try:
            self._read_on()
        except MienError as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _read_on(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            before = self.received
            try:
                self._read()
                reason = "it ended"
            except InputError as error:
                if self.received == 0:
                    raise CorruptMedia(f"{self._source.name}: {error}") from error
                reason = str(error)
            if not self._source.reconnects:
                return
            pause = _FIRST_PAUSE if self.received > before else min(2 * pause, _LONGEST_PAUSE)
            if not self._stop.is_set():
                self._tell(f"{self._source.name}: {reason}; connecting again in {pause:g} s")
            self._stop.wait(pause)

    def _read(self) -> None:
        with closing(self._source.open()) as container:
            stream = picture_stream(container)
            context = stream.codec_context
            context.options = {**pixel_bound(MAX_PIXELS), "codec_whitelist": VIDEO_WHITELIST}
            context.thread_type = ThreadType.SLICE  # threads per frame hold back as many frames
            aspect = stream.sample_aspect_ratio or Fraction(1)
            last = -_LEAST_STEP
            try:
                for frame in self._decoded(container, stream):
                    at = max(self._due(frame), last + _LEAST_STEP)
                    last = at
                    if self._stop.is_set():
                        return
                    with self._changed:
                        self._newest = (frame, aspect, at, self.received)
                        self.received += 1
                        self._changed.notify_all()
            except MEDIA_ERRORS as error:
                raise CorruptMedia(f"it broke off ({reason_of(error)})") from error

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except MEDIA_ERRORS:
                continue  # until the next key frame, after a connection in mid-stream
            yield from frames

    def _due(self, frame: VideoFrame) -> float:
        """The time of the frame; that of a clip is waited for."""
        now = time.monotonic() - self._started
        if self._source.reconnects or frame.time is None:
            return now
        self._stop.wait(max(0.0, frame.time - now))
        return frame.time
