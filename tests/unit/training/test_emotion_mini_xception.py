"""The peer that ours is timed beside has the peer's size (needs onnx)."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from training.emotion import mini_xception, timing
from training.emotion.session import open_session


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mini") / "mini.onnx"
    path.write_bytes(mini_xception.build().SerializeToString())
    return path


def test_it_has_the_published_number_of_parameters():
    assert mini_xception.parameters(mini_xception.build()) == 58_423


def test_it_gives_seven_probabilities_a_face(file: Path):
    faces = np.random.default_rng(0).random((3, 64, 64, 1), dtype=np.float32)
    probabilities = open_session(file).run(None, {"images": faces})[0]
    assert probabilities.shape == (3, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_it_can_be_raced(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timing, "FACES", 3)
    assert set(timing.race({"mini": file}, batches=(1,))["mini"]) == {"batch_1", "batch_1_fast", "batch_1_cold"}
