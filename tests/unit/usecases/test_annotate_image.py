import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Box, Cancellation, DetectorMode, Frame, FrameResult
from mien.errors import CorruptMedia, InvalidRequest
from mien.images.decoder import PictureDecoder
from mien.images.encode import Encoding
from mien.images.limits import DecodeLimits
from mien.usecases.analyze_image import PictureInput, analyze_images
from mien.usecases.annotate_image import LONGEST_SIDE, AnnotatedImage, RenderOptions, annotate_image
from tests.fakes import FakeEngine, make_face


def file(side: int = 512, picture_format: str = "JPEG") -> bytes:
    data = io.BytesIO()
    Image.fromarray(astronaut()).resize((side, side)).save(data, picture_format)
    return data.getvalue()


def annotated(
    data: bytes,
    rendering: RenderOptions | None = None,
    options: AnalyzeOptions | None = None,
    engine: FakeEngine | None = None,
) -> AnnotatedImage:
    return annotate_image(
        PictureInput("a.jpg", data),
        options or AnalyzeOptions(),
        rendering or RenderOptions(),
        engine=engine or FakeEngine(),
        decoder=PictureDecoder(DecodeLimits(), 2),
    )


def opened(answer: AnnotatedImage) -> Image.Image:
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize(("encoding", "name"), [(Encoding.PNG, "PNG"), (Encoding.JPEG, "JPEG")])
def test_the_answer_is_a_picture_of_the_requested_type(encoding: Encoding, name: str) -> None:
    answer = annotated(file(), RenderOptions(encoding))
    assert answer.media_type == encoding
    assert opened(answer).format == name
    assert opened(answer).size == (512, 512)
    assert (answer.picture.name, answer.picture.width, len(answer.picture.faces)) == ("a.jpg", 512, 1)
    assert answer.times.total >= answer.times.decode
    assert 0 < answer.render_ms <= answer.times.total


def test_a_large_picture_is_drawn_on_a_smaller_copy() -> None:
    answer = annotated(file(4200), RenderOptions(Encoding.JPEG))
    assert opened(answer).size == (LONGEST_SIDE, LONGEST_SIDE)
    assert (answer.picture.width, answer.picture.height) == (4200, 4200)


def test_a_picture_that_was_reduced_for_the_models_is_drawn_whole() -> None:
    assert opened(annotated(file(2000))).size == (2000, 2000)


@pytest.mark.parametrize("side", [512, 2000])
def test_the_faces_are_those_of_the_json_answer(side: int) -> None:
    decoder = PictureDecoder(DecodeLimits(), 2)
    inputs = [PictureInput("a.jpg", file(side))]
    plain = analyze_images(inputs, AnalyzeOptions(), engine=FakeEngine(), decoder=decoder)
    assert repr(annotated(file(side)).picture.faces) == repr(plain.pictures[0].faces)


class TwoFaces(FakeEngine):
    """A certain face at the left and a small, less certain one at the right, which strict options exclude."""

    def analyze(
        self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Iterator[FrameResult]:
        for result in super().analyze(frames, options, cancellation):
            faces = (
                make_face(Box(60, 60, 120, 160)),
                replace(make_face(Box(380, 90, 30, 40)), confidence=0.3),
            )
            min_score = 0.25 if options.min_confidence is None else options.min_confidence
            kept = [face for face in faces if face.confidence >= min_score and face.box.width >= options.min_face]
            yield replace(result, faces=tuple(kept[: options.max_faces]))


@pytest.mark.parametrize(
    "options", [AnalyzeOptions(max_faces=1), AnalyzeOptions(min_face=100), AnalyzeOptions(min_confidence=0.9)]
)
def test_redaction_also_hides_faces_that_are_not_reported(options: AnalyzeOptions) -> None:
    data = file(512, "PNG")
    plain = np.asarray(opened(annotated(data, options=options, engine=TwoFaces())).convert("RGB"))
    answer = annotated(data, RenderOptions(redact=True), options, TwoFaces())
    hidden = np.asarray(opened(answer).convert("RGB"))
    assert len(answer.picture.faces) == 1
    for region in (np.s_[90:200, 80:160], np.s_[92:128, 382:408]):
        assert len(np.unique(hidden[region].reshape(-1, 3), axis=0)) <= 25
        assert len(np.unique(plain[region].reshape(-1, 3), axis=0)) > 100
    assert np.array_equal(hidden[300:], plain[300:])


def test_redaction_leaves_no_engine_call_open() -> None:
    engine = FakeEngine()
    annotated(file(), RenderOptions(redact=True), engine=engine)
    assert engine.load().calls == 0


def test_heat_is_drawn_if_requested() -> None:
    plain = np.asarray(opened(annotated(file())))
    warm = np.asarray(opened(annotated(file(), options=AnalyzeOptions(explain=True))))
    assert np.abs(plain.astype(int) - warm).max() > 40


def test_a_picture_that_cannot_be_read_has_no_answer() -> None:
    with pytest.raises(CorruptMedia):
        annotated(file()[:300])
    known = InvalidRequest("not base64")
    with pytest.raises(InvalidRequest) as caught:
        annotate_image(
            PictureInput(None, known),
            AnalyzeOptions(),
            RenderOptions(),
            engine=FakeEngine(),
            decoder=PictureDecoder(DecodeLimits(), 1),
        )
    assert caught.value is known


@pytest.mark.parametrize("side", [512, 4200])
def test_the_decoded_picture_is_released_before_another_is_decoded(side: int) -> None:
    # The budget has memory for one decode, and two are needed.
    answer = annotate_image(
        PictureInput(None, file(side)),
        AnalyzeOptions(detector=DetectorMode.ACCURATE),
        RenderOptions(redact=True),
        Cancellation(time.monotonic() + 60),
        engine=FakeEngine(),
        decoder=PictureDecoder(DecodeLimits(max_pixels=side * side), 2),
    )
    assert answer.picture.width == side
