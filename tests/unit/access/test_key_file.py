import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mien.access.key_file import read_keys, write_keys
from mien.access.keys import Key, KeyUse, digest
from mien.errors import InvalidOption

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
FULL = Key("0a", "full", digest(b"full"), NOW, (KeyUse.METRICS,), NOW, NOW, "1/second", 2, "9/day")
BARE = Key("0b", "bare", digest(b"bare"), NOW)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, (FULL, BARE))
    assert read_keys(path) == (FULL, BARE)
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


def test_a_new_file_is_its_user_s_alone_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, ())
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    write_keys(path, (BARE,))
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real)
    write_keys(link, (BARE,))
    assert link.is_symlink()
    assert read_keys(real) == (BARE,)


def test_no_token_can_be_in_it(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys.json", (FULL,))
    (stored,) = json.loads((tmp_path / "keys.json").read_text())["keys"]
    assert set(stored) == {
        *("id", "name", "sha256", "created", "uses", "expires", "revoked", "rate", "concurrency", "volume")
    }


def damaged(**changes: Any) -> bytes:
    key = {"id": "0a", "name": "a", "sha256": "0" * 64, "created": "2026-11-28T00:00:00Z"}
    return json.dumps({"version": 1, "keys": [{**key, **changes}]}).encode()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"\xff", b'{"version": 2, "keys": []}', b'{"version": 1}'),
        *(damaged(sha256="é" * 64), damaged(sha256="0"), damaged(id=""), damaged(created="2026-11-28T00:00:00")),
        *(damaged(rate="much"), damaged(concurrency=0), damaged(uses=["all"]), damaged(expires="soon")),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(InvalidOption) as caught:
        read_keys(path)
    assert str(path) in str(caught.value)
    assert "is damaged" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_stand_in_for_a_damaged_file_is_whole(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(damaged())
    assert [key.id for key in read_keys(tmp_path / "keys.json")] == ["0a"]


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys.json", (BARE, BARE))
    with pytest.raises(InvalidOption, match="twice"):
        read_keys(tmp_path / "keys.json")


def test_a_missing_file_is_told_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="mien keys add"):
        read_keys(tmp_path / "keys.json")
    with pytest.raises(InvalidOption, match="is a directory"):
        read_keys(tmp_path)
    with pytest.raises(InvalidOption, match="no such file"):
        write_keys(tmp_path / "nowhere/keys.json", ())


def test_keys_made_at_once_are_all_kept(tmp_path: Path) -> None:
    code = (
        "import sys; from mien.cli.main import main; "
        "sys.exit(max(main(['keys', 'add', f'{sys.argv[2]}-{k}', '--file', sys.argv[1]]) for k in range(5)))"
    )
    path = tmp_path / "keys.json"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, path, name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in "ab"
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(read_keys(path)) == 10
