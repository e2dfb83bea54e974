"""From a frame to faces, in the three steps that the engine schedules: detect, classify, finish."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mien.domain import (
    Activation,
    AnalyzeOptions,
    Box,
    DetectorMode,
    F32Array,
    Face,
    Frame,
    FrameInfo,
    FrameResult,
    Landmarks,
    Quality,
    StageTimes,
    U8Array,
)
from mien.providers import ON_CPU, Execution
from mien.runtime import Session
from mien.store import StoredModel
from mien.vision.alignment import CropSquare, crop_face, crop_square
from mien.vision.boxes import Detections
from mien.vision.classifier import ClassifierSpec, EmotionClassifier, Logits, is_uncertain, valence
from mien.vision.detector import OUTPUTS, DetectorSpec, FaceDetector
from mien.vision.duplicates import second_boxes
from mien.vision.pyramid import plan
from mien.vision.quality import MIN_SIZE, assess
from mien.vision.search import search
from mien.vision.uprightness import look_again


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """Faces of one frame before they are classified. Holds none of the frame's pixels.

    ``detections`` is in pixels of the upright picture and not clipped to it; ``crops`` holds one grey crop per face,
    ``uint8 [48, 48]``, and ``squares`` the part of the upright picture that each crop covers. ``min_side`` is the side
    in pixels of the upright picture under which faces were not looked for; ``doubtful`` ``[n]``: the detector does not
    tell which way is up in that face.
    """

    frame: FrameInfo
    detections: Detections
    crops: tuple[U8Array, ...]
    squares: tuple[CropSquare, ...]
    min_side: float
    doubtful: NDArray[np.bool_]


class Pipeline:
    """Both models. Stateless after construction; shared by all workers."""

    def __init__(self, detector: FaceDetector, classifier: EmotionClassifier) -> None:
        self.detector = detector
        self.classifier = classifier

    @classmethod
    def load(cls, detector: StoredModel, emotion: StoredModel, execution: Execution = ON_CPU) -> "Pipeline":
        """Build both models.

        Raises:
            ModelError: a file is missing, changed or unreadable.
            InvalidOption: see ``Session``.
        """
        classifier = ClassifierSpec.from_manifest(emotion.section("heads"))
        return cls(
            FaceDetector(
                Session(detector, OUTPUTS, execution), DetectorSpec.from_manifest(detector.section("detector"))
            ),
            EmotionClassifier(Session(emotion, classifier.outputs, execution), classifier),
        )

    def detect(self, frame: Frame, options: AnalyzeOptions) -> FoundFaces:
        """Detect faces, drop those not worth reporting, and crop the best ``max_faces`` of the rest."""
        asked, calibration = options.min_confidence, self.detector.spec.calibration
        least = None if asked is None else calibration.score(asked)
        found = search(self.detector, frame.pixels, options.detector, least)
        if not options.keep_doubles:
            found = found.select(~second_boxes(found))
        # From the long side: a reduced decode rounds up, and one pixel of a narrow strip's short side is a lot.
        scale = max(frame.width, frame.height) / max(frame.pixels.shape[:2])
        # ``max_faces`` comes last: a face too small to report must not take the place of one that is not.
        found = _worth_reporting(found, frame, scale, options.min_face).select(slice(options.max_faces))
        found, doubtful = look_again(self.detector, frame.pixels, found, MIN_SIZE / scale)
        found = Detections(found.boxes, calibration.probability(found.scores), found.landmarks)
        squares = [crop_square(box, points) for box, points in zip(found.boxes, found.landmarks, strict=True)]
        crops = tuple(crop_face(frame.pixels, square) for square in squares)
        squares = [square.scaled(scale) for square in squares]
        return FoundFaces(
            frame.info, found.transform(scale), crops, tuple(squares), self._min_side(frame, options.detector), doubtful
        )

    def _min_side(self, frame: Frame, mode: DetectorMode) -> float:
        height, width = frame.pixels.shape[:2]
        finest = plan(width, height, mode, self.detector.spec.multiple)[0]
        return self.detector.spec.min_side * max(frame.width, frame.height) / finest.long_side

    def classify(self, crops: Sequence[U8Array]) -> list[Logits]:
        """Classify crops, of one frame or of many."""
        return self.classifier.run(crops)

    def finish(
        self, found: FoundFaces, logits: Sequence[Logits], options: AnalyzeOptions, times: StageTimes
    ) -> FrameResult:
        """The result of a frame, from its faces and the ``logits`` of their crops."""
        frame = found.frame
        picture = frame.readable or Box(0, 0, frame.width, frame.height)
        detections = found.detections
        qualities = assess(found.crops, detections.boxes, detections.landmarks, picture, found.doubtful)
        faces = tuple(
            self._face(found, index, one, quality, options)
            for index, (one, quality) in enumerate(zip(logits, qualities, strict=True))
        )
        warnings = _not_looked_for(found.min_side, options)
        return FrameResult(frame.width, frame.height, faces, times, frame.time, frame.index, frame.scene, warnings)

    def _face(self, found: FoundFaces, index: int, logits: Logits, quality: Quality, options: AnalyzeOptions) -> Face:
        frame, detections, doubtful = found.frame, found.detections, bool(found.doubtful[index])
        scores = self.classifier.decode(logits, options.labels)
        emotion = max(scores, key=scores.__getitem__)
        activation = None
        if options.explain:
            activation = _activation(self.classifier.activation(logits, emotion), found.squares[index])
        return Face(
            box=_clipped(detections.boxes[index], frame),
            confidence=float(detections.scores[index]),
            landmarks=_landmarks(detections.landmarks[index], frame),
            emotion=emotion,
            score=scores[emotion],
            uncertain=doubtful or is_uncertain(scores),
            scores=MappingProxyType(scores),
            valence=valence(scores),
            quality=quality,
            activation=activation,
        )


def _worth_reporting(found: Detections, frame: Frame, scale: float, min_face: float) -> Detections:
    """Faces that are large enough and whose centre lies in the picture, or in the part of it that could be read.

    ``found`` is in pixels of the frame; one of them is ``scale`` pixels of the upright picture, as ``min_face`` is.
    """
    height, width = frame.pixels.shape[:2]
    start, end = np.zeros(2), np.asarray([width, height])
    if frame.readable is not None:
        part = frame.readable
        start = np.asarray([part.x, part.y]) / scale
        end = start + np.asarray([part.width, part.height]) / scale
    sizes = found.boxes[:, 2:] - found.boxes[:, :2]
    centres = found.boxes[:, :2] + sizes / 2
    inside = ((centres >= start) & (centres < end)).all(axis=1)
    return found.select((sizes.min(axis=1) >= min_face / scale) & inside)


def _not_looked_for(min_side: float, options: AnalyzeOptions) -> tuple[str, ...]:
    """A sentence if faces that were asked for are too small for the budget, ``min_side`` px being the smallest."""
    if min_side <= options.min_face:
        return ()
    remedy = "send a part of the picture" if options.detector is DetectorMode.ACCURATE else "ask for detector=accurate"
    return (f"Faces under about {math.ceil(min_side)} px were not looked for; {remedy} to find smaller ones.",)


def _activation(heat: F32Array, square: CropSquare) -> Activation:
    corner = Box(square.x - square.side / 2, square.y - square.side / 2, square.side, square.side)
    return Activation(heat, corner, square.roll)


def _clipped(box: F32Array, frame: FrameInfo) -> Box:
    left, top, right, bottom = box.tolist()
    left, top = min(max(left, 0.0), frame.width), min(max(top, 0.0), frame.height)
    return Box(left, top, max(min(right, frame.width) - left, 0.0), max(min(bottom, frame.height) - top, 0.0))


def _landmarks(points: F32Array, frame: FrameInfo) -> Landmarks:
    inside = np.clip(points, 0, [frame.width, frame.height]).tolist()
    right_eye, left_eye, nose, right_mouth, left_mouth = ((float(x), float(y)) for x, y in inside)
    return Landmarks(right_eye, left_eye, nose, right_mouth, left_mouth)
