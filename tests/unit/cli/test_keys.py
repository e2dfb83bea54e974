"""``mien keys``."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mien.access.key_file import read_keys
from mien.access.key_ring import KeyRing
from mien.access.keys import KeyState, KeyUse
from mien.cli.main import main


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("MIEN_KEYS_FILE", str(path))
    return path


def add(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The token of a new key."""
    assert main(["keys", "add", *arguments]) == 0
    printed = capsys.readouterr()
    (token,) = printed.out.splitlines()
    assert "not shown again" in printed.err
    return token


def test_a_token_is_shown_once_and_only_its_hash_is_kept(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = add(capsys, "shop")
    key = KeyRing((), path).find(token)
    assert key is not None
    assert (key.name, key.uses, key.expires) == ("shop", (KeyUse.ANALYSIS,), None)
    assert token.split("_", 2)[2] not in path.read_text()
    main(["keys", "list"])
    main(["keys", "list", "--json"])
    listed = capsys.readouterr().out
    assert token not in listed
    assert key.sha256 not in listed


def test_limits_and_expiry(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = ("--rate", "10/second", "--concurrency", "4", "--bytes", "1000000/day")
    add(capsys, "shop", *limits, "--expires", "90d")
    add(capsys, "day", "--expires", "2999-01-31", "--metrics")
    shop, day = read_keys(path)
    assert (shop.rate, shop.concurrency, shop.volume) == ("10/second", 4, "1000000/day")
    assert shop.expires is not None
    assert timedelta(days=89) < shop.expires - datetime.now(UTC) <= timedelta(days=90)
    assert (day.expires, day.uses) == (datetime(2999, 2, 1, tzinfo=UTC), (KeyUse.METRICS,))
    main(["keys", "list"])
    table = capsys.readouterr().out
    assert all(text in table for text in ("10/second", "1000000/day", "2999-02-01 00:00", "metrics", "active"))


def test_a_revoked_key_stays_in_the_list(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(capsys, "shop")
    assert main(["keys", "revoke", "shop"]) == 0
    add(capsys, "shop")  # the name is free again
    old, new = read_keys(path)
    now = datetime.now(UTC)
    assert (old.state(now), new.state(now)) == (KeyState.REVOKED, KeyState.ACTIVE)
    assert main(["keys", "revoke", new.id]) == 0
    capsys.readouterr()
    main(["keys", "list", "--json"])
    assert [key["state"] for key in json.loads(capsys.readouterr().out)] == ["revoked", "revoked"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "shop"), "There is a key 'shop'"),
        (("add", "a\nb"), "letters, digits"),
        (("add", ""), "letters, digits"),
        (("add", "x", "--rate", "much"), "as in 10/second"),
        (("add", "x", "--bytes", "0/day"), "allows nothing"),
        (("add", "x", "--concurrency", "0"), "concurrency"),
        (("add", "x", "--expires", "soon"), "nor a date"),
        (("add", "x", "--expires", "2020-01-01"), "is over"),
        (("add", "x", "--expires", "9999-12-31"), "nor a date"),
        (("revoke", "other"), "no key 'other'"),
        (("revoke", "shop", "--file", "nowhere/keys.json"), "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    add(capsys, "shop")
    before = path.read_bytes()
    assert main(["keys", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_file_must_be_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("MIEN_KEYS_FILE", raising=False)
    assert main(["keys", "list"]) == 2
    assert "--file" in capsys.readouterr().err


@pytest.mark.usefixtures("path")
def test_a_list_of_no_file_says_how_to_make_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list"]) == 2
    assert "mien keys add" in capsys.readouterr().err
