"""A picture in, the same picture with its faces boxed and named out."""

import time
from dataclasses import dataclass, replace

from service.domain import AnalyzeOptions, Frame, FrameResult, U8Array
from service.engine.base import Engine
from service.media.pictures import PictureDecoder
from service.render.annotate import annotate
from service.render.encode import Encoding, encode
from service.render.geometry import scaled
from service.render.redact import redact
from service.usecases.pictures import DETECTOR_SIDE, PictureInput, PictureResult, PictureTimes

# Enough for a full screen; a picture of 50 megapixels would take seconds to write and nobody could see more in it.
LONGEST_SIDE = 2048
_MOST_FACES = 1_000
# Below any threshold for reporting: a patch hidden for nothing costs little, a face left to be seen costs much.
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
    frame = decoder.decode(picture.content, detector_side=DETECTOR_SIDE[options.detector], deadline=options.deadline)
    decode_ms = (time.monotonic() - started) * 1000
    (result,) = engine.analyze((frame,), options)
    analyzed = time.monotonic()
    canvas = _canvas(picture.content, frame, options, decoder)
    if rendering.redact:
        canvas = _without_faces(canvas, frame, result, options, engine)
    drawn = annotate(canvas, result.faces, result.width, result.height)
    content = encode(drawn, rendering.encoding)
    return AnnotatedImage(
        content=content,
        media_type=rendering.encoding.value,
        picture=PictureResult(0, picture.name, result.width, result.height, result.faces),
        times=PictureTimes(
            decode=decode_ms,
            queue=result.times.queue,
            detect=result.times.detect,
            classify=result.times.classify,
            total=(time.monotonic() - started) * 1000,
        ),
        render_ms=(time.monotonic() - analyzed) * 1000,
    )


def _canvas(data: bytes, frame: Frame, options: AnalyzeOptions, decoder: PictureDecoder) -> U8Array:
    """What to draw on: the analysed pixels where they are the whole picture and not too large."""
    height, width = frame.pixels.shape[:2]
    if (width, height) == (frame.width, frame.height) and max(width, height) <= LONGEST_SIDE:
        return frame.pixels
    return decoder.decode_within(data, long_side=LONGEST_SIDE, deadline=options.deadline).pixels


def _without_faces(
    canvas: U8Array, frame: Frame, result: FrameResult, options: AnalyzeOptions, engine: Engine
) -> U8Array:
    """``canvas`` with every face hidden: also those that are too doubtful, small or many for the answer."""
    everybody = replace(options, min_face=0.0, min_confidence=_HIDING_CONFIDENCE, max_faces=_MOST_FACES, explain=False)
    (wider,) = engine.analyze((frame,), everybody)
    height, width = canvas.shape[:2]
    scale_x, scale_y = width / result.width, height / result.height
    return redact(canvas, [scaled(face.box, scale_x, scale_y) for face in (*result.faces, *wider.faces)])
