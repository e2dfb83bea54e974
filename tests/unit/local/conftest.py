from collections.abc import Iterator
from pathlib import Path

import pytest

import mien.local.models
from mien.local.analyzer import Analyzer
from tests.clips import PatchEngine, moving, scene, steps, write_clip
from tests.fakes import FakeEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine(faces=2)
    monkeypatch.setattr(mien.local.models, "open_engine", lambda _: engine)
    return engine


@pytest.fixture
def analyzer(engine: FakeEngine) -> Iterator[Analyzer]:
    with Analyzer() as analyzer:
        yield analyzer
    assert engine.closed


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seconds of a moving patch, then one without."""
    monkeypatch.setattr(mien.local.models, "open_engine", lambda _: PatchEngine())
    return write_clip(tmp_path / "clip.mp4", steps(75), [*moving(50), *[scene(160, 120)] * 25])
