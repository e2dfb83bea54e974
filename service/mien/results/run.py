"""How a result was made: kept with it for drawing and for ``methods()``."""

import io
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mien.domain import AnalyzeOptions
from mien.engine.base import ModelInfo
from mien.errors import InputError
from mien.usecases.analyze_video import VideoOptions


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that answered; ``manifest`` is the parsed ``manifest.toml``."""

    name: str
    version: str
    manifest: Mapping[str, Any]


def cards_of(models: Iterable[ModelInfo]) -> list[ModelCard]:
    """The cards of those that answer."""
    return [ModelCard(model.name, model.version, model.manifest) for model in models if model.active]


@dataclass(frozen=True, slots=True)
class Service:
    """What analysed: the ``version`` of Mien, and a function that returns the cards of its models."""

    version: Callable[[], str]
    models: Callable[[], Sequence[ModelCard]]


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip as a file with a name, which decoders need; a clip of bytes is in a temporary file, deleted with this."""

    path: Path
    name: str
    keep: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PictureRun:
    """``content`` returns the picture's file: one given by its path is read again when it is drawn on."""

    content: Callable[[], bytes]
    options: AnalyzeOptions
    service: Service


@dataclass(frozen=True, slots=True)
class ClipRun:
    """``clip`` is the file that was analysed."""

    clip: ClipFile
    options: AnalyzeOptions
    video: VideoOptions
    service: Service


Clip = str | os.PathLike[str] | bytes | IO[bytes]
"""What ``analyze_video`` takes: a path, the file's bytes, or a binary file object."""


def clip_file(clip: Clip) -> ClipFile:
    """The file of ``clip``.

    Raises:
        InputError: there is no such file, or it cannot be read.
        InvalidOption: ``clip`` is none of these things.
    """
    if isinstance(clip, str | os.PathLike):
        path = Path(clip)
        if not path.is_file():
            raise InputError(f"there is no file {path}" if not path.exists() else f"{path} is not a file; name a clip")
        return ClipFile(path, path.name)
    if isinstance(clip, bytes | bytearray | memoryview):
        clip = io.BytesIO(clip)
    if not hasattr(clip, "read"):
        raise InputError(f"a clip is a path, bytes or a binary file, not a {type(clip).__name__}")
    name = getattr(clip, "name", None)
    with tempfile.NamedTemporaryFile(prefix="mien-", suffix=".clip", delete=False) as file:
        owner = _TemporaryFile(Path(file.name))
        shutil.copyfileobj(clip, file)
    return ClipFile(owner.path, Path(name).name if isinstance(name, str) else "clip", owner)


class _TemporaryFile:
    """Deletes ``path`` when nothing refers to this any more, at the latest when the program ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        weakref.finalize(self, path.unlink, missing_ok=True)
