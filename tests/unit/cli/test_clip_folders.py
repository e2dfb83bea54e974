"""Several clips in one run, with a fake engine."""

import json
from pathlib import Path

import av
import pytest

import mien.cli.video
from mien.cli.main import main
from mien.domain import Box, U8Array
from tests.clips import PatchEngine, moving, scene, steps, write_clip


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three clips, two of one name, and what is none."""
    monkeypatch.setattr(mien.cli.video, "open_engine", lambda _: PatchEngine())
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "clips"
    (folder / "in").mkdir(parents=True)
    for name in ("a.mp4", "a.mkv", "in/b.mp4"):
        write_clip(folder / name, steps(10), moving(10))
    (folder / "broken.mp4").write_text("none")
    (folder / "notes.txt").write_text("none")
    return folder


def files(folder: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.usefixtures("clips")
def test_several_clips_print_one_table_or_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", "clips/a.mp4", "clips/in"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("clip  ")
    assert [row.split()[0] for row in rows] == ["a.mp4", "b.mp4"]
    assert main(["video", "clips/a.mp4", "clips/in", "--json"]) == 0
    assert [json.loads(line)["clip"] for line in capsys.readouterr().out.splitlines()] == ["a.mp4", "b.mp4"]


@pytest.mark.usefixtures("clips")
def test_a_folder_of_clips_and_going_on(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["video", "clips", "--into", "out", "--csv", "--plot", "--annotate", "--redact"]
    assert main(run) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "mien: clips/broken.mp4: " in said.err
    ends = ("csv", "png", "redacted.mp4")
    assert files("out") == sorted(f"{name}.{end}" for name in ("a", "a-2", "in/b") for end in ends)
    times = {path: Path("out", path).stat().st_mtime_ns for path in files("out")}
    Path("out/in/b.png").unlink()
    Path("clips/broken.mp4").unlink()
    assert main([*run, "--resume"]) == 0
    assert "2 of 3 clips are done already" in capsys.readouterr().err
    again = {path: Path("out", path).stat().st_mtime_ns for path in files("out")}
    assert again.keys() == times.keys()
    assert {path for path in times if times[path] != again[path]} == {"in/b.csv", "in/b.png", "in/b.redacted.mp4"}


def test_redacted_clips_show_no_face(clips: Path) -> None:
    striped = scene(160, 120, Box(40, 40, 40, 40))
    striped[40:80:8, 40:80] = striped[41:80:8, 40:80] = striped[42:80:8, 40:80] = (120, 30, 160)
    write_clip(clips / "a.mp4", steps(10), [striped] * 10)

    def detail(name: str) -> list[float]:
        """How much the rows inside the face differ, in each frame."""
        with av.open(name) as file:
            pictures: list[U8Array] = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
        return [float(pixels[50:70, 50:70].astype(int).mean(axis=1).std(axis=0).max()) for pixels in pictures]

    assert main(["video", "clips/a.mp4", "--annotate", "drawn.mp4"]) == 0
    assert main(["video", "clips/a.mp4", "--annotate", "redacted.mp4", "--redact"]) == 0
    drawn, redacted = detail("drawn.mp4"), detail("redacted.mp4")
    assert len(redacted) == len(drawn) == 10
    assert max(redacted) < min(drawn) / 4


@pytest.mark.usefixtures("clips")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clips", "--csv"], "add --into FOLDER"),
        (["clips", "--plot", "x.png"], "add --into FOLDER"),
        (["clips", "--into", "out"], "needs an output"),
        (["clips", "--into", "out", "--csv", "x.csv"], "leave out x.csv"),
        (["clips", "--resume"], "add --into FOLDER"),
        (["clips/a.mp4", "--redact"], "add --annotate"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.usefixtures("clips")
def test_a_folder_without_clips(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert main(["video", "empty"]) == 1
    assert "no file of a known kind" in capsys.readouterr().err
