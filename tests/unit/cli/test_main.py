"""The command line, with a fake engine behind ``predict``."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import service.cli.predict
from service.cli.main import main
from tests.fakes import FakeEngine


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", np.full((240, 320, 3), 90, np.uint8))[1].tobytes())
    return path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine(faces=2)
    monkeypatch.setattr(service.cli.predict, "open_engine", lambda _: engine)
    return engine


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("mien ")


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["predict"], ["predict", "x", "--min-face", "0"], ["predict", "x", "--max-faces", "1e3"]],
)
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: mien" in capsys.readouterr().err


def test_a_table_of_faces(photo: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(photo)]) == 0
    head, rule, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["picture", "face"]
    assert set(rule) == {"-", " "}
    assert [row.split()[:2] for row in rows] == [["photo.png", "1"], ["photo.png", "2"]]
    assert engine.closed


def test_json_is_one_object_a_picture(photo: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--json", str(photo), str(photo)]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(found["faces"]) for found in objects] == [2, 2]
    assert objects[0]["faces"][0]["scores"]
    assert engine.seen == 2


def test_annotated_pictures(photo: Path, engine: FakeEngine, tmp_path: Path) -> None:
    assert main(["predict", "--annotate", str(tmp_path / "out"), "--redact", str(photo)]) == 0
    assert (tmp_path / "out" / "photo.annotated.jpg").read_bytes().startswith(b"\xff\xd8")
    assert engine.closed


def test_what_cannot_be_read_is_said_and_the_rest_done(
    photo: Path, engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    assert main(["predict", str(tmp_path / "missing.jpg"), str(text), str(photo)]) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 2
    assert said.out.count("photo.png") == 2
    assert engine.closed


def test_no_face(photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(service.cli.predict, "open_engine", lambda _: FakeEngine(faces=0))
    assert main(["predict", str(photo)]) == 0
    assert "no face" in capsys.readouterr().out


def test_a_store_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["models"], ["predict", "x.jpg"]):
        assert main([*command, "--store", str(tmp_path / "nowhere")]) == 1
        error = capsys.readouterr().err
        assert error.startswith("mien: ")
        assert error.count("\n") == 1


def test_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "emotion" / "3"
    folder.mkdir(parents=True)
    manifest = (
        'name = "emotion"\nversion = "3"\nfile = "m"\nsha256 = "0"\n[input]\n[outputs]\n[metrics]\naccuracy = 88.25\n'
    )
    (folder / "manifest.toml").write_text(manifest)
    assert main(["models", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["emotion", "3", "yes", "accuracy", "88.25"]
    assert main(["models", "--json", "--store", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["version"] == "3"


def test_a_bad_setting_is_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MIEN_WORKERS", "none")
    assert main(["serve"]) == 2
    assert capsys.readouterr().err.startswith("mien: MIEN_WORKERS cannot be used")
