"""How sure the detector must be of a face in a clip: more at first sight than afterwards."""

from dataclasses import replace

from service.domain import AnalyzeOptions, DetectorMode
from service.engine.base import Engine

_DETECTOR = "face-detector"

# Of the detector's threshold t: people who are followed are kept down to 0.6 t, and a number is begun half way from t
# to 1: a quarter of the way gave a street scene at 5 fps (accurate) five more numbers. Tuned on
# seven clips, which are few. The idea is ByteTrack's (Zhang et al., 2022).
_KEEP = 0.6
_BEGIN = 0.5


def confidences(options: AnalyzeOptions, engine: Engine) -> tuple[AnalyzeOptions, float]:
    """The options to ask the engine with, and the confidence at which a person is first believed.

    A caller who names ``min_confidence`` gets exactly that; so does everybody whose engine does not tell its threshold.
    """
    threshold = _threshold(engine, options.detector)
    if options.min_confidence is not None or threshold is None:
        return options, 0.0
    return replace(options, min_confidence=_KEEP * threshold), threshold + _BEGIN * (1.0 - threshold)


def _threshold(engine: Engine, mode: DetectorMode) -> float | None:
    for model in engine.models():
        section = model.manifest.get("detector") if model.name == _DETECTOR and model.active else None
        if isinstance(section, dict) and isinstance(section.get("threshold"), float):
            fast = float(section["threshold"])
            return fast if mode is DetectorMode.FAST else float(section.get("accurate_threshold", fast))
    return None
