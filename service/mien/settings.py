"""Settings: frozen objects, read once from ``MIEN_*`` environment variables and passed down."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mien.access.addresses import check_exposure
from mien.environment import PREFIX, check_names, variable_of
from mien.errors import InvalidOption
from mien.job_settings import JobFields
from mien.providers import Provider
from mien.store import MANIFEST, default_store

_MIB = 1 << 20
_MIN_KEY_LENGTH = 16
_HOST_NAME = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]+")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?")
_SECRETS = frozenset({"api_keys", "database_url", "secret", "webhook_secret"})
_OTHER_VARIABLES = ("MIEN_URL", "MIEN_CLIENT_KEY")  # of `mien jobs` and `--url`


def _available_cores() -> int:
    """The cores that this process may use: fewer than the machine's under taskset or in a container with a CPU set."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class EngineSettings(BaseSettings):
    """What every command reads: the models, and what runs them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    store: Path = Field(default_factory=default_store, description="model store directory: <model>/<version>/")
    workers: int = Field(default_factory=_available_cores, ge=1, le=256, description="inference threads")
    provider: Provider = Field("cpu", description="what runs the models")

    @field_validator("store")
    @classmethod
    def _check_store(cls, store: Path) -> Path:
        # Whether the files are intact is checked when they are read.
        try:
            found = store.is_dir() and any(store.glob(f"*/*/{MANIFEST}"))
        except OSError as error:
            raise ValueError(f"it cannot be read ({error.strerror}); make it readable for this user") from error
        if not found:
            raise ValueError(f"not a model store (expected <model>/<version>/{MANIFEST})")
        return store

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Self:
        """Settings from the environment, overridden by command-line options of the same names (``None``: not given).

        Raises:
            InvalidOption: one sentence naming the variable or option, its value and what is wrong with it.
        """
        given = {name: value for name, value in (overrides or {}).items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            raise _refusal(error.errors(include_url=False)[0], given) from None


class Settings(JobFields, EngineSettings):
    """What an operator of the server may choose. Every field is the environment variable ``MIEN_<NAME>``."""

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 or :: for every interface")
    port: int = Field(8000, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="comma-separated keys of at least 16 characters; without any, and without a file, none is needed",
    )
    keys_file: Path | None = Field(None, description="keys made with `mien keys`; read again when it changes")
    allow_anonymous: bool = Field(False, description="listen beyond this machine without keys")
    metrics_port: int | None = Field(
        None, ge=1, le=65_535, description="/metrics is here, without a key, and only here"
    )
    aggregate_only: bool = Field(False, description="answer only counts per label over at least five people")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated host names to answer to besides localhost; *.example.org, * for any"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated origins whose pages may call this service; * for any"
    )

    max_body_bytes: int = Field(64 * _MIB, ge=1024, description="largest request body with pictures")
    max_clip_bytes: int = Field(512 * _MIB, ge=1024, description="largest clip; stored in the spool folder")
    max_clip_seconds: float = Field(
        300, gt=0, le=86_400, description="longest part of a clip that is analysed in its request; longer ones are jobs"
    )
    max_rows: int = Field(250_000, ge=1, description="rows of a clip's answer: one per face per sampled frame")
    max_pictures: int = Field(64, ge=1, le=10_000, description="pictures per request")
    max_pixels: int = Field(65_000_000, ge=10_000, description="pixels of a picture or a frame, width times height")
    picture_deadline_seconds: float = Field(
        60, gt=0, le=3600, description="time to answer a request with pictures after its upload (503 past it)"
    )
    clip_deadline_seconds: float = Field(300, gt=0, le=86_400, description="the same for a clip")
    queue_capacity: int = Field(64, ge=1, le=10_000, description="requests admitted at once; past it the answer is 429")
    upload_idle_seconds: float = Field(30, gt=0, le=3600, description="timeout for stalled uploads and downloads")
    spool_memory_bytes: int = Field(_MIB, ge=1, description="uploads larger than this are stored in a file")
    spool_dir: Path | None = Field(None, description="folder for such files; the system's own by default")
    live_connections: int = Field(16, ge=1, le=1000, description="connections to /live at once; past it 503")
    live_fps: float = Field(30, gt=0, le=240, description="frames per second analysed of one connection to /live")
    live_idle_seconds: float = Field(60, gt=0, le=3600, description="a silent connection to /live is closed after this")
    secret: SecretStr | None = Field(None, min_length=16, description="signs the person_state of /live")

    worker_hang_seconds: float = Field(
        30, gt=0, le=3600, description="a worker that is at one picture or frame for longer is stuck, and is replaced"
    )

    compat: Annotated[tuple[Literal["deepface", "google-vision", "rekognition"], ...], NoDecode] = Field(
        (), description="comma-separated interfaces of other services to answer as well"
    )

    log_format: Literal["json", "text"] = Field("text", description="how log lines are written")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_names: bool = Field(False, description="write uploaded file names into the log (they may be personal data)")
    shutdown_seconds: int = Field(30, ge=1, le=3600, description="how long requests in flight may finish on SIGTERM")

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        keys = tuple(key.strip() for key in value.split(",") if key.strip())
        if not keys:
            # An operator who sets the variable wants a closed service; no key would leave it open.
            raise ValueError("it holds no key; write keys separated by commas, or unset it to ask for none")
        if any(len(key) < _MIN_KEY_LENGTH for key in keys):
            raise ValueError(
                f"a key has fewer than {_MIN_KEY_LENGTH} characters and could be guessed; "
                "make a long random one (openssl rand -hex 32), or use MIEN_KEYS_FILE and mien keys add"
            )
        return keys

    @field_validator("allowed_hosts", "cors_origins", "compat", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.lower().split(",")))) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if not _HOST_NAME.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is not a host name; leave out scheme and port, as in mien.example.org")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if not _ORIGIN.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is not an origin; write scheme, host and port, as in https://example.org")
        return value

    @field_validator("compat")
    @classmethod
    def _check_compat(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("aggregate_only"):
            raise ValueError("these interfaces answer about single faces, which MIEN_AGGREGATE_ONLY forbids; unset one")
        return value

    @field_validator("spool_dir")
    @classmethod
    def _check_spool(cls, value: Path | None) -> Path | None:
        # By creating a file as an upload will: mode bits know nothing of read-only mounts and full quotas.
        try:
            if value is not None:
                TemporaryFile(dir=value).close()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ValueError(f"cannot create a file there ({reason}); name an existing, writable folder") from None
        return value

    @field_validator("metrics_port")
    @classmethod
    def _check_metrics_port(cls, value: int | None, valid: ValidationInfo) -> int | None:
        if value is not None and value == valid.data.get("port"):
            raise ValueError("it is the port of the service; choose another")
        return value

    @field_validator("port", "metrics_port", mode="before")
    @classmethod
    def _ignore_kubernetes_link(cls, value: object, field: ValidationInfo) -> object:
        # Kubernetes gives every pod beside a Service called "mien" MIEN_PORT=tcp://10.0.0.1:8000.
        is_link = isinstance(value, str) and value.startswith("tcp://")
        return cls.model_fields[field.field_name or ""].default if is_link else value

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Self:
        """As ``EngineSettings.load``; refuses unknown ``MIEN_*`` variables, and a service that is open by mistake."""
        check_names(os.environ, [*map(variable_of, cls.model_fields), *_OTHER_VARIABLES])
        settings = super().load(overrides)
        check_exposure(settings.host, settings.keyed or settings.allow_anonymous)
        return settings

    @property
    def keyed(self) -> bool:
        """Whether callers need a key."""
        return bool(self.api_keys) or self.keys_file is not None


def _refusal(error: ErrorDetails, overrides: Mapping[str, Any]) -> InvalidOption:
    field = str(error["loc"][0]) if error["loc"] else "?"
    given = error["input"]
    name = f"--{field.replace('_', '-')}" if field in overrides else variable_of(field)
    shown = "" if field in _SECRETS else f" (it is {str(given) if isinstance(given, Path) else given!r})"
    reason = error["msg"].removeprefix("Value error, ")
    return InvalidOption(name, f"{name} cannot be used{shown}: {reason[:1].lower()}{reason[1:]}.")
