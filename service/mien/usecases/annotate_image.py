"""A picture in, the same picture out with its faces boxed and labelled."""

import time
from dataclasses import dataclass, replace

from mien.domain import (
    NEVER_CANCELLED,
    AnalyzeOptions,
    Cancellation,
    Face,
    FrameResult,
    StageTimes,
    U8Array,
)
from mien.engine.base import Engine
from mien.images.decoder import PictureDecoder
from mien.images.encode import Encoding, encode
from mien.render.annotate import annotate
from mien.render.canvas import scaled
from mien.render.redact import redact
from mien.usecases.analyze_image import PictureInput, PictureResult
from mien.usecases.hide_faces import hiding

# px; fills a screen. A picture of 50 megapixels would take seconds to encode.
LONGEST_SIDE = 2048


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a picture is drawn. ``redact`` makes the faces unrecognisable before anything is drawn."""

    encoding: Encoding = Encoding.PNG
    redact: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedImage:
    """The ``content`` of a picture file of type ``media_type``, and what was found in it.

    ``render_ms`` is the time to decode again, draw and encode; it is part of ``times.total``.
    """

    content: bytes
    media_type: str
    picture: PictureResult
    times: StageTimes
    render_ms: float = 0.0


def annotate_image(
    picture: PictureInput,
    options: AnalyzeOptions,
    rendering: RenderOptions,
    cancellation: Cancellation = NEVER_CANCELLED,
    *,
    engine: Engine,
    decoder: PictureDecoder,
) -> AnnotatedImage:
    """Analyse one picture and draw the result on a copy of at most ``LONGEST_SIDE`` pixels.

    The faces are those that ``analyze_images`` reports: the models get the same decode, and the picture is decoded a
    second time to draw on it if that was reduced or too large.

    Raises:
        InputError: the picture cannot be read.
        CapacityError: the request was cancelled or its deadline passed.
        EngineError: the engine is closed or a model run failed.
    """
    started = time.monotonic()
    if not isinstance(picture.content, bytes):
        raise picture.content
    hidden: tuple[Face, ...] = ()
    if rendering.redact:
        hidden = _search(picture.content, hiding(options), cancellation, engine, decoder).result.faces
    found = _search(picture.content, options, cancellation, engine, decoder)
    result, canvas = found.result, found.canvas
    analyzed = time.monotonic()
    if canvas is None:
        cancellation.raise_if_cancelled()
        canvas = decoder.decode_within(
            picture.content,
            long_side=LONGEST_SIDE,
            deadline=cancellation.deadline,
            check=cancellation.raise_if_cancelled,
        ).pixels
    if rendering.redact:
        height, width = canvas.shape[:2]
        scale_x, scale_y = width / result.width, height / result.height
        canvas = redact(canvas, [scaled(face.box, scale_x, scale_y) for face in (*hidden, *result.faces)])
    content = encode(annotate(canvas, result.faces, result.width, result.height), rendering.encoding)
    ended = time.monotonic()
    return AnnotatedImage(
        content=content,
        media_type=rendering.encoding.value,
        picture=PictureResult(0, picture.name, result.width, result.height, result.faces, warnings=found.warnings),
        times=replace(result.times, decode=found.decode_ms, total=(ended - started) * 1000),
        render_ms=(ended - analyzed) * 1000,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """``canvas`` is the analysed pixels, or ``None`` if they are a reduced decode or larger than ``LONGEST_SIDE``."""

    result: FrameResult
    canvas: U8Array | None
    decode_ms: float
    warnings: tuple[str, ...]


def _search(
    data: bytes, options: AnalyzeOptions, cancellation: Cancellation, engine: Engine, decoder: PictureDecoder
) -> _Found:
    started = time.monotonic()
    frame = decoder.decode(
        data,
        detector_side=engine.detector_side(options.detector),
        deadline=cancellation.deadline,
        check=cancellation.raise_if_cancelled,
    )
    decode_ms = (time.monotonic() - started) * 1000
    try:
        (result,) = engine.analyze((frame,), options, cancellation)
    finally:
        frame.release()
    height, width = frame.pixels.shape[:2]
    is_whole = (width, height) == (frame.width, frame.height) and max(width, height) <= LONGEST_SIDE
    warnings = (*frame.warnings, *result.warnings)
    return _Found(result, frame.pixels if is_whole else None, decode_ms, warnings)
