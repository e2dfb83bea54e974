"""Several outputs in one run, standard input and output, with a fake engine."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet
import pytest
from pympi.Elan import Eaf

import mien.cli.predict
import mien.cli.video
from mien.cli.main import main
from tests.clips import PatchEngine, moving, steps, write_clip
from tests.fakes import FakeEngine


class Stdin:
    """Standard input that holds ``content``."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mien.cli.predict, "open_engine", lambda _: FakeEngine(faces=2))
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", np.full((240, 320, 3), 90, np.uint8))[1].tobytes())
    return path


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mien.cli.video, "open_engine", lambda _: PatchEngine())
    return write_clip(tmp_path / "clip.mp4", steps(25), moving(25))


def test_every_output_of_a_clip_in_one_run(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = "json", "csv", "parquet", "eaf", "vtt", "methods", "plot"
    suffixes = {"methods": "txt", "plot": "png"}
    files = {name: clip.with_name(f"out.{suffixes.get(name, name)}") for name in names}
    files |= {"boris": clip.with_name("out.tsv"), "annotate": clip.with_name("out.mp4")}
    assert main(["video", str(clip), *(word for name, file in files.items() for word in (f"--{name}", str(file)))]) == 0
    assert capsys.readouterr().out == ""
    people = json.loads(files["json"].read_text())["people"]
    table = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert [row["frame"] for row in table] == ["0", "5", "10", "15", "20"]
    assert pyarrow.parquet.read_table(files["parquet"]).num_rows == 5
    tier = Eaf(str(files["eaf"])).get_annotation_data_for_tier("Person 1")
    assert [(start / 1000, end / 1000, emotion) for start, end, emotion, *_ in tier] == [
        (segment["start"], segment["end"], segment["emotion"]) for segment in people[0]["segments"]
    ]
    assert files["boris"].read_text().startswith("0.000\tPerson 1\thappy\t")
    assert files["vtt"].read_text().startswith("WEBVTT\n")
    assert "5 frames per second" in files["methods"].read_text()
    assert cv2.imread(str(files["plot"])).shape[1] == 1200
    assert files["annotate"].stat().st_size > 1000


def test_every_output_of_pictures_in_one_run(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: photo.with_name(f"out.{name}") for name in ("json", "csv", "parquet")}
    outputs = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    assert main(["predict", str(photo), str(photo), *outputs, "--annotate", str(photo.with_name("out"))]) == 0
    assert capsys.readouterr().out == ""
    documents = [json.loads(line) for line in files["json"].read_text().splitlines()]
    assert [document["index"] for document in documents] == [0, 1]
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert [(row["index"], row["face"], row["picture"]) for row in rows] == [
        (index, face, str(photo)) for index in "01" for face in "12"
    ]
    assert pyarrow.parquet.read_table(files["parquet"]).column("face").to_pylist() == [1, 2, 1, 2]
    assert len(list(photo.with_name("out").iterdir())) == 2


def test_a_name_after_a_printing_option_is_an_input_unless_it_is_of_the_format(
    photo: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--json", str(photo)]) == 0
    assert json.loads(capsys.readouterr().out)["picture"] == str(photo)
    assert main(["video", "--csv", str(clip)]) == 0
    assert capsys.readouterr().out.startswith("time,frame,person")
    assert main(["predict", "--csv", "-", str(photo)]) == 0
    assert capsys.readouterr().out.startswith("index,picture,error,face")
    assert main(["predict", "--methods", str(photo)]) == 0
    assert "Pictures were analysed with Mien" in capsys.readouterr().out


def test_two_outputs_in_one_place_are_refused(photo: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(photo), "--json", "--csv"]) == 2
    assert "Two outputs go to standard output" in capsys.readouterr().err
    assert main(["video", str(clip), "--json", "-", "--annotate", "-"]) == 2
    assert "Two outputs go to standard output" in capsys.readouterr().err


def test_standard_input(
    photo: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(photo.read_bytes()))
    assert main(["predict", "-", "--json", "--annotate", str(photo.with_name("out"))]) == 0
    assert json.loads(capsys.readouterr().out)["picture"] == "-"
    assert photo.with_name("out").joinpath("stdin.annotated.jpg").exists()
    monkeypatch.setattr(sys, "stdin", Stdin(clip.read_bytes()))
    assert main(["video", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clip"] == "-"
    monkeypatch.setattr(sys, "stdin", Stdin(b"text"))
    assert main(["video", "-"]) == 1
    assert capsys.readouterr().err.startswith("mien: -: ")


@pytest.mark.usefixtures("clip")
def test_binary_standard_output(clip: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for option, start in (("--plot", b"\x89PNG"), ("--annotate", b"\x00\x00\x00"), ("--eaf", b"<?xml")):
        assert main(["video", str(clip), option, "-"]) == 0
        sys.stdout.flush()
        assert capfdbinary.readouterr().out.startswith(start)


def test_a_missing_pyarrow_is_one_sentence(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["predict", str(photo), "--parquet", str(photo.with_name("out.parquet"))]) == 2
    assert capsys.readouterr().err == "mien: Parquet needs pyarrow: pip install 'mien[parquet]'\n"


@pytest.mark.parametrize("module", ["main", "predict", "video"])
def test_only_a_server_needs_httpx(module: str) -> None:
    code = f"import sys; import mien.cli.{module}; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
