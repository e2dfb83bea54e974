"""``mien live``, with a fake engine behind it, on a clip."""

import csv
import signal
import subprocess
import time
from pathlib import Path

import pytest

import mien.cli.live
from mien.cli.main import main
from tests.clips import PatchEngine, moving, scene, steps, write_clip
from tests.e2e.server import MIEN


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person for half a second, and half a second without one."""
    monkeypatch.setattr(mien.cli.live, "open_engine", lambda _: PatchEngine())
    return write_clip(tmp_path / "clip.mp4", steps(24), [*moving(12), *[scene(160, 120)] * 12])


def test_a_line_per_change(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--clip", str(clip), "--fps", "100"]) == 0
    captured = capsys.readouterr()
    came, left = captured.out.splitlines()
    assert came.split() == ["0.00", "s", "person", "1", "happy", "0.90"]
    seconds, words = left.split(" s  ")
    assert 0.4 < float(seconds) < 0.7
    assert words == "no person"
    assert "pictures analysed" in captured.err


def test_rows_as_they_come(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "out.csv"
    assert main(["live", "--clip", str(clip), "--fps", "20", "--csv", str(table), "--labels", "basic5"]) == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    times = [float(row["time"]) for row in rows]
    assert times == sorted(times)
    assert 5 < len(rows) < 22
    assert [row["person"] for row in rows][:3] == ["1"] * 3
    assert rows[-1]["person"] == ""
    assert list(rows[0])[-5:] == ["neutral", "happy", "surprise", "sad", "angry"]
    assert f"wrote {table}" in capsys.readouterr().err
    before = table.read_bytes()
    assert main(["live", "--clip", str(clip), "--csv", str(table)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--camera", "1", "--url", "rtsp://a"], 2, "only one"),
        (["--url", "ftp://a/b"], 2, "rtsp://"),
        (["--clip", "nowhere.mp4"], 1, "no file"),
        (["--camera", "97"], 1, "camera 97"),
        (["--csv", "out.txt"], 2, ".csv"),
        (["--fps", "0"], 2, "fps"),
    ],
)
@pytest.mark.usefixtures("clip")
def test_what_cannot_be_watched(arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", *arguments]) == code
    assert said in capsys.readouterr().err


def test_an_interrupt_is_the_usual_end(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", steps(500), [scene(64, 48)] * 500)
    table = tmp_path / "out.csv"
    command = [MIEN, "live", "--clip", clip, "--csv", table]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not table.exists() or table.read_text().count("\n") < 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0, err
    assert out.split(" s  ")[1] == "no person\n"
    assert "pictures analysed" in err
    assert "Traceback" not in err
    assert table.read_text().endswith("\n")
