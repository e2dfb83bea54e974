import hashlib
from pathlib import Path

import pytest

from mien.errors import ModelChanged, ModelMissing, ModelUnreadable
from mien.store import ModelStore

GRAPH = b"not a graph, but bytes with a digest"


def put(root: Path, version: str, extra: str = "", *, name: str = "emotion", digest: str | None = None) -> Path:
    folder = root / name / version
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(GRAPH)
    digest = digest or hashlib.sha256(GRAPH).hexdigest()
    (folder / "manifest.toml").write_text(
        f'name = "{name}"\nversion = "{version}"\nfile = "model.onnx"\nsha256 = "{digest}"\n{extra}\n'
        'outputs = []\n[input]\nname = "images"\n'
    )
    return folder


def test_picks_the_newest_version_by_number(tmp_path: Path) -> None:
    for version in ("9", "10", "1"):
        put(tmp_path, version)
    store = ModelStore(tmp_path)
    assert store.pick("emotion").version == "10"
    assert [model.version for model in store.models] == ["1", "9", "10"]


def test_reads_the_graph_that_the_manifest_describes(tmp_path: Path) -> None:
    put(tmp_path, "1")
    assert ModelStore(tmp_path).pick("emotion").read_graph() == GRAPH


def test_a_changed_graph_is_refused(tmp_path: Path) -> None:
    folder = put(tmp_path, "1")
    (folder / "model.onnx").write_bytes(GRAPH + b"!")
    with pytest.raises(ModelChanged, match="restore the model store"):
        ModelStore(tmp_path).pick("emotion").read_graph()


def test_a_missing_graph_is_named(tmp_path: Path) -> None:
    folder = put(tmp_path, "1")
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelMissing, match=r"model\.onnx"):
        ModelStore(tmp_path).pick("emotion").read_graph()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    put(tmp_path, "1")
    with pytest.raises(ModelMissing, match="detector"):
        ModelStore(tmp_path).pick("detector")


def test_a_missing_store_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="MIEN_STORE"):
        ModelStore(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["name = ", 'name = "emotion"', "\x00"])
def test_a_broken_manifest_is_named(tmp_path: Path, text: str) -> None:
    folder = put(tmp_path, "1")
    (folder / "manifest.toml").write_text(text)
    with pytest.raises(ModelUnreadable, match=r"manifest\.toml"):
        ModelStore(tmp_path)


def test_a_missing_section_is_named(tmp_path: Path) -> None:
    put(tmp_path, "1")
    with pytest.raises(ModelUnreadable, match=r"\[heads\]"):
        ModelStore(tmp_path).pick("emotion").section("heads")
