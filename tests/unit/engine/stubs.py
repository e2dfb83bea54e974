"""A pipeline whose steps are plain functions of the frame, to test the pool without models."""

import threading
import time
from collections.abc import Sequence
from typing import cast

import numpy as np

from mien.domain import AnalyzeOptions, Box, Face, Frame, FrameResult, StageTimes, U8Array
from mien.vision.alignment import CropSquare
from mien.vision.boxes import Detections
from mien.vision.classifier import Logits
from mien.vision.pipeline import FoundFaces, Pipeline
from tests.fakes import make_face


def frame(value: int, faces: int = 1) -> Frame:
    """A frame in which the stub finds ``faces`` faces, whose crops are all ``value``."""
    pixels = np.full((8, 8, 3), value, dtype=np.uint8)
    pixels[0, 0, 0] = faces
    return Frame(pixels, 8, 8, index=value)


class StubPipeline:
    """Fails detection of frames whose value is in ``bad_frames`` and any batch with a crop in ``bad_crops``.

    Like the real pipeline it finds a face in any picture if the threshold is 0, as for a canary, whose value is 0.
    """

    def __init__(self, bad_frames: Sequence[int] = (), bad_crops: Sequence[int] = (), seconds: float = 0.0) -> None:
        self.bad_frames, self.bad_crops, self.seconds = set(bad_frames), set(bad_crops), seconds
        self.gate, self.classifying = threading.Event(), threading.Event()
        self.gate.set()
        self.classifying.set()
        self.batches: list[int] = []
        self.found: list[int] = []
        self.threads: set[str] = set()

    def detect(self, frame: Frame, options: AnalyzeOptions) -> FoundFaces:
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(20)
        time.sleep(self.seconds)
        value, count = int(frame.pixels[1, 1, 0]), int(frame.pixels[0, 0, 0])
        if options.min_confidence == 0:
            count = max(count, 1)
        self.found.append(value)
        if value in self.bad_frames:
            raise RuntimeError("detector broke")
        crops = tuple(np.full((48, 48), value, np.uint8) for _ in range(count))
        detections = Detections(np.zeros((count, 4)), np.zeros(count), np.zeros((count, 5, 2)))
        squares = tuple(CropSquare(0, 0, 1, 0) for _ in range(count))
        return FoundFaces(frame.info, detections, crops, squares, 8.0, np.zeros(count, np.bool_))

    def classify(self, crops: Sequence[U8Array]) -> list[Logits]:
        assert self.classifying.wait(20)
        self.batches.append(len(crops))
        values = [int(crop[0, 0]) for crop in crops]
        if self.bad_crops & set(values):
            raise RuntimeError("classifier broke")
        return [Logits(np.full(8, value, np.float32), np.zeros(7), np.zeros((8, 2, 2))) for value in values]

    def finish(
        self, found: FoundFaces, logits: Sequence[Logits], options: AnalyzeOptions, times: StageTimes
    ) -> FrameResult:
        faces: list[Face] = [make_face(Box(float(each.ferplus8[0]), 0, 1, 1)) for each in logits]
        return FrameResult(8, 8, tuple(faces), times, index=found.frame.index)


def as_pipeline(stub: StubPipeline) -> Pipeline:
    return cast("Pipeline", stub)
