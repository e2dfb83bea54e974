from datetime import timedelta
from pathlib import Path

import pytest

from mien.errors import InvalidOption
from mien.settings import Settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("5 m", timedelta(0, 300)),
    ],
)
def test_a_retention_is_a_number_and_a_unit(monkeypatch: pytest.MonkeyPatch, text: str, expected: timedelta) -> None:
    monkeypatch.setenv("MIEN_RETENTION", text)
    assert Settings.load().retention == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIEN_RETENTION", "soon"),
        ("MIEN_DATABASE_URL", "mysql://user:password@host/jobs"),
        ("MIEN_MEDIA_URL", "ftp://host/folder"),
        ("MIEN_WEBHOOK_SECRET", "password"),
        ("MIEN_WEBHOOK_HOSTS", "https://host"),
        ("MIEN_EXECUTOR_ID", "a b"),
        ("MIEN_KEY_SHARES", "1,0"),
        ("MIEN_KEY_SHARES", "1,much"),
    ],
)
def test_a_wrong_setting_of_jobs_is_named_and_no_secret_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidOption, match=name) as refused:
        Settings.load()
    assert "password" not in str(refused.value).replace("user:password@host/database", "")


def test_shares_are_in_the_order_of_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_KEY_SHARES", "1, 2.5")
    assert Settings.load().key_shares == (1, 2.5)


def test_the_data_folder_is_where_the_system_keeps_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert Settings.load().data_dir == Path("/srv/data/mien")
