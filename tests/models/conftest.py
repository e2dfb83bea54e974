"""The shipped models behind a real engine, once a test run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien.domain import AnalyzeOptions, DetectorMode, FrameResult
from mien.engine.local import EngineConfig, LocalEngine, open_engine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "model_store"
PHOTOS = ROOT.parent / "shared" / "media" / "photos"

Look = Callable[..., FrameResult]


@pytest.fixture(scope="session")
def engine() -> Iterator[LocalEngine]:
    engine = open_engine(EngineConfig(STORE, workers=2))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def look(engine: LocalEngine) -> Look:
    """With the models that serve."""
    return looking_with(engine)


@pytest.fixture(scope="session")
def look_widely() -> Iterator[Look]:
    """The same with the wide emotion net for every face."""
    engine = open_engine(EngineConfig(STORE, workers=1, versions={"emotion": "3"}))
    yield looking_with(engine)
    engine.close()


def looking_with(engine: LocalEngine) -> Look:
    """Bytes of a picture file to the faces in it, as the service goes about it."""
    decoder = PictureDecoder(DecodeLimits(), concurrency=2)

    def look(data: bytes, options: AnalyzeOptions | None = None) -> FrameResult:
        options = options or AnalyzeOptions(detector=DetectorMode.FAST)
        frame = decoder.decode(data, detector_side=engine.detector_side(options.detector))
        (result,) = engine.analyze([frame], options)
        return result

    return look


@pytest.fixture
def photo() -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        path = PHOTOS / name
        if not path.exists():
            pytest.skip("../shared/media/photos is not here")
        return path.read_bytes()

    return read
