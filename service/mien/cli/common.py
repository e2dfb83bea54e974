"""What the commands that load models share."""

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mien.domain import AnalyzeOptions, DetectorMode, LabelSet
from mien.environment import (
    MODEL_VERSIONS,
    STORE,
    WORKERS,
    check_store,
    check_versions,
    cores,
    parse_versions,
    parse_workers,
    refusing,
)
from mien.paths import default_store


def add_store(parser: argparse.ArgumentParser) -> None:
    """``--store``."""
    parser.add_argument("--store", type=Path, help="the model store (MIEN_STORE; by default the one that came along)")


@dataclass(frozen=True, slots=True)
class ChosenStore:
    """The model store, and the ``versions`` of models that are wanted instead of the newest."""

    root: Path
    versions: Mapping[str, str]


def store_of(chosen: argparse.Namespace) -> ChosenStore:
    """The store that the caller chose, and the versions in it: what the server would take.

    Raises:
        InvalidOption: when there is no such store, model or version.
    """
    root: Path = chosen.store or Path(os.environ.get(STORE) or default_store())
    with refusing("--store" if chosen.store else STORE, root):
        check_store(root)
    written = os.environ.get(MODEL_VERSIONS)
    if not written:
        return ChosenStore(root, {})
    with refusing(MODEL_VERSIONS, written):
        versions = parse_versions(written)
        check_versions(versions, root)
    return ChosenStore(root, versions)


def worker_count() -> int:
    """How many inference threads: as many as the server would have.

    Raises:
        InvalidOption: when ``MIEN_WORKERS`` cannot be used.
    """
    written = os.environ.get(WORKERS)
    if not written:
        return cores()
    with refusing(WORKERS, written):
        return parse_workers(written)


def add_analysis_options(parser: argparse.ArgumentParser) -> None:
    """The options that ``POST /predict`` takes too."""
    defaults = AnalyzeOptions()
    group = parser.add_argument_group("analysis")
    group.add_argument(
        "--detector",
        choices=[str(mode) for mode in DetectorMode],
        default=str(defaults.detector),
        help="accurate finds more small faces and takes longer (default: %(default)s)",
    )
    group.add_argument(
        "--min-face",
        type=_number(1, 100_000),
        default=defaults.min_face,
        metavar="PX",
        help="leave out faces with a shorter side of fewer pixels (default: %(default)g)",
    )
    group.add_argument(
        "--min-confidence",
        type=_number(0, 1),
        metavar="0..1",
        help="leave out faces that the detector is less sure of (default: the detector's own threshold)",
    )
    group.add_argument(
        "--max-faces",
        type=_whole(1, 1000),
        default=defaults.max_faces,
        metavar="N",
        help="report at most so many faces, the surest ones (default: %(default)s)",
    )
    group.add_argument(
        "--labels",
        choices=[str(labels) for labels in LabelSet],
        default=str(defaults.labels),
        help="the set of emotions to choose from (default: %(default)s)",
    )


def analysis_options(chosen: argparse.Namespace, explain: bool = False) -> AnalyzeOptions:
    """What ``add_analysis_options`` read."""
    return AnalyzeOptions(
        detector=DetectorMode(chosen.detector),
        min_face=chosen.min_face,
        min_confidence=chosen.min_confidence,
        max_faces=chosen.max_faces,
        labels=LabelSet(chosen.labels),
        explain=explain,
    )


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse
