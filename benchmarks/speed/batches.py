"""Many faces in one picture: what a face's classification takes, over a full batch in the bare session.

python -m benchmarks.speed.batches [--rounds 5]
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np

from benchmarks.speed.pictures import many_faces
from benchmarks.speed.table import Asked, Options, Row, run
from mien.domain import AnalyzeOptions, DetectorMode
from mien.engine.local import EngineConfig, open_engine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.runtime import Session
from mien.store import ModelStore, default_store
from mien.vision.classifier import ClassifierSpec

_FACES, _BATCH, _REPEATS = 64, 32, 15


def rows(options: Options) -> Iterator[Row]:
    """From the end of detection to the finished answer of a picture, in an engine with one worker."""
    emotion = ModelStore(default_store()).pick("emotion")
    session = Session(emotion, ClassifierSpec.from_manifest(emotion.section("heads")).outputs)
    crops = np.random.default_rng(0).integers(0, 255, (_BATCH, 48, 48, 1)).astype(np.uint8)
    frame = PictureDecoder(DecodeLimits(), 1).decode(many_faces(_FACES).data, detector_side=1280)
    asked = AnalyzeOptions(detector=DetectorMode.AUTO, max_faces=_FACES)
    ratios, faces = [], 0
    with closing(open_engine(EngineConfig(default_store(), 1))) as engine:

        def classify() -> float:
            nonlocal faces
            (result,) = engine.analyze([frame], asked)
            faces = len(result.faces)
            return result.times.classify / faces

        for _ in range(options.rounds):
            bare = _median(lambda: _milliseconds(session, crops) / _BATCH)
            ratios.append(_median(classify) / bare)
    name = f"{faces} faces in a picture: classification per face over batch 32 in the bare session"
    yield Row(name, ratios, "x", Asked(1.15, 1.05))


def _milliseconds(session: Session, crops: np.ndarray) -> float:
    started = time.perf_counter()
    session.run(crops)
    return (time.perf_counter() - started) * 1e3


def _median(measure: Callable[[], float]) -> float:
    measure()
    return statistics.median(measure() for _ in range(_REPEATS))


if __name__ == "__main__":
    run(__doc__, rows)
