"""``mien predict`` and ``mien video`` print the same here and with ``--url``."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from mien.cli.main import main
from tests.e2e.server import Server


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def mien(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Done:
    """The command in this process."""
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return Done(code, said.out, said.err)


def outputs(folder: Path, **suffixes: str) -> list[str | Path]:
    folder.mkdir()
    return [word for kind, suffix in suffixes.items() for word in (f"--{kind}", folder / f"out.{suffix}")]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_pictures_are_the_same_on_a_server(
    server: Server, astronaut_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("predict", astronaut_file, "none.jpg", "--labels", "basic5", "--detector", "accurate")
    suffixes = {"json": "json", "csv": "csv", "methods": "txt", "annotate": "png"}
    done = []
    for name, url in (("here", []), ("there", ["--url", server.url])):
        table = mien(capsys, *arguments, *url)
        assert table.code == 1
        assert "happy" in table.out
        assert "none.jpg: cannot be read" in table.err
        written = mien(capsys, "predict", astronaut_file, *outputs(tmp_path / name, **suffixes), *url)
        assert written.code == 0
        done.append((table, files(tmp_path / name)))
    assert done[0] == done[1]
    assert len(done[0][1]) == 4


@pytest.mark.parametrize("option", ["--redact", "--explain"])
def test_drawing_options_are_the_same_on_a_server(
    option: str, server: Server, astronaut_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, url in (("here.png", []), ("there.png", ["--url", server.url])):
        assert mien(capsys, "predict", astronaut_file, option, "--annotate", tmp_path / name, *url).code == 0
    assert (tmp_path / "here.png").read_bytes() == (tmp_path / "there.png").read_bytes()


def test_clips_are_the_same_on_a_server(
    server: Server, pan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suffixes = {"json": "json", "csv": "csv", "boris": "tsv", "vtt": "vtt", "plot": "png", "methods": "txt"}
    done = []
    for name, url in (("here", []), ("there", ["--url", server.url])):
        table = mien(capsys, "video", pan, "--fps", "4", *url)
        assert table.code == 0
        assert mien(capsys, "video", pan, "--fps", "4", *outputs(tmp_path / name, **suffixes), *url).code == 0
        done.append((table, files(tmp_path / name)))
    assert done[0] == done[1]
    assert len(done[0][1]) == 6


def test_failures_of_a_server_are_one_sentence_and_1(
    tmp_path: Path, astronaut_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    down = mien(capsys, "predict", astronaut_file, "--url", "http://127.0.0.1:9")
    assert down.code == 1
    assert down.err.startswith("mien: http://127.0.0.1:9 cannot be reached")
    assert down.err.count("\n") == 1
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with Server(tmp_path, {"MIEN_API_KEYS": "a-secret-of-tests", "MIEN_MAX_BODY_BYTES": "20000"}) as server:
        url = ("--url", server.url)
        wrong = mien(capsys, "predict", astronaut_file, *url, "--api-key", "wrong")
        assert (wrong.code, wrong.err.count("\n")) == (1, 1)
        assert "key" in wrong.err
        monkeypatch.setenv("MIEN_CLIENT_KEY", "a-secret-of-tests")
        for picture, words in ((astronaut_file, "larger than 20,000 bytes"), (text, "not a picture")):
            refused = mien(capsys, "predict", picture, *url)
            assert (refused.code, refused.err.count("\n")) == (1, 1)
            assert words in refused.err
