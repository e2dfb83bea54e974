"""Measures a detector and writes its manifest and card.

`python -m training.detector.report` measures the newest file of the store again, as it is served, and writes its card.
`python -m training.detector.report --ship runs/detector/X/int8.onnx --runs runs/detector/X --version 2` puts a new file
there first, with thresholds chosen by the rule of `thresholds`; `history.md` must tell how that run came about.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import cv2

from training.common import digest, toml_text
from training.detector import history, manifest
from training.detector.card import card
from training.detector.measurements import Report, headline, measure_all


def shipped_thresholds(tables: Report) -> dict[int, float]:
    """By the input's long side, as the manifest states them."""
    detector = tables["detector"]
    return {
        detector["fast_long_side"]: detector["threshold"],
        detector["accurate_long_side"]: detector["accurate_threshold"],
    }


def by_side(measured: Report) -> dict[int, float]:
    """The thresholds that were measured at, by the input's long side."""
    return {int(side): threshold for side, threshold in measured["thresholds"].items()}


def newest(store: Path) -> Path:
    """The folder of the highest version."""
    return max((path.parent for path in store.glob("face-detector/*/manifest.toml")), key=lambda path: int(path.name))


def read_starts(runs: list[Path]) -> list[list[dict[str, Any]]]:
    """How each run was started, and started again."""
    return [
        [json.loads(line) for line in (run / "starts.jsonl").read_text(encoding="utf-8").splitlines()] for run in runs
    ]


def ship(source: Path, runs: list[Path], version: str, store: Path, data: Path, peer: Path | None) -> None:
    """Measures `source`, copies it into the store, and writes its manifest and card."""
    measured = measure_all(source, data, peer, None)
    folder = store / "face-detector" / version
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / "model.onnx")
    made = manifest.describe(folder / "model.onnx", version, runs, read_starts(runs), by_side(measured))
    write(folder, made, measured)


def write(folder: Path, tables: Report, measured: Report) -> None:
    """The manifest with the figures just measured, and the card."""
    tables = {**tables, "metrics": headline(measured)}
    (folder / "manifest.toml").write_text(toml_text.dump(tables), encoding="utf-8")
    told = history.read(tables["trained_by"]["runs"][-1])
    (folder / "CARD.md").write_text(card(tables, measured, told), encoding="utf-8")
    print(f"wrote {folder}: AP50 {measured['ours']['640']['all']['ap50']} at 640, thresholds {measured['thresholds']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peer", type=Path, default=Path("../shared/teacher/yunet_n.onnx"))
    parser.add_argument("--ship", type=Path, help="an int8 file to put into the store")
    parser.add_argument("--runs", type=Path, nargs="+", default=[], help="where that file was trained, in order")
    parser.add_argument("--version", default="2", help="of the file to put into the store")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    peer: Path | None = arguments.peer
    if peer is not None and not peer.exists():
        print(f"{peer} is not here: the detector is measured without its peer")
        peer = None
    if not (arguments.data / "faces").exists():
        print(f"{arguments.data / 'faces'} is not here: without its photographs the detector is not measured")
        return
    if arguments.ship:
        ship(arguments.ship, arguments.runs, arguments.version, arguments.store, arguments.data, peer)
        return
    folder = newest(arguments.store)
    tables = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    if digest.sha256(folder / tables["file"]) != tables["sha256"]:
        raise SystemExit(f"{folder / tables['file']} is not the file that its manifest names")
    write(folder, tables, measure_all(folder / tables["file"], arguments.data, peer, shipped_thresholds(tables)))


if __name__ == "__main__":
    main()
