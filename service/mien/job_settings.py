"""The settings of durable jobs, a part of ``mien.settings.Settings``."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_MEDIA_SCHEMES = ("s3", "gs", "az", "file")
_HOST = re.compile(r"[a-z0-9_.:-]+")


def _data_folder() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share", "mien")


class JobFields(BaseSettings):
    """See ``Settings``."""

    data_dir: Path = Field(default_factory=_data_folder, description="folder of the jobs' database and files")
    database_url: str | None = Field(
        None, description="postgresql://... for the jobs; default: SQLite in the data folder"
    )
    media_url: str | None = Field(None, description="s3://bucket/prefix or a folder for uploads and results of jobs")
    retention: timedelta = Field(
        timedelta(hours=24), description="how long results of jobs are kept, e.g. 90m, 24h, 7d"
    )
    executor_id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9._-]{1,100}$", description="name under which this process takes jobs up again"
    )
    job_workers: int | None = Field(
        None, ge=0, le=256, description="segments of jobs analysed here at a time; 0: none; default: MIEN_WORKERS + 1"
    )
    key_shares: Annotated[tuple[float, ...], NoDecode] = Field(
        (),
        description="comma-separated, in the order of MIEN_API_KEYS: how much job work a key gets, next to 1",
    )
    max_job_seconds: float = Field(14_400, gt=0, le=1_000_000, description="longest part of a clip analysed by a job")
    segment_seconds: float = Field(30, gt=0, le=3600, description="shortest segment of a clip that is kept when done")
    webhook_secret: SecretStr | None = Field(None, description="whsec_..., signs webhooks; without it there are none")
    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated hosts that webhooks may be sent to although their addresses are private"
    )

    @field_validator("retention", mode="before")
    @classmethod
    def _parse_duration(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = _DURATION.fullmatch(value.strip().lower())
        if found is None:
            raise ValueError("write a number and s, m, h or d, as in 24h")
        return timedelta(seconds=float(found[1]) * _UNITS[found[2] or "s"])

    @field_validator("key_shares", mode="before")
    @classmethod
    def _split_shares(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("key_shares")
    @classmethod
    def _check_shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0.01 <= share <= 100 for share in value):
            raise ValueError("write numbers from 0.01 to 100, one for each of MIEN_API_KEYS, as in 1,4")
        return value

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("postgresql", "postgresql+psycopg"):
            raise ValueError("write postgresql://user:password@host/database, or unset it for SQLite in MIEN_DATA_DIR")
        return value

    @field_validator("media_url")
    @classmethod
    def _check_media(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and urlsplit(value).scheme not in _MEDIA_SCHEMES:
            raise ValueError(f"write a folder, or a URL that begins with {', '.join(_MEDIA_SCHEMES)} and ://")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _check_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"(whsec_)?[A-Za-z0-9+/]{32,}={0,2}", value.get_secret_value()):
            raise ValueError("write whsec_ and at least 24 random bytes in base64")
        return value

    @field_validator("webhook_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.lower().split(",")))) if isinstance(value, str) else value

    @field_validator("webhook_hosts")
    @classmethod
    def _check_webhook_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if not _HOST.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is not a host name; leave out scheme and port")
        return value
