"""``mien video``, with a fake engine behind it."""

import csv
import io
import json
from pathlib import Path

import cv2
import pytest
from PIL import Image

import mien.cli.video
from mien.cli.main import main
from mien.cli.progress import progress
from mien.video.model import Sampling
from tests.clips import PatchEngine, Recipe, moving, scene, steps, write_clip
from tests.permissions import open_folder, without_privileges


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mien.cli.video, "open_engine", lambda _: PatchEngine())
    pictures = [*moving(25), *[scene(160, 120)] * 25]
    return write_clip(tmp_path / "clip.mp4", steps(50), pictures)


def no_engine(_: object) -> PatchEngine:
    raise AssertionError("the engine was opened for a call that was bound to fail")


def test_a_table_of_people(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(clip)]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "person"
    for name in ("first seen", "last seen", "screen time", "dominant", "mean score", "segments"):  # as in the JSON
        assert name in head
    assert "share" not in head  # a part of the time in the JSON
    assert row.split() == ["1", "0.00", "s", "0.80", "s", "1.00", "s", "happy", "0.90", "1"]


def test_json_is_the_same_bytes_every_time(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for _ in range(2):
        assert main(["video", str(clip), "--json", "--fps", "native"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert len(json.loads(texts[0])["timeline"]) == 50


def test_csv(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(clip), "--csv", "--start", "0.5", "--end", "1.5"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["time"] for row in rows] == ["0.520", "0.600", "0.800", "1.000", "1.200", "1.400"]


def test_files(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(clip), "--plot", str(clip.with_name("plot.png"))]) == 0
    assert cv2.imread(str(clip.with_name("plot.png"))).shape[1] == 1200
    assert main(["video", "--plot", str(clip.with_name("OTHER.PNG")), str(clip)]) == 0
    assert cv2.imread(str(clip.with_name("OTHER.PNG"))).shape[1] == 1200
    assert main(["video", str(clip), "--plot", str(clip.with_name("wide.png")), "--width", "2000"]) == 0
    assert cv2.imread(str(clip.with_name("wide.png"))).shape[1] == 2000
    assert main(["video", str(clip), "--annotate", str(clip.with_name("out.mp4"))]) == 0
    assert clip.with_name("out.mp4").stat().st_size > 1000
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("wrote") == 4


def test_sound_that_is_left_out_is_reported(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(clip, steps(50), moving(50), Recipe(form="matroska", sound="ac3"))
    clip.write_bytes(clip.read_bytes().replace(b"A_AC3", b"A_XYZ"))
    target = clip.with_name("out.mp4")
    assert main(["video", str(clip), "--annotate", str(target)]) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"mien: {clip}: The clip's sound cannot be read; it was left out.",
        f"wrote {target}",
    ]


def test_wrong_usage(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(clip.with_name("none.mp4"))]) == 1
    assert main(["video", str(clip), "--annotate", str(clip)]) == 1
    assert main(["video", str(clip), "--annotate", str(clip.parent / "no" / "out.mp4")]) == 1
    assert main(["video", str(clip), "--start", "9"]) == 2
    assert main(["video", str(clip), "--fps", "0"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 5
    assert all(line.startswith("mien: ") for line in errors)
    for wrong in (["--fps", "often"], ["--json", "--csv"]):
        assert main(["video", str(clip), *wrong]) == 2


def test_a_clip_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mien.cli.video, "open_engine", no_engine)
    with open_folder() as folder:
        closed = write_clip(folder / "clip.mp4", steps(5), moving(5))
        hidden = folder / "inner" / "clip.mp4"
        hidden.parent.mkdir(0)
        closed.chmod(0)
        with without_privileges():
            assert [main(["video", str(path)]) for path in (closed, hidden, folder)] == [1, 1, 1]
        assert capsys.readouterr().err.splitlines() == [
            f"mien: {closed} cannot be read: Permission denied",
            f"mien: {hidden} cannot be read: Permission denied",
            f"mien: {hidden.parent} cannot be read: Permission denied",
        ]
        hidden.parent.chmod(0o700)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--width", "2000"], "add --plot"), (["--plot", "x.png", "--width", "10"], "1000<=x<=6000")],
)
def test_a_width_is_that_of_a_plot(
    clip: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.setattr(mien.cli.video, "open_engine", no_engine)
    assert main(["video", str(clip), *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--plot", "CLIP"], ["CLIP", "--plot"], ["--plot", "CLIP", "--json"]])
def test_a_clip_is_not_taken_for_the_name_of_the_plot(
    clip: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["video", *(str(clip) if word == "CLIP" else word for word in arguments)]) == 2
    error = capsys.readouterr().err
    assert "'--plot'" in error
    assert "Missing argument" not in error


@pytest.mark.parametrize(("form", "suffix"), [("--plot", ".png"), ("--annotate", ".mp4")])
def test_another_suffix_is_refused_before_the_work(
    clip: Path, form: str, suffix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mien.cli.video, "open_engine", no_engine)
    for name in ("out.avi", "out.jpg", "out", "out.png.mkv"):
        target = clip.with_name(name)
        assert main(["video", str(clip), form, str(target)]) == 2
        assert f"Invalid value for '{form}': '{target}' does not end in {suffix}" in capsys.readouterr().err
        assert not target.exists()


@pytest.mark.parametrize(("form", "suffix"), [("--plot", ".png"), ("--annotate", ".mp4")])
def test_an_unwritable_output_is_reported_before_the_work(
    clip: Path, form: str, suffix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mien.cli.video, "open_engine", no_engine)
    folder = clip.with_name(f"folder{suffix}")
    folder.mkdir()
    for target in (clip.parent / "no" / f"out{suffix}", folder):
        assert main(["video", str(clip), form, str(target)]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"mien: cannot write {target}: ")
        assert error.count("\n") == 1


def test_the_clip_is_never_overwritten(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = clip.read_bytes()
    (clip.parent / "link.mp4").symlink_to(clip)
    (clip.parent / "link.png").symlink_to(clip)
    for form, name in (("--annotate", "clip.mp4"), ("--annotate", "link.mp4"), ("--plot", "link.png")):
        assert main(["video", str(clip), form, str(clip.parent / name)]) == 1
        error = capsys.readouterr().err
        assert error.startswith("mien: ")
        assert "is an input itself" in error
    assert clip.read_bytes() == before


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_a_picture_gets_a_hint_at_the_other_command(
    clip: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = clip.with_name(f"photo{suffix}")
    Image.new("RGB", (64, 48)).save(picture)
    assert main(["video", str(picture)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"mien: {picture}: ")
    assert error.endswith(f"use mien predict {picture}\n")


def test_a_file_of_neither_kind_gets_no_hint(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = clip.with_name("text.txt")
    text.write_text("hello")
    assert main(["video", str(text)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"mien: {text}: ")
    assert "mien predict" not in error


def test_the_progress_bar_on_a_terminal(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert main(["video", str(clip)]) == 0
    assert "clip.mp4 " in terminal.getvalue()
    assert "x real time" in terminal.getvalue()


def test_the_progress_of_a_clip_of_unknown_length(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress("drawing", Sampling(), None) as advance:
        for position in (0.0, 0.2, 0.4):
            advance(position)
    assert "drawing " in terminal.getvalue()
    assert "x real time" in terminal.getvalue()
    assert "%" not in terminal.getvalue()


def test_no_progress_bar_where_there_is_no_terminal(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(clip)]) == 0
    assert capsys.readouterr().err == ""
