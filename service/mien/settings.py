"""One frozen object of settings, read from ``MIEN_*`` environment variables once and passed down."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mien.environment import (
    MOST_WORKERS,
    check_names,
    check_store,
    check_versions,
    cores,
    parse_versions,
    refusal,
)
from mien.errors import InvalidOption
from mien.paths import default_store

_MIB = 1 << 20
_HOST_NAME = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]+")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?")


class Settings(BaseSettings):
    """What an operator may choose. Every field is the environment variable ``MIEN_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MIEN_", frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 or :: for every interface")
    port: int = Field(8000, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    workers: int = Field(
        default_factory=cores, ge=1, le=MOST_WORKERS, description="inference threads; one per core by default"
    )
    store: Path = Field(default_factory=default_store, description="the model store: <model>/<version>/")
    model_versions: Annotated[dict[str, str], NoDecode] = Field({}, description="e.g. emotion=1,face-detector=2")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), description="comma-separated; empty: no key asked")

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated host names to answer to besides localhost; *.example.org, * for any"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated origins whose pages may call this service; * for any"
    )

    max_body_bytes: int = Field(64 * _MIB, ge=1024, description="largest request body with pictures")
    max_clip_bytes: int = Field(512 * _MIB, ge=1024, description="largest clip; it waits in the spool folder")
    max_clip_seconds: float = Field(300, gt=0, le=86_400, description="longest part of a clip that is answered at once")
    max_rows: int = Field(250_000, ge=1, description="rows of a clip's answer: one for each face of a sampled frame")
    max_pictures: int = Field(64, ge=1, le=10_000, description="pictures in one request")
    max_pixels: int = Field(65_000_000, ge=10_000, description="pixels of a picture or a frame, width times height")
    picture_deadline_seconds: float = Field(
        60, gt=0, le=3600, description="after its upload, a request with pictures is given up (503)"
    )
    clip_deadline_seconds: float = Field(300, gt=0, le=86_400, description="the same for a clip")
    queue_capacity: int = Field(64, ge=1, le=10_000, description="requests admitted at once; past it the answer is 429")
    upload_idle_seconds: float = Field(30, gt=0, le=3600, description="patience with a stalled upload or reader")
    spool_memory_bytes: int = Field(_MIB, ge=1, description="an upload larger than this waits in a file, not in memory")
    spool_dir: Path | None = Field(None, description="folder for such files; the system's own by default")

    log_format: Literal["json", "text"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_names: bool = Field(False, description="write uploaded file names into the log (they may be personal data)")
    shutdown_seconds: int = Field(30, ge=1, le=3600, description="how long requests in flight may finish on SIGTERM")

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        keys = tuple(key.strip() for key in value.split(",") if key.strip())
        if not keys:
            # Whoever sets the variable wants a closed service; without a key it would be open to everybody.
            raise ValueError("it holds no key; write keys with commas between them, or unset it to ask for none")
        return keys

    @field_validator("allowed_hosts", "cors_origins", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.lower().split(",")))) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if not _HOST_NAME.fullmatch(name)]:
            raise ValueError(
                f"{wrong[0]!r} is no host name; write names without scheme and port, as in mien.example.org"
            )
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if not _ORIGIN.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no origin; write scheme, host and port alone, as in https://example.org")
        return value

    @field_validator("store")
    @classmethod
    def _holds_models(cls, value: Path) -> Path:
        check_store(value)
        return value

    @field_validator("model_versions", mode="before")
    @classmethod
    def _split_versions(cls, value: object) -> object:
        return parse_versions(value) if isinstance(value, str) else value

    @field_validator("model_versions")
    @classmethod
    def _are_in_the_store(cls, value: dict[str, str], known: ValidationInfo) -> dict[str, str]:
        # A store that was refused is not among what is known, and is the first thing to be complained of.
        if "store" in known.data:
            check_versions(value, known.data["store"])
        return value

    @field_validator("spool_dir")
    @classmethod
    def _takes_files(cls, value: Path | None) -> Path | None:
        # Tried as an upload will do it: the mode bits know nothing of read-only mounts and full quotas.
        try:
            if value is not None:
                TemporaryFile(dir=value).close()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ValueError(
                f"no file can be made there ({reason}); name a folder that exists and is writable"
            ) from None
        return value

    @field_validator("port", mode="before")
    @classmethod
    def _not_a_kubernetes_link(cls, value: object) -> object:
        # Kubernetes gives every pod beside a Service called "mien" MIEN_PORT=tcp://10.0.0.1:8000.
        return 8000 if isinstance(value, str) and value.startswith("tcp://") else value

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Self:
        """Settings from the environment, with ``overrides`` (command-line options of the same names) on top.

        Raises:
            InvalidOption: one sentence naming the variable or the option, its value and what is wrong with it.
            ModelUnreadable: when versions are chosen and a manifest in the store cannot be read.
        """
        check_names(os.environ, [_variable(field) for field in cls.model_fields])
        try:
            return cls(**(overrides or {}))
        except ValidationError as error:
            raise _explain(error.errors(include_url=False)[0], overrides or {}) from None


def _variable(field: str) -> str:
    return f"MIEN_{field.upper()}"


def _explain(error: ErrorDetails, overrides: Mapping[str, Any]) -> InvalidOption:
    field = str(error["loc"][0]) if error["loc"] else "?"
    given = None if field == "api_keys" else error["input"]
    name = f"--{field.replace('_', '-')}" if field in overrides else _variable(field)
    return refusal(name, error["msg"].removeprefix("Value error, "), given)
