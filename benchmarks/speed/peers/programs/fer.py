"""``fer`` with its default detector, an OpenCV cascade, and its default network in TensorFlow Lite."""

from collections.abc import Sequence

from benchmarks.speed.peers.programs import Analyze
from benchmarks.speed.peers.programs.decoding import decode


def load(_setting: str) -> Analyze:
    """See the package."""
    from fer.fer import FER

    detector = FER()

    def analyze(files: Sequence[bytes]) -> int:
        return sum(len(detector.detect_emotions(decode(data))) for data in files)

    return analyze
