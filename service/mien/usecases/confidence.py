"""How sure the detector must be of a face in a clip: more at first sight than afterwards."""

from dataclasses import replace

from mien.domain import AnalyzeOptions, DetectorMode
from mien.engine.base import Engine
from mien.timeline.tracker import TrackThresholds

_DETECTOR = "face-detector"

# Of the detector's threshold t: people who are followed are kept down to 0.6 t, as long as their mean is t or more, and
# a number is begun at once half way from t to 1 (a street scene at 5 fps, accurate, has 11 people at a quarter, a half
# and three quarters of the way). Tuned on seven clips, which are few. The idea is ByteTrack's (Zhang et al., 2022).
_KEEP = 0.6
_BEGIN = 0.5


def confidences(options: AnalyzeOptions, engine: Engine) -> tuple[AnalyzeOptions, TrackThresholds]:
    """The options to ask the engine with, and what the tracker is to believe.

    A caller who names ``min_confidence`` gets exactly that; so does everybody whose engine does not tell its threshold.
    """
    threshold = _threshold(engine, options.detector)
    if options.min_confidence is not None or threshold is None:
        return options, TrackThresholds()
    bounds = TrackThresholds(new_track=threshold + _BEGIN * (1.0 - threshold), keep_track=threshold)
    return replace(options, min_confidence=_KEEP * threshold), bounds


def _threshold(engine: Engine, mode: DetectorMode) -> float | None:
    for model in engine.models():
        section = model.manifest.get("detector") if model.name == _DETECTOR and model.active else None
        if isinstance(section, dict) and isinstance(section.get("threshold"), float):
            fast = float(section["threshold"])
            return fast if mode is DetectorMode.FAST else float(section.get("accurate_threshold", fast))
    return None
