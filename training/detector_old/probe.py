"""The command line of the small measurements (`jitter`, `large_faces`, `turned`)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from training.detector.predictor import Detector, open_detector


def run(documentation: str | None, measure: Callable[[Detector, Path, int], dict[str, Any]]) -> None:
    """Prints what `measure` says of the detector, data and long side that the command line names."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threshold", type=float, required=True, help="score from which a find counts")
    parser.add_argument("--long-side", type=int, default=320, help="of the network's input, px")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = open_detector(arguments.model, arguments.threshold)
    print(json.dumps(measure(detector, arguments.data, arguments.long_side), indent=1))
