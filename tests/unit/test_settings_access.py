"""The settings that decide who is let in."""

import os

import pytest

from mien.errors import InvalidOption
from mien.settings import Settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MIEN_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("value", [" , ", ",", " ", "\n"])
def test_a_variable_without_a_key_does_not_open_the_service(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MIEN_API_KEYS", value)
    with pytest.raises(InvalidOption, match=r"^MIEN_API_KEYS cannot be used: it holds no key") as caught:
        Settings.load()
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("value", ["hush-hush", "fifteen-letters", "a-key-that-is-long-enough,hush"])
def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MIEN_API_KEYS", value)
    with pytest.raises(
        InvalidOption, match=r"^MIEN_API_KEYS cannot be used: a key has fewer than 16 characters"
    ) as caught:
        Settings.load()
    message = str(caught.value)
    assert "mien keys add" in message
    assert "\n" not in message
    assert value not in message


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.example"])  # noqa: S104
def test_others_are_let_in_only_by_keys_or_by_word(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    for anonymous in (None, "no"):
        if anonymous is not None:
            monkeypatch.setenv("MIEN_ALLOW_ANONYMOUS", anonymous)
        with pytest.raises(InvalidOption, match="MIEN_ALLOW_ANONYMOUS=yes") as caught:
            Settings.load({"host": host})
        assert caught.value.name == "host"
        Settings.load({"host": "127.0.0.1"})
    for name, value in (
        ("MIEN_ALLOW_ANONYMOUS", "yes"),
        ("MIEN_API_KEYS", "a-key-of-the-tests"),
        ("MIEN_KEYS_FILE", "keys.json"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            Settings.load({"host": host})


def test_the_metrics_have_a_port_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_METRICS_PORT", "8000")
    with pytest.raises(InvalidOption, match="choose another"):
        Settings.load()
    monkeypatch.setenv("MIEN_METRICS_PORT", "9464")
    assert Settings.load().metrics_port == 9464
    monkeypatch.setenv("MIEN_METRICS_PORT", "tcp://10.96.0.12:80")  # Kubernetes' link to a Service mien-metrics
    assert Settings.load().metrics_port is None


def test_an_empty_variable_asks_for_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    # docker-compose.yml passes it on like this when it is not set.
    monkeypatch.setenv("MIEN_API_KEYS", "")
    assert Settings.load().api_keys == ()


def test_keys_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_API_KEYS", "hush-hush-hush-hush")
    assert "hush" not in repr(Settings.load())
