import io
import time
import weakref
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest
from PIL import Image

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, DetectorMode, Frame, FrameResult, U8Array
from mien.errors import CorruptMedia, DeadlineExceeded, InferenceFailed, InvalidRequest, Overloaded, UnsupportedMedia
from mien.images.decoder import PictureDecoder, no_check
from mien.images.limits import DecodeLimits
from mien.usecases.analyze_image import ImageAnalysis, PictureInput, analyze_images
from tests.fakes import FakeEngine


def png(level: int, size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(file, "PNG")
    return file.getvalue()


def analyze(
    *inputs: PictureInput, cancellation: Cancellation = NEVER_CANCELLED, engine: FakeEngine | None = None
) -> ImageAnalysis:
    decoder = PictureDecoder(DecodeLimits(), 2)
    return analyze_images(inputs, AnalyzeOptions(), cancellation, engine=engine or FakeEngine(), decoder=decoder)


def test_results_have_the_name_size_and_index_of_their_picture() -> None:
    analysis = analyze(
        PictureInput("a.png", png(10)), PictureInput(None, png(20, (30, 90))), engine=FakeEngine(faces=2)
    )
    first, second = analysis.pictures
    assert (first.index, first.name, first.width, first.height, len(first.faces), first.error) == (
        0,
        "a.png",
        64,
        48,
        2,
        None,
    )
    assert (second.index, second.name, second.width, second.height) == (1, None, 30, 90)


def test_one_bad_picture_does_not_fail_the_others() -> None:
    known = InvalidRequest("images[3] is not base64")
    inputs = [
        PictureInput("good", png(10)),
        PictureInput("text", b"hello"),
        PictureInput("cut", png(10)[:60]),
        PictureInput("base64", known),
        PictureInput("empty", b""),
        PictureInput("also good", png(200)),
    ]
    pictures = analyze(*inputs).pictures
    assert [picture.name for picture in pictures] == [given.name for given in inputs]
    assert [picture.index for picture in pictures] == list(range(6))
    assert [type(picture.error) for picture in pictures] == [
        type(None),
        UnsupportedMedia,
        CorruptMedia,
        InvalidRequest,
        InvalidRequest,
        type(None),
    ]
    assert pictures[3].error is known
    assert [len(picture.faces) for picture in pictures] == [1, 0, 0, 0, 0, 1]
    assert pictures[1].width is None
    alone = analyze(inputs[5]).pictures[0]
    assert repr(alone.faces) == repr(pictures[5].faces)


def test_a_picture_has_the_same_faces_alone_and_among_others() -> None:
    inputs = [PictureInput(str(level), png(level)) for level in range(0, 240, 15)]
    together = analyze(*inputs).pictures
    for given, picture in zip(inputs, together, strict=True):
        assert repr(analyze(given).pictures[0].faces) == repr(picture.faces)
    assert len({repr(picture.faces) for picture in together}) == len(inputs)


def test_a_request_of_bad_pictures_only_has_a_result() -> None:
    engine = FakeEngine()
    (picture,) = analyze(PictureInput(None, b"hello"), engine=engine).pictures
    assert isinstance(picture.error, UnsupportedMedia)
    assert engine.seen == 0


def test_no_pictures_at_all() -> None:
    assert analyze().pictures == ()


class Recording(PictureDecoder):
    """Records the arguments of each decode."""

    def __init__(self) -> None:
        super().__init__(DecodeLimits(), 2)
        self.calls: list[tuple[int | None, float | None]] = []

    def decode(
        self,
        data: bytes,
        *,
        detector_side: int | None = None,
        deadline: float | None = None,
        check: Callable[[], None] = no_check,
    ) -> Frame:
        self.calls.append((detector_side, deadline))
        return super().decode(data, detector_side=detector_side, deadline=deadline, check=check)


def test_pictures_are_decoded_as_the_engine_draws_them() -> None:
    decoder = Recording()
    decoded: list[int] = []

    class Drawing(FakeEngine):
        def analyze(
            self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
        ) -> Iterator[FrameResult]:
            decoded.append(len(decoder.calls))
            for result in super().analyze(frames, options, cancellation):
                decoded.append(len(decoder.calls))
                yield result

    inputs = [PictureInput(None, png(level)) for level in (1, 2, 3)]
    analyze_images(inputs, AnalyzeOptions(), engine=Drawing(), decoder=decoder)
    assert decoded == [0, 1, 2, 3]


def test_a_picture_is_freed_before_the_next_is_decoded() -> None:
    pixels: list[weakref.ref[U8Array]] = []

    class Remembering(Recording):
        def decode(
            self,
            data: bytes,
            *,
            detector_side: int | None = None,
            deadline: float | None = None,
            check: Callable[[], None] = no_check,
        ) -> Frame:
            assert all(ref() is None for ref in pixels)
            frame = super().decode(data, detector_side=detector_side, deadline=deadline, check=check)
            pixels.append(weakref.ref(frame.pixels))
            return frame

    class Forgetting(FakeEngine):
        def analyze(
            self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
        ) -> Iterator[FrameResult]:
            return map(self._result, frames)  # a generator's variable would hold the frame

        def _result(self, frame: Frame) -> FrameResult:
            return FrameResult(frame.width, frame.height, ())

    inputs = [PictureInput(None, png(level)) for level in (1, 2, 3)]
    analyze_images(inputs, AnalyzeOptions(), engine=Forgetting(), decoder=Remembering())
    assert len(pixels) == 3


def test_frames_carry_the_index_of_their_picture() -> None:
    indices: list[int] = []

    class Noting(FakeEngine):
        def analyze(
            self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
        ) -> Iterator[FrameResult]:
            for result in super().analyze(frames, options, cancellation):
                indices.append(result.index)
                yield result

    analyze(PictureInput(None, png(1)), PictureInput(None, b"x"), PictureInput(None, png(2)), engine=Noting())
    assert indices == [0, 2]


@pytest.mark.parametrize(
    ("mode", "side"), [(DetectorMode.FAST, 320), (DetectorMode.AUTO, 1280), (DetectorMode.ACCURATE, 2560)]
)
def test_the_decoder_gets_the_detector_side_and_the_deadline(mode: DetectorMode, side: int) -> None:
    decoder, deadline = Recording(), time.monotonic() + 60
    options, cancellation = AnalyzeOptions(detector=mode), Cancellation(deadline)
    analyze_images([PictureInput(None, png(1))], options, cancellation, engine=FakeEngine(), decoder=decoder)
    assert decoder.calls == [(side, deadline)]


def test_a_deadline_that_passes_fails_the_request_and_not_a_picture() -> None:
    engine = FakeEngine()
    with pytest.raises(DeadlineExceeded):
        analyze(PictureInput(None, png(1)), cancellation=Cancellation(time.monotonic() - 1), engine=engine)
    assert engine.load().calls == 0


@pytest.mark.parametrize("error", [Overloaded("full"), InferenceFailed("a run failed")])
def test_errors_of_the_service_fail_the_request(error: Overloaded | InferenceFailed) -> None:
    with pytest.raises(type(error)):
        analyze(PictureInput(None, png(1)), engine=FakeEngine(error=error))


def test_times_are_summed_over_the_pictures() -> None:
    times = analyze(*(PictureInput(None, png(level, (800, 600))) for level in (1, 2, 3))).times
    assert (times.detect, times.classify) == (3.0, 1.5)
    assert times.queue == pytest.approx(0.3)
    assert 0 < times.decode <= times.total < 10_000


def test_results_are_frozen() -> None:
    picture = analyze(PictureInput(None, png(1))).pictures[0]
    with pytest.raises(AttributeError):
        picture.name = "other"  # type: ignore[misc]
    assert np.isfinite(picture.faces[0].score)
