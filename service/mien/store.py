"""The model store: ``<root>/<model>/<version>/{model.onnx, manifest.toml, CARD.md}``.

Reads the manifests, picks the version that serves, and checks the SHA-256 of a graph, so that a truncated or swapped
file is found at start and not in the answers.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import ModelChanged, ModelMissing, ModelUnreadable

MANIFEST = "manifest.toml"
_REQUIRED = ("name", "version", "file", "sha256", "input", "outputs")


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel:
    """One version of one model. Its files are in ``directory``; ``manifest`` is the parsed TOML."""

    name: str
    version: str
    directory: Path
    manifest: Mapping[str, Any]

    def section(self, name: str) -> Mapping[str, Any]:
        """A table of the manifest.

        Raises:
            ModelUnreadable: the manifest lacks it.
        """
        table = self.manifest.get(name)
        if not isinstance(table, Mapping):
            raise ModelUnreadable(f"{self.directory / MANIFEST} has no [{name}] table; restore the file.")
        return table

    def read_graph(self) -> bytes:
        """The bytes of the ONNX file.

        Raises:
            ModelMissing: the file cannot be read.
            ModelChanged: its SHA-256 is not the manifest's.
        """
        path = self.directory / str(self.manifest["file"])
        try:
            graph = path.read_bytes()
        except OSError as error:
            raise ModelMissing(f"Cannot read {path} ({error.strerror}); restore the model store.") from error
        found = hashlib.sha256(graph).hexdigest()
        if found != self.manifest["sha256"]:
            raise ModelChanged(
                f"{path} is not the file that its manifest describes (SHA-256 {found[:12]}..., expected "
                f"{str(self.manifest['sha256'])[:12]}...); restore the model store."
            )
        return graph


def default_store() -> Path:
    """The store inside an installed wheel, or the one beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "model_store"
    return packaged if packaged.is_dir() else package.parents[1] / "model_store"


class ModelStore:
    """``models`` are all versions under ``root``, the oldest of each model first.

    Raises:
        ModelMissing: ``root`` is not a folder.
        ModelUnreadable: a manifest cannot be parsed or lacks a required key.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ModelMissing(f"The model store {root} is not a folder; set MIEN_STORE to one.")
        self.root = root
        manifests = sorted(root.glob(f"*/*/{MANIFEST}"))
        self.models = tuple(sorted((_read(path) for path in manifests), key=_sort_key))

    def pick(self, name: str) -> StoredModel:
        """The newest version.

        Raises:
            ModelMissing: there is no such model.
        """
        found = [model for model in self.models if model.name == name]
        if not found:
            raise ModelMissing(f"There is no {name} in the model store {self.root}; restore it.")
        return found[-1]


def _read(path: Path) -> StoredModel:
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelUnreadable(f"Cannot read {path}: {error}; restore the file.") from error
    missing = [key for key in _REQUIRED if key not in manifest]
    if missing:
        raise ModelUnreadable(f"{path} lacks {', '.join(missing)}; restore the file.")
    return StoredModel(str(manifest["name"]), str(manifest["version"]), path.parent, manifest)


def _sort_key(model: StoredModel) -> tuple[str, int, str]:
    number = int(model.version) if model.version.isdecimal() else -1
    return model.name, number, model.version
