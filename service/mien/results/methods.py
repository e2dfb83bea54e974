"""A paragraph for the methods section of a paper, made from a run: what was used, how it was set, how good it is."""

from collections.abc import Mapping, Sequence

from mien.domain import LABELS, AnalyzeOptions
from mien.results.documents import Video
from mien.results.run import ClipRun, ModelCard, PictureRun
from mien.usecases.analyze_video import Smoothing

_CITATION = (
    "Expression labels follow the FER+ scheme (Barsoum, Zhang, Canton Ferrer and Zhang, 2016, "
    "doi:10.1145/2993148.2993165)."
)
_MEANING = (
    "Scores are the shares of human raters who would be expected to choose each label; they describe visible "
    "expressions and not what a person feels."
)


def picture_methods(run: PictureRun) -> str:
    """For pictures."""
    return _paragraph(run.service.version(), run.service.models(), run.options, "Pictures were analysed")


def clip_methods(run: ClipRun, video: Video) -> str:
    """For a clip; ``video`` is its result's."""
    sampling = run.video.sampling
    rate = "at every frame" if sampling.fps is None else f"at {sampling.fps:g} frames per second of presentation time"
    part = ""
    if sampling.start or sampling.end is not None:
        end = video.duration if sampling.end is None else sampling.end
        part = f" from {sampling.start:g} to {end:g} s"
    smoothed = "were smoothed over time by an exponential moving average (time constant 0.25 s)"
    what = (
        f"The clip ({video.duration:g} s, {video.width} x {video.height} pixels, {video.codec}) was analysed{part} "
        f"{rate} ({video.frames_analyzed} frames). Faces were linked to people by position and size, without face "
        f"recognition, and scores {smoothed if run.video.smoothing is Smoothing.EMA else 'were not smoothed'}. The "
        "analysis was run"
    )
    return _paragraph(run.service.version(), run.service.models(), run.options, what)


def _paragraph(version: str, models: Sequence[ModelCard], options: AnalyzeOptions, start: str) -> str:
    used = "; ".join(
        f"{card.name} version {card.version}, SHA-256 {card.manifest.get('sha256', 'unknown')}" for card in models
    )
    labels = ", ".join(LABELS[options.labels])
    return " ".join(
        [
            f"{start} with Mien {version} ({used}).",
            f"Faces were detected in the mode {options.detector} at a confidence of at least "
            f"{_threshold(models, options):g} and a size of at least {options.min_face:g} px; each was scored for "
            f"{labels}.",
            *_accuracies(models),
            _MEANING,
            _CITATION,
        ]
    )


def _threshold(models: Sequence[ModelCard], options: AnalyzeOptions) -> float:
    if options.min_confidence is not None:
        return options.min_confidence
    table: Mapping[str, float] = next((card.manifest["detector"] for card in models if "detector" in card.manifest), {})
    return float(table.get("threshold", 0.0))


def _accuracies(models: Sequence[ModelCard]) -> list[str]:
    sentences = []
    for card in models:
        metrics = card.manifest.get("metrics", {})
        if "protocol_a_accuracy" in metrics:
            sentences.append(
                f"The accuracy of the emotion model on the {metrics.get('split', '?')} split of FER+ (majority label, "
                f"{metrics.get('protocol_a_n', '?')} faces) is {metrics['protocol_a_accuracy']:g} %."
            )
        if "at_320" in metrics and "ap50" in metrics["at_320"]:
            sentences.append(
                f"The average precision of the face detector (IoU 0.5, {metrics['at_320'].get('ap50_n', '?')} faces of "
                f"held-out photographs) is {metrics['at_320']['ap50']:g}."
            )
    return sentences
