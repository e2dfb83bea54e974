"""What is lost between a bare tile and a face that our detector finds in a photograph, for the card."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import DetectorMode
from mien.store import ModelStore
from mien.vision import alignment
from mien.vision.pipeline import Pipeline
from training.emotion import data
from training.emotion.targets import protocol_a
from training.end_to_end.evaluate import GROUNDS, Loss, measure
from training.end_to_end.scenes import face_free_photographs

SIDES = (64, 128, 224)  # px of a face in the photograph

# Where the service crops: other numbers, other figures.
FRAMING = {
    "box_in_tile": [
        alignment.BOX_IN_TILE_WIDTH,
        alignment.BOX_IN_TILE_HEIGHT,
        alignment.BOX_IN_TILE_CENTRE_X,
        alignment.BOX_IN_TILE_CENTRE_Y,
    ],
    "tighter": alignment.TIGHTER,
    "raised": alignment.RAISED,
    "lean": alignment.LEAN,
}

Report = dict[str, Any]


def through_detector(store: Path, version: str, folder: Path, valid: data.Faces, count: int | None = None) -> Report:
    """Both modes of the newest detector at three sizes of faces, in per cent and points; minutes of every core.

    `folder` holds the training data; `count` takes only the first faces, for a quick look.
    """
    detector = ModelStore(store).pick("face-detector")
    kept, label = protocol_a(valid.votes)
    tiles, answers = np.asarray(valid.images[kept][:count]), label[kept][:count]
    row = partial(_row, store, version, folder, tiles, answers)
    ways = [(mode, side) for mode in DetectorMode for side in SIDES]
    # Fresh processes: onnxruntime's threads do not survive a fork.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        rows = [asdict(loss) for loss in pool.map(row, *zip(*ways, strict=True))]
    return {
        "detector": detector.version,
        "detector_sha256": detector.manifest["sha256"],
        "framing": FRAMING,
        "rows": [{key: round(v, 2) if isinstance(v, float) else v for key, v in row.items()} for row in rows],
    }


def _row(
    store: Path,
    version: str,
    folder: Path,
    tiles: NDArray[np.uint8],
    label: NDArray[np.int64],
    mode: DetectorMode,
    side: int,
) -> Loss:
    cv2.setNumThreads(1)
    stored = ModelStore(store)
    pipeline = Pipeline.load(stored.pick("face-detector"), stored.pick("emotion", version))
    return measure(pipeline, tiles, label, list(face_free_photographs(folder, GROUNDS)), side, mode)


def still_true(kept: Report | None, store: Path) -> Report | None:
    """Figures measured earlier, where the newest detector and the crop are still those that they were measured with."""
    if kept is None:
        return None
    newest = ModelStore(store).pick("face-detector").manifest["sha256"]
    return kept if (kept["detector_sha256"], kept.get("framing")) == (newest, FRAMING) else None


def mean_losses(through: Report) -> dict[str, float]:
    """Points lost by each mode of the detector, averaged over the sizes."""
    modes = dict.fromkeys(row["detector"] for row in through["rows"])
    return {mode: float(np.mean([row["loss"] for row in through["rows"] if row["detector"] == mode])) for mode in modes}
