from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from mien.access.keys import Key, KeyState, digest, id_of, new_token, parse_limit

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def make(**more: object) -> Key:
    return Key("a1", "name", digest(b"token"), NOW, **more)  # type: ignore[arg-type]


def test_a_token_has_an_id_and_256_random_bits() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len({token for _, token in tokens}) == 100
    for name, token in tokens:
        assert id_of(token.encode()) == name
        assert len(token.removeprefix(f"mien_{name}_")) == 43  # 32 bytes in base64


@pytest.mark.parametrize("token", [b"", b"mien", b"mien_", b"mien_abc", b"other_abc_def", b"\xff_\xff_\xff"])
def test_what_is_no_token_has_no_id(token: bytes) -> None:
    assert id_of(token) is None


def test_only_the_whole_token_matches() -> None:
    key = make()
    assert key.sha256 == sha256(b"token").hexdigest()
    assert key.matches(b"token")
    assert not any(key.matches(token) for token in (b"", b"toke", b"token ", key.sha256.encode()))


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, KeyState.ACTIVE),
        ({"expires": NOW + SECOND}, KeyState.ACTIVE),
        ({"expires": NOW}, KeyState.EXPIRED),
        ({"expires": NOW - SECOND}, KeyState.EXPIRED),
        ({"revoked": NOW, "expires": NOW - SECOND}, KeyState.REVOKED),
    ],
)
def test_states(more: dict[str, datetime], state: KeyState) -> None:
    assert make(**more).state(NOW) is state


@pytest.mark.parametrize("text", ["10/second", "100 per 5 minutes", "1/day"])
def test_limits_are_read(text: str) -> None:
    assert parse_limit(text).amount >= 1
    make(rate=text, volume=text)


@pytest.mark.parametrize("text", ["", "ten", "0/second", "-1/second", "10/fortnight", "1.5/second"])
def test_other_limits_are_refused(text: str) -> None:
    for field in ("rate", "volume"):
        with pytest.raises(ValueError, match=r"limit|nothing"):
            make(**{field: text})


def test_a_concurrency_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make(concurrency=0)
