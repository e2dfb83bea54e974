"""The command line, with a fake engine behind ``predict``."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import mien.cli.predict
import mien.cli.video
import mien.render.annotate
import mien.server.uvicorn_server
from mien.cli.main import main
from mien.domain import U8Array
from mien.engine.local import EngineConfig
from mien.errors import EngineClosed
from mien.render.labels import Label
from tests.clips import Recipe, moving, steps, write_clip
from tests.fakes import FakeEngine
from tests.permissions import open_folder, without_privileges


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", np.full((240, 320, 3), 90, np.uint8))[1].tobytes())
    return path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine(faces=2)
    monkeypatch.setattr(mien.cli.predict, "open_engine", lambda _: engine)
    return engine


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mien ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["predict"],
        ["predict", "x", "--min-face", "0"],
        ["predict", "x", "--max-faces", "1e3"],
        ["predict", "x", "--min-confidence", "nan"],
        ["predict", "x", "--json", "--csv"],
        ["predict", "x", "--parquet", "x.csv"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Usage: mien" in capsys.readouterr().err


def test_a_table_of_faces(photo: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(photo)]) == 0
    head, rule, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["picture", "face"]
    assert set(rule) == {"-", " "}
    assert [row.split()[:2] for row in rows] == [["photo.png", "1"], ["photo.png", "2"]]
    assert engine.closed


def test_json_is_one_object_per_picture(photo: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--json", str(photo), str(photo)]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(found["faces"]) for found in objects] == [2, 2]
    assert objects[0]["faces"][0]["scores"]
    assert engine.seen == 2


@pytest.mark.usefixtures("engine")
def test_a_truncated_picture_has_a_warning(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    data = cv2.imencode(".png", noise)[1].tobytes()
    photo.write_bytes(data[: len(data) // 2])
    assert main(["predict", str(photo), "--json"]) == 0
    said = capsys.readouterr()
    assert "% of the picture's rows are missing" in said.err
    assert json.loads(said.out)["warnings"] == [said.err.strip().removeprefix(f"mien: {photo}: ")]


def test_annotated_pictures(photo: Path, engine: FakeEngine, tmp_path: Path) -> None:
    assert main(["predict", "--annotate", str(tmp_path / "out"), "--redact", str(photo)]) == 0
    assert (tmp_path / "out" / "photo.redacted.jpg").read_bytes().startswith(b"\xff\xd8")
    assert engine.closed


@pytest.mark.usefixtures("engine")
def test_annotated_pictures_show_the_numbers_of_the_table(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[str] = []

    def write(_canvas: U8Array, label: Label, _colour: object) -> None:
        written.append(label.text)

    monkeypatch.setattr(mien.render.annotate, "draw_label", write)
    assert main(["predict", "--annotate", str(tmp_path / "out"), str(photo)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [text.split()[0] for text in written] == [row[1] for row in rows] == ["1", "2"]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("name", "start"), [("new.png", b"\x89PNG"), ("new.jpg", b"\xff\xd8"), ("new.JPEG", b"\xff\xd8")]
)
@pytest.mark.parametrize("first", [True, False])
def test_the_suffix_chooses_the_format_of_an_annotated_picture(
    photo: Path, tmp_path: Path, name: str, start: bytes, first: bool
) -> None:
    option = ["--annotate", str(tmp_path / name)]
    assert main(["predict", *(option if first else []), str(photo), *([] if first else option)]) == 0
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    "arguments", [["x.gif", "PHOTO"], ["PHOTO", "PHOTO"], ["PHOTO"], ["new.png", "PHOTO", "PHOTO"]]
)
def test_an_unusable_output_is_refused_before_the_work(
    photo: Path, engine: FakeEngine, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = photo.read_bytes()
    assert main(["predict", "--annotate", *(str(photo) if word == "PHOTO" else word for word in arguments)]) == 2
    assert "Missing argument" not in capsys.readouterr().err
    assert engine.seen == 0
    assert photo.read_bytes() == before


def test_replacing_the_output_of_an_earlier_run_is_reported(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mien.cli.predict, "open_engine", lambda _: FakeEngine(faces=2))
    run = ["predict", "--annotate", str(tmp_path), str(photo)]
    assert [main(run), main([*run, "--redact"])] == [0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {photo.name, "photo.annotated.jpg", "photo.redacted.jpg"}
    assert capsys.readouterr().err == ""
    assert main([*run, "--redact"]) == 0
    old = tmp_path / "photo.redacted.jpg"
    assert capsys.readouterr().err == f"mien: {photo}: replaced {old}, which existed already\n"


@pytest.mark.parametrize("form", ["mp4", "matroska"])
@pytest.mark.usefixtures("engine")
def test_a_clip_gets_a_hint_at_the_other_command(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "clip.any", steps(5), moving(5), Recipe(form=form))
    text = tmp_path / "text.txt"
    text.write_text("hello")
    assert main(["predict", str(clip), str(text)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"mien: {clip}: ")
    assert first.endswith(f"use mien video {clip}")
    assert "mien video" not in second


@pytest.mark.parametrize("command", ["predict", "video", "models", "serve", "worker"])
def test_an_unknown_option_shows_the_commands_usage(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--bogus", *(["x"] if command in ("predict", "video") else [])]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"Usage: mien {command} ")
    assert "--bogus" in error


@pytest.mark.parametrize(("option", "value"), [("--port", "99999"), ("--workers", "many"), ("--log-format", "xml")])
def test_an_option_of_serve_is_refused_by_its_own_name(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", option, value]) == 2
    assert capsys.readouterr().err.startswith(f"mien: {option} cannot be used (it is '{value}')")


@pytest.mark.parametrize(
    ("variables", "named"),
    [({}, "MIEN_DATABASE_URL"), ({"MIEN_DATABASE_URL": "postgresql://x", "MIEN_JOB_WORKERS": "0"}, "MIEN_JOB_WORKERS")],
)
def test_a_worker_without_work_is_refused(
    variables: dict[str, str], named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["worker"]) == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "video"])
def test_the_help_shows_every_default(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for default in ("auto", "8", "100", "ferplus8", *(("ema", "5") if command == "video" else ())):
        assert f"[default: {default}" in said


@pytest.mark.parametrize("option", ["--redact", "--explain"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_drawing_options_without_an_output_are_refused(
    photo: Path, engine: FakeEngine, option: str, form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", option, *form, str(photo)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"mien: {option} ")
    assert "--annotate OUT" in said.err
    assert engine.seen == 0


@pytest.mark.usefixtures("engine")
def test_pictures_of_the_same_name_get_a_file_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = []
    for shade, name in ((0, "s1/x.png"), (255, "s2/x.png"), (0, "s2/x.jpg")):
        picture = tmp_path / name
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(cv2.imencode(picture.suffix, np.full((240, 320, 3), shade, np.uint8))[1].tobytes())
        pictures.append(str(picture))
    pictures.insert(1, str(tmp_path / "s0" / "x.png"))
    out = tmp_path / "out"
    assert main(["predict", "--annotate", str(out), *pictures]) == 1
    # The second cannot be read; what the others are called does not hang on that.
    assert {path.name for path in out.iterdir()} == {f"x{number}.annotated.jpg" for number in ("", "-3", "-4")}
    assert cv2.imread(str(out / "x.annotated.jpg"))[-1, -1].max() < 20
    assert cv2.imread(str(out / "x-3.annotated.jpg"))[-1, -1].min() > 235
    assert f"mien: {pictures[2]}: its name was taken; wrote {out / 'x-3.annotated.jpg'}" in capsys.readouterr().err


def test_an_input_picture_is_never_overwritten(photo: Path, engine: FakeEngine) -> None:
    other = photo.with_name("photo.annotated.jpg")
    other.write_bytes(photo.read_bytes())
    assert main(["predict", "--annotate", str(photo.parent), str(photo), str(other)]) == 0
    assert other.read_bytes() == photo.read_bytes()
    assert engine.seen == 2


def test_the_help_explains_the_numbered_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--help"]) == 0
    assert "NAME-2" in capsys.readouterr().out


def test_unreadable_pictures_are_reported_and_the_rest_analysed(
    photo: Path, engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    assert main(["predict", str(tmp_path / "missing.jpg"), str(text), str(photo)]) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 2
    assert said.out.count("photo.png") == 2
    assert engine.closed


@pytest.mark.usefixtures("engine")
def test_a_picture_or_folder_without_permission_is_one_sentence(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_folder() as folder:
        closed = folder / "photo.png"
        closed.write_bytes(photo.read_bytes())
        closed.chmod(0)
        with without_privileges():
            assert main(["predict", str(closed)]) == 1
        assert capsys.readouterr().err == f"mien: {closed}: cannot be read: Permission denied\n"
        inner = folder / "inner"
        inner.mkdir(0)
        with without_privileges():
            assert main(["predict", str(folder)]) == 1
        assert capsys.readouterr().err == f"mien: {inner} cannot be read: Permission denied\n"
        inner.chmod(0o755)


def test_no_face(photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(mien.cli.predict, "open_engine", lambda _: FakeEngine(faces=0))
    assert main(["predict", str(photo)]) == 0
    assert "no face" in capsys.readouterr().out


def test_a_missing_store_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "nowhere")
    for command in (["models"], ["predict", "x.jpg"]):
        assert main([*command, "--store", nowhere]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"mien: --store cannot be used (it is '{nowhere}')")
        assert error.count("\n") == 1
    monkeypatch.setenv("MIEN_STORE", nowhere)
    assert main(["models"]) == 2
    assert capsys.readouterr().err.startswith(f"mien: MIEN_STORE cannot be used (it is '{nowhere}')")


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many workers each engine that was opened should have had."""
    asked: list[int] = []

    def ask(config: EngineConfig) -> FakeEngine:
        asked.append(config.workers)
        raise EngineClosed("that is all we want to know")

    for module in (mien.cli.predict, mien.cli.video):
        monkeypatch.setattr(module, "open_engine", ask)
    monkeypatch.delenv("MIEN_WORKERS", raising=False)
    return asked


@pytest.mark.parametrize("command", ["predict", "video"])
def test_workers_are_as_many_as_the_server_would_have(
    command: str, photo: Path, workers: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3}, raising=False)
    assert main([command, str(photo)]) == 1
    monkeypatch.setenv("MIEN_WORKERS", "5")
    assert main([command, str(photo)]) == 1
    assert workers == [1, 5]
    capsys.readouterr()
    for value in ("none", "0", "257", "1.5"):
        monkeypatch.setenv("MIEN_WORKERS", value)
        assert main([command, str(photo)]) == 2
        assert capsys.readouterr().err.startswith(f"mien: MIEN_WORKERS cannot be used (it is '{value}'): ")


def test_a_misspelt_setting_ends_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MIEN_API_KEY", "secret")
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == (
        "mien: MIEN_API_KEY is set, but there is no such setting; did you mean MIEN_API_KEYS?\n"
    )


def test_bad_settings_are_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def listen(_: object) -> None:
        raise AssertionError("a setting that cannot be used was accepted")

    monkeypatch.setattr(mien.server.uvicorn_server, "listen", listen)
    for name, value in (
        ("WORKERS", "none"),
        ("STORE", str(tmp_path)),
        ("SPOOL_DIR", str(tmp_path / "nowhere")),
        ("API_KEYS", " , "),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(f"MIEN_{name}", value)
            assert main(["serve"]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"mien: MIEN_{name} cannot be used")
        assert error.count("\n") == 1
