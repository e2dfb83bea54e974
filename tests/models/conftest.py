"""The shipped models behind a real engine, once per test run, and photographs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien.domain import AnalyzeOptions, FrameResult
from mien.engine.local import EngineConfig, LocalEngine, open_engine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.settings import EngineSettings
from tests.models.astronauts import COMPOSED, png

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "model_store"
PHOTOS = ROOT.parent / "shared" / "media" / "photos"

Predict = Callable[..., FrameResult]


@pytest.fixture(scope="session")
def engine() -> Iterator[LocalEngine]:
    engine = open_engine(EngineConfig(STORE, workers=2, provider=EngineSettings.load().provider))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def predict(engine: LocalEngine) -> Predict:
    """With the default models."""
    return predictor_of(engine)


def predictor_of(engine: LocalEngine) -> Predict:
    """From the bytes of a picture file to its result, as the service does it."""
    decoder = PictureDecoder(DecodeLimits(), concurrency=2)

    def predict(data: bytes, options: AnalyzeOptions | None = None) -> FrameResult:
        options = options or AnalyzeOptions()
        frame = decoder.decode(data, detector_side=engine.detector_side(options.detector))
        (result,) = engine.analyze([frame], options)
        return result

    return predict


@pytest.fixture
def photo() -> Callable[[str], bytes]:
    """The file of a shared photograph, skipping the test if it is missing, or of a composed picture."""

    def read(name: str) -> bytes:
        if name in COMPOSED:
            return png(COMPOSED[name]())
        path = PHOTOS / name
        if not path.exists():
            pytest.skip("../shared/media/photos is not here")
        return path.read_bytes()

    return read
