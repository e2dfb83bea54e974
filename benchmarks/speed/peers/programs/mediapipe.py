"""MediaPipe's face detector with its default model, for faces within two metres. It has no network for emotions."""

from collections.abc import Sequence

import cv2

from benchmarks.speed.peers.programs import Analyze
from benchmarks.speed.peers.programs.decoding import decode


def load(_setting: str) -> Analyze:
    """See the package."""
    import mediapipe

    detector = mediapipe.solutions.face_detection.FaceDetection()

    def analyze(files: Sequence[bytes]) -> int:
        found = (detector.process(cv2.cvtColor(decode(data), cv2.COLOR_BGR2RGB)).detections for data in files)
        return sum(len(faces or ()) for faces in found)

    return analyze
