"""Folders, patterns and runs that go on, with a fake engine."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import mien.cli.predict
from mien.cli.inputs import CLIPS, PICTURES, expand
from mien.cli.main import main
from mien.cli.parallel import in_order
from mien.errors import EngineClosed, InputError
from tests.fakes import FakeEngine


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five pictures, two of them below the folder, and what is none."""
    folder = tmp_path / "photos"
    content = cv2.imencode(".png", np.full((120, 160, 3), 90, np.uint8))[1].tobytes()
    for name in ("b.png", "a.PNG", "c.jpg", "in/a.png", "in/deep/a.png", ".hidden.png", "a.annotated.jpg", "x.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine(faces=1)

    def reopen(_: object) -> FakeEngine:
        engine.closed = False
        return engine

    monkeypatch.setattr(mien.cli.predict, "open_engine", reopen)
    return engine


def pictures(path: Path) -> list[str]:
    return [json.loads(line)["picture"] for line in path.read_text().splitlines()]


@pytest.mark.usefixtures("photos")
def test_what_is_meant() -> None:
    def names(*given: str) -> list[str]:
        return [str(found.path) for found in expand([Path(one) for one in given], PICTURES)]

    assert names("photos") == [f"photos/{name}" for name in ("a.PNG", "b.png", "c.jpg", "in/a.png", "in/deep/a.png")]
    assert names("photos/x.txt", "missing.png", "-") == ["photos/x.txt", "missing.png", "-"]
    assert names("photos/*.png") == ["photos/b.png"]
    assert names(f"{Path.cwd()}/photos/**/a.png") == [
        f"{Path.cwd()}/photos/{name}" for name in ("in/a.png", "in/deep/a.png")
    ]
    assert [str(found.below) for found in expand([Path("photos")], PICTURES)] == [".", ".", ".", "in", "in/deep"]
    for nothing in ("photos/*.bmp", "photos/in/d*p/*.jpg"):
        with pytest.raises(InputError, match="is no file"):
            names(nothing)
    with pytest.raises(InputError, match=r"no file of a known kind \(.*\.mp4"):
        expand([Path("photos")], CLIPS)
    Path("[1].png").write_bytes(b"")
    assert names("[1].png") == ["[1].png"]


@pytest.mark.usefixtures("photos")
def test_a_folder_of_pictures(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "photos", "--annotate", "drawn"]) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]]
    assert rows == ["a.PNG", "b.png", "c.jpg", "in/a.png", "in/deep/a.png"]
    drawn = sorted(str(path.relative_to("drawn")) for path in Path("drawn").rglob("*.jpg"))
    assert drawn == [f"{name}.annotated.jpg" for name in ("a", "b", "c", "in/a", "in/deep/a")]
    assert engine.seen == 5


@pytest.mark.usefixtures("photos")
def test_a_run_goes_on_where_it_was_stopped(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["predict", "photos", "--json", "out.json", "--csv", "out.csv"]
    assert main(run) == 0
    whole, table = Path("out.json").read_text(), Path("out.csv").read_text()
    lines = whole.splitlines(keepends=True)
    # Killed in the middle of the third line.
    Path("out.json").write_text("".join(lines[:2]) + lines[2][:40])
    Path("out.csv").unlink()
    engine.seen = 0
    assert main([*run, "--resume"]) == 0
    assert engine.seen == 3
    assert Path("out.json").read_text() == whole
    assert Path("out.csv").read_text() == table
    engine.seen = 0
    assert main([*run, "--resume"]) == 0
    assert engine.seen == 0
    assert Path("out.json").read_text() == whole
    assert [row["picture"] for row in csv.DictReader(table.splitlines())] == pictures(Path("out.json"))
    assert "wrote out.json" in capsys.readouterr().err


@pytest.mark.usefixtures("engine")
def test_a_picture_that_failed_is_tried_again(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = (photos / "b.png").read_bytes()
    (photos / "b.png").write_bytes(b"not yet")
    run = ["predict", "photos", "--json", "out.json", "--resume"]
    assert main(run) == 1
    assert "b.png" in capsys.readouterr().err
    assert len(pictures(Path("out.json"))) == 4
    (photos / "b.png").write_bytes(good)
    assert main(run) == 0
    assert pictures(Path("out.json"))[-1] == "photos/b.png"


@pytest.mark.usefixtures("photos", "engine")
def test_what_is_there_when_a_run_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.csv").write_text("old")

    class Broken(FakeEngine):
        def detector_side(self, mode: object) -> int:
            if self.seen >= 2:
                raise EngineClosed("a test")
            return super().detector_side(mode)  # type: ignore[arg-type]

    monkeypatch.setattr(mien.cli.predict, "open_engine", lambda _: Broken(faces=1))
    assert main(["predict", "photos", "--json", "out.json", "--csv", "out.csv"]) == 1
    done = pictures(Path("out.json"))
    assert done == ["photos/a.PNG", "photos/b.png", "photos/c.jpg", "photos/in/a.png"][: len(done)]
    assert Path("out.csv").read_text() == "old"
    assert not list(Path().glob(".mien*"))


@pytest.mark.usefixtures("photos", "engine")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"name": "settings"}', "is not a file that mien predict"),
        ('{"picture": "x"}\n', "is not a file that mien predict"),
        ('{"picture": "x", "faces": [{"scores": {"calm": 1}}]}\n', "other --labels"),
    ],
)
def test_only_a_file_of_the_same_kind_is_continued(content: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.json").write_text(content)
    assert main(["predict", "photos", "--json", "out.json", "--resume"]) == 2
    assert said in capsys.readouterr().err
    assert Path("out.json").read_text() == content


@pytest.mark.usefixtures("photos", "engine")
@pytest.mark.parametrize("outputs", [[], ["--json"], ["--csv", "out.csv"]])
def test_resume_needs_a_file_of_json(outputs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "photos", *outputs, "--resume"]) == 2
    assert "--json FILE.json" in capsys.readouterr().err


def test_results_come_in_order_and_the_threads_do_not_run_far_ahead() -> None:
    drawn: list[int] = []

    def items() -> list[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    done = in_order(lambda number: number**2, items(), 3)
    assert [next(done) for _ in range(4)] == [0, 1, 4, 9]
    assert len(drawn) < 15
    done.close()
    assert len(drawn) < 15
