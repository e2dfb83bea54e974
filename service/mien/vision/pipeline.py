"""From a frame to faces, in the three steps that the engine schedules: find, classify, finish."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from mien.domain import (
    Activation,
    AnalyzeOptions,
    Box,
    F32Array,
    Face,
    Frame,
    FrameInfo,
    FrameResult,
    Landmarks,
    StageTimes,
    U8Array,
)
from mien.runtime import Session
from mien.store import StoredModel
from mien.vision.affect import is_uncertain, valence
from mien.vision.alignment import CropSquare, crop_square, crop_tile
from mien.vision.boxes import clip
from mien.vision.classifier import ClassifierSpec, EmotionClassifier, Logits
from mien.vision.detector import OUTPUTS, Detections, DetectorSpec, FaceDetector
from mien.vision.heads import second_boxes
from mien.vision.multiscale import look
from mien.vision.quality import assess


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """Faces of one frame before they are classified. Holds none of the frame's pixels.

    ``detections`` is in pixels of the upright picture and not clipped to it; ``tiles`` holds a grey crop a face,
    ``uint8 [48, 48]``, and ``squares`` the part of the upright picture that each crop covers.
    """

    frame: FrameInfo
    detections: Detections
    tiles: tuple[U8Array, ...]
    squares: tuple[CropSquare, ...]


class Pipeline:
    """Both models, joined. Stateless after construction; shared by all workers."""

    def __init__(self, detector: FaceDetector, classifier: EmotionClassifier) -> None:
        self.detector = detector
        self.classifier = classifier

    @classmethod
    def load(cls, detector: StoredModel, emotion: StoredModel) -> "Pipeline":
        """Build both models from the store.

        Raises:
            ModelError: when a file is missing, changed or unreadable.
        """
        classifier = ClassifierSpec.from_manifest(emotion.section("heads"))
        return cls(
            FaceDetector(Session(detector, OUTPUTS), DetectorSpec.from_manifest(detector.section("detector"))),
            EmotionClassifier(Session(emotion, classifier.outputs), classifier),
        )

    def find(self, frame: Frame, options: AnalyzeOptions) -> FoundFaces:
        """Detect faces, leave out what is not worth reporting, and cut the tiles of the surest that are left."""
        seen = look(self.detector, frame.pixels, options.detector, options.min_confidence)
        if not options.keep_doubles:
            seen = seen.only(~second_boxes(seen))
        # By the long side: a reduced decode rounds up, and on a strip one pixel more is many in a hundred.
        scale = max(frame.width, frame.height) / max(frame.pixels.shape[:2])
        # Cut last: a sure face that is too small must not take the place of one that is large enough.
        seen = _worth_reporting(seen, frame, scale, options.min_face).only(slice(options.max_faces))
        squares = [crop_square(box, points) for box, points in zip(seen.boxes, seen.landmarks, strict=True)]
        tiles = tuple(crop_tile(frame.pixels, square) for square in squares)
        return FoundFaces(frame.info, seen.moved(scale), tiles, tuple(square.scaled(scale) for square in squares))

    def classify(self, tiles: Sequence[U8Array]) -> list[Logits]:
        """Classify tiles, of one frame or of many."""
        return self.classifier.run(self.classifier.prepare(tiles))

    def finish(
        self, found: FoundFaces, logits: Sequence[Logits], options: AnalyzeOptions, times: StageTimes
    ) -> FrameResult:
        """Join what was found with what was said of it."""
        frame = found.frame
        boxes = clip(found.detections.boxes, frame.width, frame.height)
        faces = tuple(self._face(found, boxes, index, said, options) for index, said in enumerate(logits))
        return FrameResult(frame.width, frame.height, faces, times, frame.time, frame.index, frame.scene)

    def _face(self, found: FoundFaces, boxes: F32Array, index: int, logits: Logits, options: AnalyzeOptions) -> Face:
        frame, detections = found.frame, found.detections
        scores = self.classifier.decode(logits, options.labels)
        emotion = max(scores, key=scores.__getitem__)
        activation = None
        if options.explain:
            activation = _activation(self.classifier.activation(logits, emotion), found.squares[index])
        left, top, right, bottom = boxes[index].tolist()
        return Face(
            box=Box(left, top, right - left, bottom - top),
            confidence=float(detections.scores[index]),
            landmarks=_landmarks(detections.landmarks[index], frame),
            emotion=emotion,
            score=scores[emotion],
            uncertain=is_uncertain(scores),
            scores=MappingProxyType(scores),
            valence=valence(scores),
            quality=assess(
                found.tiles[index],
                detections.boxes[index],
                detections.landmarks[index],
                frame.readable or Box(0, 0, frame.width, frame.height),
            ),
            activation=activation,
        )


def _worth_reporting(seen: Detections, frame: Frame, scale: float, min_face: float) -> Detections:
    """Faces that are large enough and whose centre lies in the picture, or in what could be read of it.

    ``seen`` is in the frame's pixels, of which one is ``scale`` pixels of the upright picture, as ``min_face`` is.
    """
    height, width = frame.pixels.shape[:2]
    first, end = np.zeros(2), np.asarray([width, height])
    if frame.readable is not None:
        part = frame.readable
        first = np.asarray([part.x, part.y]) / scale
        end = first + np.asarray([part.width, part.height]) / scale
    sizes = seen.boxes[:, 2:] - seen.boxes[:, :2]
    centres = seen.boxes[:, :2] + sizes / 2
    inside = ((centres >= first) & (centres < end)).all(axis=1)
    return seen.only((sizes.min(axis=1) >= min_face / scale) & inside)


def _activation(heat: F32Array, square: CropSquare) -> Activation:
    corner = Box(square.x - square.side / 2, square.y - square.side / 2, square.side, square.side)
    return Activation(heat, corner, square.roll)


def _landmarks(points: F32Array, frame: FrameInfo) -> Landmarks:
    inside = np.clip(points, 0, [frame.width, frame.height]).tolist()
    right_eye, left_eye, nose, right_mouth, left_mouth = ((float(x), float(y)) for x, y in inside)
    return Landmarks(right_eye, left_eye, nose, right_mouth, left_mouth)
