"""Packs a model into the store: the file, its manifest and its card; and how a card writes tables and numbers."""

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from training.common.stages import clock, sha256


@dataclass(frozen=True)
class Origin:
    """How a model was made: its version, the seconds of each stage, and where they were spent."""

    version: str
    seconds: Mapping[str, float]
    device: str

    def __str__(self) -> str:
        return f"{clock(sum(self.seconds.values()))} on {self.device}"


LICENCE = "No clear licence. {data} The weights are learned from them: settle your own position before commercial use."


def pack(store: Path, model: Path, manifest: Mapping[str, object], card: str) -> Path:
    """Put `model` into `store` as its one version, with `manifest` (all but `file` and `sha256`) and `card`."""
    folder = store / str(manifest["name"]) / str(manifest["version"])
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(model, folder / "model.onnx")
    head = {key: manifest[key] for key in ("name", "version")} | {"file": "model.onnx", "sha256": sha256(model)}
    rest = {key: value for key, value in manifest.items() if key not in head}
    (folder / "manifest.toml").write_text(tomli_w.dumps(head | rest), encoding="utf-8")
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    return folder


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are written as they are."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percent(share: float) -> str:
    """A share as per cent, two decimals, without the sign."""
    return f"{100 * share:.2f}"


def paragraph(text: str) -> str:
    """`text` broken into lines of at most 120 columns."""
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)
