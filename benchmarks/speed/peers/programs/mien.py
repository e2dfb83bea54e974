"""Mien's Python API: the whole answer, with landmarks, quality and every score."""

from collections.abc import Sequence

from benchmarks.speed.peers.programs import Analyze


def load(setting: str) -> Analyze:
    """See the package; ``setting`` is the detector's mode."""
    from mien import Analyzer
    from mien.domain import DetectorMode

    analyzer, mode = Analyzer(workers=1), DetectorMode(setting)

    def analyze(files: Sequence[bytes]) -> int:
        return sum(len(result.faces) for result in analyzer.analyze(list(files), detector=mode))

    return analyze
