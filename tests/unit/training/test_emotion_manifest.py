"""The emotion model in the store keeps its contract."""

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

from training.emotion.data import BASIC7, FERPLUS8

STORE = Path(__file__).parents[3] / "model_store" / "emotion"


@pytest.fixture(scope="module", params=sorted(path.name for path in STORE.iterdir()))
def folder(request: pytest.FixtureRequest) -> Path:
    return STORE / request.param


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict:
    return tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))


def test_the_manifest_describes_the_file(folder: Path, manifest: dict):
    assert hashlib.sha256((folder / manifest["file"]).read_bytes()).hexdigest() == manifest["sha256"]
    assert tuple(manifest["heads"]["ferplus8"]["labels"]) == FERPLUS8
    assert tuple(manifest["heads"]["fer2013"]["labels"]) == BASIC7
    assert (folder / "CARD.md").is_file()


def test_the_graph_keeps_its_contract(folder: Path, manifest: dict):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(folder / manifest["file"]), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1), dtype=np.uint8)
    names = [output["name"] for output in manifest["outputs"]]
    together = session.run(names, {"images": images})
    for declared, value in zip(manifest["outputs"], together, strict=True):
        assert value.dtype == np.float32
        assert list(value.shape) == [3, *declared["shape"][1:]]
    for index in range(3):
        alone = session.run(names, {"images": images[index : index + 1]})
        for one, many in zip(alone, together, strict=True):
            assert (one[0] == many[index]).all()  # a face's bits do not depend on its batch


def test_a_blank_face_gives_finite_scores(folder: Path, manifest: dict):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(folder / manifest["file"]), providers=["CPUExecutionProvider"])
    blank = np.full((1, 48, 48, 1), 128, dtype=np.uint8)
    assert all(np.isfinite(value).all() for value in session.run(None, {"images": blank}))
