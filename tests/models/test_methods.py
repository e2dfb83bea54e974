"""The paragraph for a paper names the models that are there, and how good they are."""

from pathlib import Path

import cv2
import skimage.data

import mien
from mien.store import ModelStore, default_store


def test_the_paragraph_names_models_and_accuracy(tmp_path: Path) -> None:
    path = tmp_path / "astronaut.png"
    path.write_bytes(cv2.imencode(".png", skimage.data.astronaut()[..., ::-1])[1].tobytes())
    with mien.Analyzer(workers=1) as analyzer:
        result = analyzer.analyze(path)
    assert result.faces[0].emotion == "happy"
    text = result.methods()
    store = ModelStore(default_store())
    for name in ("emotion", "face-detector"):
        model = store.pick(name)
        assert f"{name} version {model.version}, SHA-256 {model.manifest['sha256']}" in text
    assert f"{store.pick('emotion').manifest['metrics']['protocol_a_accuracy']:g} %" in text
    assert f"confidence of at least {store.pick('face-detector').manifest['detector']['threshold']:g}" in text
    assert "doi:10.1145/2993148.2993165" in text
    assert mien.__version__ in text
