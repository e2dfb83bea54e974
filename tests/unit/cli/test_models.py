"""``mien models``, and the versions that every command takes."""

import json
from pathlib import Path

import pytest

import mien.cli.predict
import mien.cli.video
from mien.cli.main import main
from mien.cli.models import main_metrics
from mien.engine.local import EngineConfig
from mien.errors import ModelMissing
from mien.store import ModelStore, default_store
from tests.unit.test_store import put


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "store"
    for name in ("emotion", "face-detector"):
        put(root, "1", name=name)
        put(root, "2", name=name)
    monkeypatch.setenv("MIEN_STORE", str(root))
    return root


def serving(capsys: pytest.CaptureFixture[str]) -> set[tuple[str, str]]:
    assert main(["models"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    return {(row[0], row[1]) for row in rows if row[2] == "yes"}


@pytest.mark.usefixtures("store")
def test_the_newest_serve(capsys: pytest.CaptureFixture[str]) -> None:
    assert serving(capsys) == {("emotion", "2"), ("face-detector", "2")}


@pytest.mark.parametrize("command", ["predict", "video"])
def test_the_engine_of_a_command_gets_the_store_of_the_settings(
    command: str, store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[EngineConfig] = []

    def remember(config: EngineConfig) -> None:
        opened.append(config)
        raise ModelMissing("that is all that this test wants")

    monkeypatch.setattr(getattr(mien.cli, command), "open_engine", remember)
    (tmp_path / "input").write_bytes(b"")
    assert main([command, str(tmp_path / "input")]) == 1
    (config,) = opened
    assert config.store == store


def test_a_row_per_version_and_the_manifests_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "3", "metrics = {accuracy = 88.25}")
    assert main(["models", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["emotion", "3", "yes", "accuracy", "88.25"]
    assert main(["models", "--json", "--store", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["version"] == "3"


def test_the_main_metrics_come_in_a_fixed_order() -> None:
    detector = {"split": "x", "at_640": {"ap50": 0.9, "ap50_n": 9}, "at_320": {"recall": 0.5, "ap50": 0.95}}
    assert main_metrics(detector) == "at_320.ap50 0.95, at_640.ap50 0.9"
    assert main_metrics({"a": 1, "fer2013_accuracy": 72.14, "protocol_a_accuracy": 89.0}) == (
        "protocol_a_accuracy 89, fer2013_accuracy 72.14"
    )


def test_an_unknown_model_shows_its_first_metrics_and_no_counts() -> None:
    assert main_metrics({"x_n": 7, "x": 1.5, "ok": True, "y": {"n": 3, "z": 2}, "v": 4, "w": 5}) == "x 1.5, y.z 2, v 4"


@pytest.mark.parametrize("metrics", [None, {}, {"split": "valid"}, "none"])
def test_no_metrics_are_a_dash(metrics: object) -> None:
    assert main_metrics(metrics) == "-"


def test_every_bundled_model_has_a_short_line_of_metrics() -> None:
    models = ModelStore(default_store()).models
    assert len(models) >= 2
    for model in models:
        assert 1 < len(main_metrics(model.manifest.get("metrics"))) < 90, model.directory
