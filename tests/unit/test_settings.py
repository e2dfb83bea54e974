import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

import mien.settings
from mien.errors import InvalidOption
from mien.settings import EngineSettings, Settings
from tests.unit.test_store import put


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MIEN_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two versions of one model and one of another, chosen by ``MIEN_STORE``."""
    for name, version in (("emotion", "1"), ("emotion", "2"), ("face-detector", "1")):
        put(tmp_path / "store", version, name=name)
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def test_defaults() -> None:
    settings = Settings.load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.workers >= 1
    assert settings.provider == "cpu"
    assert settings.store.name == "model_store"
    assert settings.api_keys == ()


def test_options_override_the_environment(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setenv("MIEN_PORT", "9000")
    monkeypatch.setenv("MIEN_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("MIEN_API_KEYS", " one-of-two-long-keys ,two-of-two-long-keys,")
    settings = Settings.load({"port": "9001"})
    assert (settings.host, settings.port, settings.store) == ("0.0.0.0", 9001, store)  # noqa: S104
    assert [key.get_secret_value() for key in settings.api_keys] == ["one-of-two-long-keys", "two-of-two-long-keys"]


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PORT", "")
    assert Settings.load().port == 8000


def test_a_kubernetes_link_is_not_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PORT", "tcp://10.96.0.12:8000")
    assert Settings.load().port == 8000


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("MIEN_API_KEY", "did you mean MIEN_API_KEYS?"),
        ("mien_api_key", "did you mean MIEN_API_KEYS?"),
        ("MIEN_APIKEYS", "did you mean MIEN_API_KEYS?"),
        ("MIEN_MAX_PIXEL", "did you mean MIEN_MAX_PIXELS?"),
        ("MIEN_LOGFORMAT", "did you mean MIEN_LOG_FORMAT?"),
        ("MIEN_STORE_PORT", "did you mean MIEN_STORE?"),
        ("MIEN_QQQ", "docs/configuration.md"),
    ],
)
def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, meant: str) -> None:
    monkeypatch.setenv(variable, "hush-hush")
    with pytest.raises(InvalidOption) as caught:
        Settings.load()
    message = str(caught.value)
    assert message.startswith(f"{variable} is set, but there is no such setting; ")
    assert meant in message
    assert "hush" not in message
    assert caught.value.name == variable
    monkeypatch.setenv(variable, "")
    Settings.load()


def test_kubernetes_service_links_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIEN", "MIEN_API", "MIEN_REDIS_MASTER"):
        monkeypatch.setenv(f"{name}_SERVICE_HOST", "10.96.0.12")
        monkeypatch.setenv(f"{name}_SERVICE_PORT", "80")
        monkeypatch.setenv(f"{name}_SERVICE_PORT_HTTP_ALT", "80")
        monkeypatch.setenv(f"{name}_PORT", "tcp://10.96.0.12:80")
        for protocol in ("TCP", "UDP"):
            link = f"{name}_PORT_80_{protocol}"
            monkeypatch.setenv(link, f"{protocol.lower()}://10.96.0.12:80")
            monkeypatch.setenv(f"{link}_PROTO", protocol.lower())
            monkeypatch.setenv(f"{link}_PORT", "80")
            monkeypatch.setenv(f"{link}_ADDR", "10.96.0.12")
    assert Settings.load().port == 8000


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MIEN_PORT", "many"),
        ("MIEN_PORT", "70000"),
        ("MIEN_WORKERS", "0"),
        ("MIEN_PROVIDER", "tpu"),
        ("MIEN_LOG_FORMAT", "xml"),
        ("MIEN_SPOOL_DIR", "/nowhere"),
        ("MIEN_MAX_BODY_BYTES", "-1"),
        ("MIEN_ALLOWED_HOSTS", "mien:8000"),
        ("MIEN_ALLOWED_HOSTS", "mien,http://mien"),
        ("MIEN_ALLOWED_HOSTS", "mi*n"),
        ("MIEN_CORS_ORIGINS", "example.org"),
        ("MIEN_CORS_ORIGINS", "https://example.org/"),
        ("MIEN_CORS_ORIGINS", "null"),
    ],
)
@pytest.mark.usefixtures("store")
def test_a_bad_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidOption) as caught:
        Settings.load()
    message = str(caught.value)
    assert message.startswith(f"{variable} cannot be used (it is '{value}'): ")
    assert message.count("\n") == 0
    assert caught.value.name == variable


def test_a_damaged_store_is_not_taken_for_a_bad_setting(store: Path) -> None:
    (store / "emotion" / "1" / "manifest.toml").write_text("name =")
    assert Settings.load().store == store


def _absent(_: Path) -> None:
    pass


def _a_file(path: Path) -> None:
    path.write_text("")


def _empty(path: Path) -> None:
    path.mkdir()


def _too_flat(path: Path) -> None:
    put(path.parent, path.name)
    (path.parent / "emotion").rename(path)


@pytest.mark.parametrize("make", [_absent, _a_file, _empty, _too_flat])
def test_a_store_without_models_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "it")
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "it"))
    with pytest.raises(InvalidOption, match=r"^MIEN_STORE cannot be used \(it is '.*/it'\): .*<model>/<version>"):
        Settings.load()


@pytest.mark.parametrize("make", [_absent, _a_file])
def test_a_missing_spool_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "it")
    monkeypatch.setenv("MIEN_SPOOL_DIR", str(tmp_path / "it"))
    with pytest.raises(InvalidOption, match="name an existing, writable folder"):
        Settings.load()


def test_an_unwritable_spool_folder_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setenv("MIEN_SPOOL_DIR", str(tmp_path))
    assert Settings.load().spool_dir == tmp_path
    assert not list(tmp_path.iterdir())
    # Root, who runs the tests in a container, may write everywhere.
    monkeypatch.setattr(mien.settings, "TemporaryFile", refuse)
    with pytest.raises(InvalidOption, match="permission denied"):
        Settings.load()
    monkeypatch.delenv("MIEN_SPOOL_DIR")
    assert Settings.load().spool_dir is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings.load().port = 1  # type: ignore[misc]


def test_hosts_and_origins_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_ALLOWED_HOSTS", " Mien.Example.org,*.svc, 10.0.0.1 ,")
    monkeypatch.setenv("MIEN_CORS_ORIGINS", "https://Example.org, http://localhost:3000")
    loaded = Settings.load()
    assert loaded.allowed_hosts == ("mien.example.org", "*.svc", "10.0.0.1")
    assert loaded.cors_origins == ("https://example.org", "http://localhost:3000")


def test_commands_other_than_serve_ignore_its_settings(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setenv("MIEN_PORT", "many")
    monkeypatch.setenv("MIEN_API_KEY", "misspelt")
    assert EngineSettings.load().store == store
