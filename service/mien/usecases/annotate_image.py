"""A picture in, the same picture with its faces boxed and named out."""

import time
from dataclasses import dataclass, replace

from mien.domain import AnalyzeOptions, Box, DetectorMode, Face, FrameResult, U8Array
from mien.engine.base import Engine
from mien.images.decoder import PictureDecoder
from mien.images.encode import Encoding, encode
from mien.render.annotate import annotate
from mien.render.canvas import scaled
from mien.render.redact import redact
from mien.usecases.pictures import DETECTOR_SIDE, PictureInput, PictureResult, PictureTimes

# Enough for a full screen; a picture of 50 megapixels would take seconds to write and nobody could see more in it.
LONGEST_SIDE = 2048
_MOST_FACES = 1_000
# Below any threshold for reporting: a patch hidden for nothing costs little, a face left to be seen costs much.
# The search is the most thorough one, whichever the caller asked for.
_HIDING_MODE = DetectorMode.ACCURATE
_HIDING_CONFIDENCE = 0.2


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a picture is answered. ``redact`` makes the faces unrecognisable before anything is drawn."""

    encoding: Encoding = Encoding.PNG
    redact: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedImage:
    """The ``content`` of a picture file of type ``media_type``, and what was found in it.

    ``render_ms`` is the time to decode once more, draw and encode; it is part of ``times.total``.
    """

    content: bytes
    media_type: str
    picture: PictureResult
    times: PictureTimes
    render_ms: float = 0.0


def annotate_image(
    picture: PictureInput, options: AnalyzeOptions, rendering: RenderOptions, *, engine: Engine, decoder: PictureDecoder
) -> AnnotatedImage:
    """Analyse one picture and draw the result on a copy of at most ``LONGEST_SIDE`` pixels.

    The faces are those that ``analyze_images`` reports: the models see the same decode, and only what is drawn on is
    decoded again where the models need less.

    Raises:
        InputError: the picture cannot be read.
        CapacityError: the engine is full or the deadline passed.
        EngineError: the engine is closed or a model run failed.
    """
    started = time.monotonic()
    if not isinstance(picture.content, bytes):
        raise picture.content
    seen = _look(picture.content, options, rendering.redact, engine, decoder)
    looked = time.monotonic()
    canvas = seen.canvas
    if canvas is None:
        options.raise_if_cancelled()
        canvas = decoder.decode_within(
            picture.content, long_side=LONGEST_SIDE, deadline=options.deadline, check=options.raise_if_cancelled
        ).pixels
    result = seen.result
    if rendering.redact:
        height, width = canvas.shape[:2]
        scale_x, scale_y = width / result.width, height / result.height
        canvas = redact(canvas, [scaled(box, scale_x, scale_y) for box in seen.hidden])
    drawn = annotate(canvas, result.faces, result.width, result.height)
    content = encode(drawn, rendering.encoding)
    return AnnotatedImage(
        content=content,
        media_type=rendering.encoding.value,
        picture=PictureResult(0, picture.name, result.width, result.height, result.faces, warnings=seen.warnings),
        times=PictureTimes(
            decode=seen.decode_ms,
            queue=result.times.queue,
            detect=result.times.detect,
            classify=result.times.classify,
            total=(time.monotonic() - started) * 1000,
        ),
        render_ms=(time.monotonic() - looked) * 1000,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """``canvas`` is the analysed pixels where they are the whole picture and not too large; ``hidden`` in pixels of
    the upright picture."""

    result: FrameResult
    hidden: tuple[Box, ...]
    canvas: U8Array | None
    decode_ms: float
    warnings: tuple[str, ...]


def _look(data: bytes, options: AnalyzeOptions, hide: bool, engine: Engine, decoder: PictureDecoder) -> _Seen:
    """What the models see. The decoded picture is gone at the end, before there is another to draw on."""
    everybody = _everybody(data, options, engine, decoder) if hide else ()
    started = time.monotonic()
    frame = decoder.decode(
        data, detector_side=DETECTOR_SIDE[options.detector], deadline=options.deadline, check=options.raise_if_cancelled
    )
    decode_ms = (time.monotonic() - started) * 1000
    try:
        (result,) = engine.analyze((frame,), options)
    finally:
        frame.release()
    hidden = tuple(face.box for face in (*everybody, *result.faces))
    height, width = frame.pixels.shape[:2]
    whole = (width, height) == (frame.width, frame.height) and max(width, height) <= LONGEST_SIDE
    return _Seen(result, hidden, frame.pixels if whole else None, decode_ms, frame.warnings)


def _everybody(data: bytes, options: AnalyzeOptions, engine: Engine, decoder: PictureDecoder) -> tuple[Face, ...]:
    """Every face to hide, also those that are too doubtful, small or many for the answer.

    A decode and a search of its own: the answer's may be those of the faster mode, in fewer pixels.
    """
    search = replace(
        options,
        detector=_HIDING_MODE,
        min_face=0.0,
        min_confidence=_HIDING_CONFIDENCE,
        max_faces=_MOST_FACES,
        explain=False,
        keep_doubles=True,
    )
    frame = decoder.decode(
        data, detector_side=DETECTOR_SIDE[search.detector], deadline=options.deadline, check=options.raise_if_cancelled
    )
    try:
        (result,) = engine.analyze((frame,), search)
    finally:
        frame.release()
    return result.faces
