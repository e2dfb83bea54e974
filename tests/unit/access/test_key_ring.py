import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mien.access.key_file import write_keys
from mien.access.key_ring import KeyRing
from mien.access.keys import Key, KeyUse, digest, new_token
from mien.errors import InvalidOption

NOW = datetime.now(UTC)


def add(path: Path, *names: str) -> list[str]:
    """A file of keys of these names; their tokens."""
    made = [(name, *new_token()) for name in names]
    write_keys(path, tuple(Key(identifier, name, digest(token.encode()), NOW) for name, identifier, token in made))
    return [token for _, _, token in made]


def test_none_is_required_without_keys() -> None:
    assert not KeyRing().required
    assert KeyRing(("token",)).required
    assert KeyRing().find("anything") is None


def test_simple_keys_open_everything() -> None:
    key = KeyRing(("first", "second")).find("second")
    assert key is not None
    assert key.uses == tuple(KeyUse)
    assert (key.rate, key.concurrency, key.volume, key.expires) == (None, None, None, None)


def test_keys_of_the_file_beside_simple_ones(tmp_path: Path) -> None:
    one, two = add(tmp_path / "keys.json", "one", "two")
    ring = KeyRing(("simple",), tmp_path / "keys.json")
    names = [key.name if (key := ring.find(token)) else None for token in (one, two, "simple", one[:-1], two + "x")]
    assert names == ["one", "two", "simple", None, None]


@pytest.mark.parametrize("given", ["", "\ud800", "ключ", "\xff", "mien_", "mien_\ud800_x", "x" * 100_000])
def test_what_is_no_key_is_none(tmp_path: Path, given: str) -> None:
    add(tmp_path / "keys.json", "one")
    assert KeyRing(("simple",), tmp_path / "keys.json").find(given) is None


def test_a_change_is_seen_at_the_next_refresh(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    (old,) = add(path, "old")
    ring = KeyRing((), path)
    (new,) = add(path, "new")
    assert ring.find(old)
    ring.refresh()
    assert (ring.find(old), bool(ring.find(new))) == (None, True)


def test_an_unchanged_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    add(path, "one")
    ring = KeyRing((), path)
    reads: list[Path] = []
    monkeypatch.setattr("mien.access.key_ring.read_keys", lambda path: reads.append(path) or ())
    ring.refresh()
    assert reads == []
    os.utime(path, (1, 1))
    ring.refresh()
    ring.refresh()
    assert reads == [path]


def test_a_folder_of_kubernetes_is_followed(tmp_path: Path) -> None:
    # A mounted Secret is a link to ..data/NAME, and ..data a link that is moved to a new folder.
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    (old,), (new,) = add(tmp_path / "first/keys.json", "old"), add(tmp_path / "second/keys.json", "new")
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "keys.json").symlink_to("..data/keys.json")
    ring = KeyRing((), tmp_path / "keys.json")
    assert ring.find(old)
    (tmp_path / "..next").symlink_to("second")
    (tmp_path / "..next").replace(tmp_path / "..data")
    ring.refresh()
    assert ring.find(new)
    assert not ring.find(old)


@pytest.mark.parametrize("content", [None, b"{"])
def test_a_file_that_cannot_be_read_leaves_the_keys(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    (token,) = add(path, "one")
    ring = KeyRing((), path)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    ring.refresh()
    ring.refresh()
    assert ring.find(token)
    assert caplog.text.count("the keys stay as they were") == 1


def test_at_the_start_it_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption):
        KeyRing((), tmp_path / "keys.json")
