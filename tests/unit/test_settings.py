import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.errors import InvalidOption
from service.settings import Settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MIEN_")]:
        monkeypatch.delenv(name)


def test_defaults() -> None:
    settings = Settings.load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.workers >= 1
    assert settings.store.name == "model_store"
    assert settings.api_keys == ()


def test_the_environment_and_above_it_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PORT", "9000")
    monkeypatch.setenv("MIEN_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("MIEN_STORE", "models")
    monkeypatch.setenv("MIEN_API_KEYS", " one ,two,")
    monkeypatch.setenv("MIEN_MODEL_VERSIONS", "emotion=2, face-detector=1")
    settings = Settings.load({"port": "9001"})
    assert (settings.host, settings.port, settings.store) == ("0.0.0.0", 9001, Path("models"))  # noqa: S104
    assert [key.get_secret_value() for key in settings.api_keys] == ["one", "two"]
    assert settings.model_versions == {"emotion": "2", "face-detector": "1"}


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PORT", "")
    assert Settings.load().port == 8000


def test_what_kubernetes_puts_into_the_port_variable_is_not_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PORT", "tcp://10.96.0.12:8000")
    assert Settings.load().port == 8000


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MIEN_PORT", "many"),
        ("MIEN_PORT", "70000"),
        ("MIEN_WORKERS", "0"),
        ("MIEN_LOG_FORMAT", "xml"),
        ("MIEN_MODEL_VERSIONS", "emotion"),
        ("MIEN_MAX_BODY_BYTES", "-1"),
    ],
)
def test_a_bad_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidOption) as caught:
        Settings.load()
    message = str(caught.value)
    assert message.startswith(f"{variable} cannot be used (it is '{value}'): ")
    assert message.count("\n") == 0
    assert caught.value.name == variable


def test_keys_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_API_KEYS", "hush-hush")
    assert "hush" not in repr(Settings.load())


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings.load().port = 1  # type: ignore[misc]
