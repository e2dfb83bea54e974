"""A person_state is read as it was signed, or refused."""

import time

import pytest

from mien.api.live.signed_state import MAX_AGE, StateSigner
from mien.errors import InvalidOption
from mien.timeline.tracker import TrackerState
from mien.usecases.person_state import NEW_SESSION, PersonState

STATE = PersonState(TrackerState(people=7, last_time=0.0), saved_at=1.5)
SECRET = "-".join(["the same", "on every", "replica"])


def test_replicas_with_the_same_secret_read_it() -> None:
    text = StateSigner(SECRET).sign(STATE)
    found = StateSigner(SECRET).read(text)
    assert found.tracker.people == 7
    assert found.saved_at == 1.5
    assert text.replace("-", "").replace("_", "").replace(".", "").isalnum()


def test_without_a_secret_only_this_process_reads_it() -> None:
    signer = StateSigner(None)
    assert signer.read(signer.sign(STATE)).tracker.people == 7
    with pytest.raises(InvalidOption):
        StateSigner(None).read(signer.sign(STATE))


@pytest.mark.parametrize("at", range(0, 90, 7))
def test_no_character_can_be_changed(at: int) -> None:
    text = StateSigner(SECRET).sign(STATE)
    at %= len(text) - 1  # the last one has bits without a meaning
    text = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    with pytest.raises(InvalidOption, match="MIEN_SECRET"):
        StateSigner(SECRET).read(text)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "\u00e9", "\ud800", "x" * 60_000])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="MIEN_SECRET"):
        StateSigner(SECRET).read(text)


def test_an_old_state_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    text = StateSigner(SECRET).sign(STATE)
    now = time.time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + MAX_AGE + 2)
    assert StateSigner(SECRET).read(text) is NEW_SESSION
