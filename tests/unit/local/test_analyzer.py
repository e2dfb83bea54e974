"""``mien.Analyzer`` and the functions of the module, with a fake engine."""

import io
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import mien
import mien.local.shared
from mien.domain import AnalyzeOptions
from mien.engine.local import EngineConfig
from mien.errors import InputError, InvalidOption, UnsupportedMedia
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.local.analyzer import Analyzer
from mien.results.inputs import Picture
from mien.usecases.analyze_image import PictureInput, analyze_images
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.usecases.picture_document import picture_document
from mien.usecases.video_document import analysis_chunks
from tests.clips import PatchEngine
from tests.fakes import FakeEngine

PIXELS = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)  # RGB
PNG = cv2.imencode(".png", PIXELS[..., ::-1])[1].tobytes()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    return path


def forms(photo: Path) -> dict[str, Picture]:
    return {
        "path": photo,
        "name": str(photo),
        "bytes": PNG,
        "file": io.BytesIO(PNG),
        "pillow": Image.fromarray(PIXELS),
    }


@pytest.mark.parametrize("form", ["path", "name", "bytes", "file", "pillow"])
def test_every_form_of_a_picture_gives_the_same_faces(form: str, photo: Path, analyzer: Analyzer) -> None:
    expected = analyzer.analyze(PIXELS, colour="rgb")
    assert len(expected.faces) == 2
    assert analyzer.analyze(forms(photo)[form]).faces == expected.faces
    assert analyzer.analyze(PIXELS[..., ::-1], colour="bgr").faces == expected.faces


def test_the_dictionary_is_the_document_of_the_api(photo: Path, analyzer: Analyzer, engine: FakeEngine) -> None:
    result = analyzer.analyze(photo)
    decoder = PictureDecoder(DecodeLimits(), 1)
    (picture,) = analyze_images(
        [PictureInput("photo.png", PNG)], AnalyzeOptions(), engine=engine, decoder=decoder
    ).pictures
    assert result.to_dict() == json.loads(json.dumps(picture_document(picture)))
    assert list(result.to_dict()) == list(picture_document(picture))
    assert mien.PictureResult.from_dict(result.to_dict()) == result


def test_a_bad_picture_of_a_list_does_not_fail_the_others(photo: Path, tmp_path: Path, analyzer: Analyzer) -> None:
    results = analyzer.analyze([photo, b"text", tmp_path / "none.png", *[PNG] * 20])
    assert [result.index for result in results] == list(range(23))
    assert [bool(result.faces) for result in results] == [True, False, False, *[True] * 20]
    assert [result.error.code for result in results[1:3] if result.error] == ["unsupported_media", "bad_input"]
    assert results[1].to_dict()["error"] == {"code": "unsupported_media", "detail": results[1].error.detail}  # type: ignore[union-attr]
    with pytest.raises(UnsupportedMedia):
        analyzer.analyze(b"text")
    with pytest.raises(InputError, match=r"none\.png cannot be read"):
        analyzer.analyze(tmp_path / "none.png")


def test_what_is_no_picture_is_refused_with_what_to_do(analyzer: Analyzer) -> None:
    with pytest.raises(InvalidOption, match='colour="rgb"'):
        analyzer.analyze(PIXELS)
    with pytest.raises(InvalidOption, match='colour="rgb"'):
        analyzer.analyze([PIXELS])
    with pytest.raises(InputError, match="a path, bytes"):
        analyzer.analyze(17)  # type: ignore[call-overload]
    with pytest.raises(InputError, match=r"\(3,\)"):
        analyzer.analyze(np.zeros(3, np.uint8), colour="rgb")
    with pytest.raises(TypeError, match="no option 'fps'"):
        analyzer.analyze(PNG, fps=5)  # type: ignore[call-overload]


def test_options_of_the_analyzer_hold_unless_a_call_has_its_own(engine: FakeEngine) -> None:
    with Analyzer(labels="basic5", max_faces=1, fps=2) as analyzer:
        assert len(analyzer.analyze(PNG).faces) == 1
        assert len(analyzer.analyze(PNG, max_faces=2).faces) == 2
        assert engine.options is not None
        assert engine.options.labels == "basic5"
    assert engine.closed
    for wrong in ({"labels": "none"}, {"min_face": 0}, {"min_confidence": 2}, {"max_faces": 0}, {"fps": "often"}):
        with pytest.raises(InvalidOption, match=next(iter(wrong))):
            Analyzer(**wrong)  # type: ignore[arg-type]


def test_an_analyzer_chooses_what_runs_the_models(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> None:
    opened: list[EngineConfig] = []
    monkeypatch.setattr("mien.local.models.open_engine", lambda config: opened.append(config) or engine)
    monkeypatch.setenv("MIEN_PROVIDER", "openvino")
    Analyzer().close()
    Analyzer(provider="cuda").close()
    assert [config.provider for config in opened] == ["openvino", "cuda"]
    with pytest.raises(InvalidOption, match="--provider"):
        Analyzer(provider="tpu")  # type: ignore[arg-type]


def test_a_clip_is_the_document_of_the_api(clip: Path) -> None:
    with Analyzer() as analyzer:
        result = analyzer.analyze_video(clip)
        times: list[float] = []
        again = analyzer.analyze_video(clip.read_bytes(), progress=lambda time, _: times.append(time))
        frames = list(analyzer.frames(io.BytesIO(clip.read_bytes())))
    analysis = analyze_video(clip, AnalyzeOptions(), VideoOptions(), engine=PatchEngine())
    after = {"models": {"emotion": "1", "face-detector": "1"}, "timing_ms": result.timing_ms}
    assert result.to_dict() == json.loads("".join(analysis_chunks(analysis, {}, after)))
    assert result == again == mien.ClipResult.from_dict(result.to_dict())
    assert tuple(frames) == result.timeline
    assert times == [row.time for row in result.timeline]
    assert [person.dominant for person in result.people] == ["happy"]
    assert len(result.faces) == 10


def test_a_list_of_clips(clip: Path, tmp_path: Path) -> None:
    with Analyzer(fps=2) as analyzer:
        assert [result.video.frames_analyzed for result in analyzer.analyze_video([clip, clip])] == [6, 6]
        with pytest.raises(InputError, match="there is no file"):
            analyzer.analyze_video(tmp_path / "none.mp4")


@pytest.mark.usefixtures("engine")
def test_the_module_shares_one_analyzer_per_process() -> None:
    mien.local.shared._shared.cache_clear()
    try:
        assert mien.analyze(PNG) == mien.analyze(PNG)
        assert mien.local.shared._shared.cache_info().misses == 1
        child = os.fork()
        if child == 0:
            mien.analyze(PNG)
            os._exit(mien.local.shared._shared.cache_info().misses)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    finally:
        mien.local.shared._shared.cache_clear()
