"""Pictures in, faces out: one bad picture does not fail the others."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, Face, Frame, StageTimes
from mien.engine.base import Engine
from mien.errors import InputError
from mien.images.decoder import PictureDecoder


@dataclass(frozen=True, slots=True)
class PictureInput:
    """One picture as received: its bytes, or the error that is already known (bad base64, for example)."""

    name: str | None
    content: bytes | InputError


@dataclass(frozen=True, slots=True, eq=False)
class PictureResult:
    """The result of one picture: its size and faces, or an ``error`` that the caller can fix.

    ``warnings`` are sentences about parts that could not be read and faces that were not looked for.
    """

    index: int
    name: str | None
    width: int | None = None
    height: int | None = None
    faces: tuple[Face, ...] = ()
    error: InputError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ImageAnalysis:
    """One result per picture, in the order of the inputs, and the time that each stage took."""

    pictures: tuple[PictureResult, ...]
    times: StageTimes


def analyze_images(
    inputs: Sequence[PictureInput],
    options: AnalyzeOptions,
    cancellation: Cancellation = NEVER_CANCELLED,
    *,
    engine: Engine,
    decoder: PictureDecoder,
) -> ImageAnalysis:
    """Find and classify the faces of every picture.

    The next picture is decoded while the engine works on the last. A picture's faces do not depend on the others.

    Raises:
        CapacityError: the request was cancelled or its deadline passed.
        EngineError: the engine is closed or a model run failed.
    """
    started = time.monotonic()
    reader = _Reader(inputs, engine.detector_side(options.detector), cancellation, decoder)
    times = StageTimes()
    for result, index in zip(engine.analyze(reader.frames(), options, cancellation), reader.readable, strict=True):
        read = reader.results[index]
        reader.results[index] = replace(
            read,
            width=result.width,
            height=result.height,
            faces=result.faces,
            warnings=(*read.warnings, *result.warnings),
        )
        times += result.times
    times = replace(times, decode=reader.decode_ms, total=(time.monotonic() - started) * 1000)
    return ImageAnalysis(tuple(reader.results), times)


class _Reader:
    """Decodes on demand. ``results`` holds each picture's warnings or error, ``readable`` the indices decoded."""

    def __init__(
        self, inputs: Sequence[PictureInput], detector_side: int, cancellation: Cancellation, decoder: PictureDecoder
    ) -> None:
        self._inputs = inputs
        self._detector_side = detector_side
        self._cancellation = cancellation
        self._decoder = decoder
        self.results: list[PictureResult] = []
        self.readable: list[int] = []
        self.decode_ms = 0.0

    def frames(self) -> Iterator[Frame]:
        # map() instead of a loop, whose variable would hold one picture while the next is decoded.
        return filter(None, map(self._frame, count(), self._inputs))

    def _frame(self, index: int, picture: PictureInput) -> Frame | None:
        try:
            frame = self._decode(picture)
        except InputError as error:
            self.results.append(PictureResult(index, picture.name, error=error))
            return None
        self.results.append(PictureResult(index, picture.name, warnings=frame.warnings))
        self.readable.append(index)
        return replace(frame, index=index)

    def _decode(self, picture: PictureInput) -> Frame:
        if isinstance(picture.content, InputError):
            raise picture.content
        self._cancellation.raise_if_cancelled()
        started = time.monotonic()
        try:
            return self._decoder.decode(
                picture.content,
                detector_side=self._detector_side,
                deadline=self._cancellation.deadline,
                check=self._cancellation.raise_if_cancelled,
            )
        finally:
            self.decode_ms += (time.monotonic() - started) * 1000
