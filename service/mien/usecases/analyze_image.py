"""Pictures in, faces out: one bad picture does not fail the others."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from mien.domain import AnalyzeOptions, Frame, FrameResult
from mien.engine.base import Engine
from mien.errors import InputError
from mien.images.decoder import PictureDecoder
from mien.usecases.pictures import DETECTOR_SIDE, PictureInput, PictureResult, PictureTimes


@dataclass(frozen=True, slots=True, eq=False)
class ImageAnalysis:
    """One result a picture, in the order they came in, and where the time went."""

    pictures: tuple[PictureResult, ...]
    times: PictureTimes


def analyze_images(
    inputs: Sequence[PictureInput], options: AnalyzeOptions, *, engine: Engine, decoder: PictureDecoder
) -> ImageAnalysis:
    """Find and classify the faces of every picture.

    The next picture is decoded while the engine works on the last. A picture's faces do not depend on its company.

    Raises:
        CapacityError: the engine is full or the deadline passed.
        EngineError: the engine is closed or a model run failed.
    """
    started = time.monotonic()
    reader = _Reader(inputs, options, decoder)
    results = list(engine.analyze(reader.frames(), options))
    answers = dict(zip(reader.readable, results, strict=True))
    pictures = tuple(_answer(index, picture.name, answers.get(index), reader) for index, picture in enumerate(inputs))
    times = PictureTimes(
        decode=reader.decode_ms,
        queue=sum(result.times.queue for result in results),
        detect=sum(result.times.detect for result in results),
        classify=sum(result.times.classify for result in results),
        total=(time.monotonic() - started) * 1000,
    )
    return ImageAnalysis(pictures, times)


class _Reader:
    """Decodes on demand, and notes which pictures could be read, and how far."""

    def __init__(self, inputs: Sequence[PictureInput], options: AnalyzeOptions, decoder: PictureDecoder) -> None:
        self._inputs = inputs
        self._options = options
        self._decoder = decoder
        self.readable: list[int] = []
        self.errors: dict[int, InputError] = {}
        self.warnings: dict[int, tuple[str, ...]] = {}
        self.decode_ms = 0.0

    def frames(self) -> Iterator[Frame]:
        # No loop, whose variable would hold one picture while the next is decoded.
        return filter(None, map(self._frame, count(), self._inputs))

    def _frame(self, index: int, picture: PictureInput) -> Frame | None:
        try:
            frame = self._decode(picture)
        except InputError as error:
            self.errors[index] = error
            return None
        self.readable.append(index)
        self.warnings[index] = frame.warnings
        return replace(frame, index=index)

    def _decode(self, picture: PictureInput) -> Frame:
        if isinstance(picture.content, InputError):
            raise picture.content
        self._options.raise_if_cancelled()
        started = time.monotonic()
        try:
            return self._decoder.decode(
                picture.content,
                detector_side=DETECTOR_SIDE[self._options.detector],
                deadline=self._options.deadline,
                check=self._options.raise_if_cancelled,
            )
        finally:
            self.decode_ms += (time.monotonic() - started) * 1000


def _answer(index: int, name: str | None, result: FrameResult | None, reader: _Reader) -> PictureResult:
    if result is None:
        return PictureResult(index, name, error=reader.errors.get(index))
    return PictureResult(index, name, result.width, result.height, result.faces, warnings=reader.warnings[index])
