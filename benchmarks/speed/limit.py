"""The limit: what no service can avoid. The fastest decoder, letterbox, both networks and crops, in a bare loop.

The service's own pipeline runs once and tells which inputs its networks get; the loop then decodes the picture, makes
inputs of these sizes and runs the networks on them, and nothing else: no search for the faces in their outputs, no
checks, no threads, no HTTP. It runs in as many processes at once as there are cores, as the service keeps them busy.
"""

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import simplejpeg

from benchmarks.search.scenes import Image
from mien.domain import AnalyzeOptions, DetectorMode, Frame, StageTimes
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.memory import keep_freed
from mien.store import ModelStore, default_store
from mien.vision.alignment import CROP_SIDE
from mien.vision.pipeline import Pipeline
from mien.vision.pyramid import finest_side

_WARM_UP = 5


@dataclass(frozen=True)
class Cost:
    """Milliseconds per picture: of one core's time, and on the clock."""

    cpu: float
    wall: float


class Limit:
    """Call it to do the unavoidable work for one picture."""

    def __init__(self, data: bytes, mode: DetectorMode) -> None:
        cv2.setNumThreads(1)
        keep_freed(1)  # each process has one thread
        store = ModelStore(default_store())
        pipeline = Pipeline.load(store.pick("face-detector"), store.pick("emotion"))
        self._detect, self._classify = pipeline.detector._session.run, pipeline.classifier._session.run
        self._inputs: list[Image] = []
        pipeline.detector._session.run = self._recorded  # type: ignore[method-assign]
        frame = PictureDecoder(DecodeLimits(), 1).decode(data, detector_side=finest_side(mode))
        found = pipeline.detect(frame, AnalyzeOptions(detector=mode))
        self.faces = len(pipeline.finish(found, pipeline.classify(found.crops), AnalyzeOptions(), StageTimes()).faces)
        self._crops = len(found.crops)
        self._decode = _fastest_decoder(data, frame)
        self._square = min(frame.pixels.shape[:2])

    def _recorded(self, images: Image) -> list[Any]:
        self._inputs.append(images)
        return self._detect(images)

    def __call__(self) -> None:
        pixels = self._decode()
        for images in self._inputs:
            height, width = images.shape[1:3]
            if len(images) > 1:  # looks at single faces
                self._detect(images)
            elif (height, width) == pixels.shape[:2]:
                self._detect(pixels[None])
            else:
                fitted = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
                self._detect(np.asarray(fitted, dtype=np.uint8)[None])
        if self._crops:
            face = np.ascontiguousarray(pixels[: self._square, : self._square], dtype=np.uint8)
            crops = [_crop(face[:192, :192]) for _ in range(self._crops)]
            self._classify(np.stack(crops)[..., None])


def _crop(face: Image) -> Image:
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    turn = np.asarray([[0.25, 0, 0], [0, 0.25, 0]])
    return np.asarray(cv2.warpAffine(grey, 4 * turn, (CROP_SIDE, CROP_SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def _fastest_decoder(data: bytes, frame: Frame) -> Callable[[], Image]:
    """To the size of ``frame``, which the service decodes to."""
    array = np.frombuffer(data, np.uint8)
    factor = round(frame.width / frame.pixels.shape[1])
    flag = {1: cv2.IMREAD_COLOR_BGR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}[factor]
    height, width = frame.pixels.shape[:2]
    pixels = np.empty((height, width, 3), np.uint8)
    decoders: list[Callable[[], Image]] = [
        lambda: np.asarray(cv2.imdecode(array, flag)),
        lambda: np.asarray(simplejpeg.decode_jpeg(data, "BGR", min_height=height, min_width=width, buffer=pixels)),
    ]
    return min(decoders, key=lambda decode: statistics.median(_timed(decode) for _ in range(9)))


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _loop(data: bytes, mode: DetectorMode, seconds: float, ready: Any, costs: Any) -> None:
    limit = Limit(data, mode)
    for _ in range(_WARM_UP):
        limit()
    ready.wait()
    count, cpu, wall = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() < wall + seconds:
        limit()
        count += 1
    costs.put(((time.process_time() - cpu) / count * 1e3, (time.perf_counter() - wall) / count * 1e3))


def limit_of(data: bytes, mode: DetectorMode, seconds: float, processes: int = os.cpu_count() or 1) -> Cost:
    """The cost of the limit in so many processes at once, each of which runs for ``seconds``."""
    context = multiprocessing.get_context("spawn")
    ready, costs = context.Barrier(processes), context.Queue()
    running = [context.Process(target=_loop, args=(data, mode, seconds, ready, costs)) for _ in range(processes)]
    for process in running:
        process.start()
    told = [costs.get(timeout=60 + seconds) for _ in running]
    for process in running:
        process.join()
    return Cost(statistics.mean(cpu for cpu, _ in told), statistics.mean(wall for _, wall in told))
