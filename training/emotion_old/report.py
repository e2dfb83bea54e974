"""Measures the emotion models in the store and writes their cards: `make model-report`.

`python -m training.emotion.report [--version N] [--fp32 FILE] [--seeds FILE.json ...]`

Everything is recomputed from the files in the store, or from that of one version. What needs a file that is not there
(the fp32 edition, other seeds) is kept in the manifest from when it was measured, and measured again when it is given.
Needs no torch, but five minutes of one core for each version, most of them for the way through the detector.
"""

import argparse
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.common import digest, toml_text
from training.emotion import data, pareto, scenes, summary, timing
from training.emotion.calibrate import Meaning
from training.emotion.card import card
from training.emotion.card.diagram import reliability_diagram
from training.emotion.evaluate import evaluate, measure
from training.emotion.pack import fp32_figures
from training.emotion.record import compared_run
from training.emotion.session import Session

Report = dict[str, Any]


def versions(store: Path) -> list[Path]:
    """The folders of the emotion model's versions, oldest first."""
    return sorted((path.parent for path in store.glob("emotion/*/manifest.toml")), key=lambda path: int(path.name))


def read_manifest(folder: Path) -> Report:
    """The manifest, checked against the file beside it."""
    tables = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    if digest.sha256(folder / tables["file"]) != tables["sha256"]:
        raise SystemExit(f"{folder / tables['file']} is not the file that its manifest describes")
    return tables


def shipped(tables: Report) -> tuple[Meaning, dict[str, float]]:
    """What the crowd head's temperature was fitted to, and both temperatures; edition 1 does not name the first."""
    heads = tables["heads"]
    meaning = Meaning(heads["ferplus8"].get("fitted_to", Meaning.VOTES_WITHOUT_LONE_ONES))
    return meaning, {name: head["temperature"] for name, head in heads.items()}


def seed_figures(files: list[Path], tables: Report, compared: Report) -> list[Report]:
    """The compared figures of this file and of other runs (their int8.json), or what the manifest keeps."""
    if not files:
        kept: list[Report] = tables["metrics"].get("seeds", [])
        return kept
    made = tables["trained_by"]
    ours = {key: made.get(key, "") for key in ("run", "seed", "epochs", "began_with", "command")}
    # An average of seeds is none itself: then the spread is that of its parts.
    rows = [] if "averaged" in made else [{**ours, "sha256": tables["sha256"], **compared}]
    for file in files:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["sha256"] != digest.sha256(file.with_name("int8.onnx")):
            raise SystemExit(
                f"{file} holds the figures of another file than the int8.onnx beside it: evaluate it again"
            )
        if found["sha256"] != tables["sha256"]:
            rows.append({**compared_run(file.parent), "sha256": found["sha256"], **summary.compared(found)})
    return rows


def fp32_of(tables: Report, file: Path | None, valid: data.Faces, meaning: Meaning) -> Report | None:
    """The fp32 file's figures, measured where it is given; what the manifest keeps of it where not."""
    kept: Report | None = tables["metrics"].get("fp32")
    if file is None:
        return kept
    found = fp32_figures(measure(file, valid, meaning))
    if kept is not None and kept["sha256"] != found["sha256"]:
        raise SystemExit(f"{file} is not the fp32 file that version {tables['version']} was made from")
    return found


def times(files: dict[str, Path], faces: NDArray[np.uint8], kept: Report, cpuinfo: str) -> Report:
    """By processor: its kind and name, this file's milliseconds on `faces` [n, 48, 48], and how many times as long the
    others take. Measured here for the one that `cpuinfo` describes, and `kept` for the others and for files that are
    not at hand. Of a cascade also its milliseconds on those faces that both of its nets look at."""
    key = timing.described(cpuinfo)
    raced = timing.race(files, timing.sample(faces))
    ours = raced.pop("ours")
    ratios = {name: summary.times_as_slow(other, ours) for name, other in raced.items()}
    known = kept.get(key, {}).get("times_as_slow", {})
    here: Report = {"kind": timing.processor(cpuinfo), "milliseconds": summary.milliseconds(ours)}
    session = Session(files["ours"])
    hard = faces[session.looked_twice(faces)] if session.is_cascade else faces[:0]
    if len(hard):
        here["milliseconds_looked_twice"] = summary.milliseconds(
            timing.race({"ours": files["ours"]}, timing.sample(hard))["ours"]
        )
    return {**kept, key: {**here, "times_as_slow": {**known, **ratios}}}


def gather(
    folder: Path, tables: Report, valid: data.Faces, train: data.Faces, options: argparse.Namespace
) -> tuple[Report, dict[str, Report]]:
    """(everything measured, the compared figures of the other versions) of a version and its manifest."""
    meaning, temperatures = shipped(tables)
    measured = evaluate(folder / tables["file"], valid, train, meaning, temperatures)
    old = tables["metrics"]
    measured["compared"] = summary.compared(measured)
    measured["seeds"] = seed_figures(options.seeds, tables, measured["compared"])
    measured["fp32_at_hand"] = options.fp32 is not None
    measured["fp32"] = fp32_of(tables, options.fp32, valid, meaning)
    files = {"ours": folder / tables["file"], "fp32": options.fp32, "mini_xception": options.mini_xception}
    at_hand = {name: path for name, path in files.items() if path is not None and path.is_file()}
    measured["load"], measured["cores"] = os.getloadavg()[0], os.cpu_count()
    cpuinfo = timing.CPUINFO.read_text() if timing.CPUINFO.is_file() else ""
    measured["processor"] = timing.described(cpuinfo)
    measured["times"] = times(at_hand, valid.images, old.get("times", {}), cpuinfo)
    measured["raced"] = sorted(at_hand)
    if options.keep_scenes:
        measured["through_detector"] = scenes.still_true(old.get("through_detector"), options.store)
    else:
        measured["through_detector"] = scenes.through_detector(options.store, tables["version"], options.data, valid)
    return measured, {other.name: _compared(other, valid) for other in versions(options.store) if other != folder}


def metrics_table(measured: Report) -> Report:
    """The manifest's `metrics`."""
    return {
        "split": "valid",
        **summary.summary(measured),
        "times": measured["times"],
        **{key: measured[key] for key in ("fp32", "through_detector", "seeds") if measured[key]},
    }


def _compared(folder: Path, valid: data.Faces) -> Report:
    tables = read_manifest(folder)
    return summary.compared(measure(folder / tables["file"], valid, *shipped(tables)))


def _tells_how_it_was_made(folder: Path) -> bool:
    told = "config" in read_manifest(folder)["trained_by"]
    if not told:
        print(f"{folder} was packed before manifests told how a file was made: it stays as it is")
    return told


def _report(folder: Path, valid: data.Faces, train: data.Faces, options: argparse.Namespace) -> None:
    tables = read_manifest(folder)
    measured, others = gather(folder, tables, valid, train, options)
    tables["metrics"] = metrics_table(measured)
    diagram = reliability_diagram(measured["protocol_a"]["reliability"], f"emotion {tables['version']}, protocol A")
    cv2.imwrite(str(folder / "reliability.png"), diagram)
    (folder / "manifest.toml").write_text(toml_text.dump(tables), encoding="utf-8")
    (folder / "CARD.md").write_text(card(tables, measured, others, pareto.read()), encoding="utf-8")
    print(f"wrote {folder}: protocol A {tables['metrics']['protocol_a_accuracy']} %")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.emotion.report", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--version", help="only this one")
    parser.add_argument("--fp32", type=Path, help="the fp32 file that the version was quantised from")
    parser.add_argument("--mini-xception", type=Path, default=Path("runs/emotion/mini_xception.onnx"))
    parser.add_argument("--seeds", type=Path, nargs="+", default=[], help="int8.json of runs that differ by their seed")
    parser.add_argument("--keep-scenes", action="store_true", help="keep the figures of the way through the detector")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    chosen = [options.store / "emotion" / options.version] if options.version else versions(options.store)
    measurable = [folder for folder in chosen if _tells_how_it_was_made(folder)]
    if len(measurable) > 1 and (options.fp32 or options.seeds):
        parser.error("--fp32 and --seeds are of one version's making: name it with --version")
    try:
        valid, train = data.load(options.data, "valid"), data.load(options.data, "train")
    except FileNotFoundError as missing:
        print(f"{missing.filename} is not here: without its faces the emotion model is not measured")
        return
    for folder in measurable:
        _report(folder, valid, train, options)


if __name__ == "__main__":
    main()
