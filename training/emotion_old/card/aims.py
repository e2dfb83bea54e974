"""The table that the model is judged by: asked, aimed at, measured."""

from collections.abc import Iterator
from typing import Any

from training.common.aims import Aim, aims_table
from training.emotion.scenes import mean_losses

Report = dict[str, Any]


def aims(measured: Report) -> str:
    """Every row, as Markdown; `measured` is what the report gathered (shares, not per cent)."""
    return aims_table([*_accuracies(measured), *_scores(measured), *_losses(measured), *_times(measured)])


def _accuracies(measured: Report) -> Iterator[Aim]:
    crowd, both, single = measured["protocol_a"], measured["protocol_b"], measured["fer2013"]
    a, b, f, recall = (
        tuple(row[key] for row in measured["seeds"])
        for key in ("protocol_a_accuracy", "protocol_b_accuracy", "fer2013_accuracy", "protocol_a_macro_recall")
    )
    yield Aim(f"FER+ protocol A (n = {crowd['n']:,})", 89.2, 90.5, 100 * crowd["accuracy"], "%", seeds=a)
    yield Aim(f"FER+ protocol B (n = {both['n']:,})", 85.2, 86.5, 100 * both["accuracy"], "%", seeds=b)
    yield Aim(f"FER2013, 7-way head (n = {single['n']:,})", 71.5, 73.5, 100 * single["accuracy"], "%", seeds=f)
    yield Aim("macro recall over 8 classes on A", 71, 76, 100 * crowd["macro_recall"], "%", seeds=recall)


def _scores(measured: Report) -> Iterator[Aim]:
    calibration = measured["calibration"]
    kl, pooled = (
        tuple(row[key] for row in measured["seeds"]) for key in ("protocol_a_kl_nats", "ece_protocol_a_pooled")
    )
    crowd = measured["protocol_a"]
    name = "KL(votes, scores as shipped) on A"
    yield Aim(name, 0.25, 0.22, crowd["kl_nats"], "nats", 3, fewer=True, seeds=kl)
    name = "KL(votes, crowd head at temperature 1) on A"
    yield Aim(name, 0.25, 0.22, crowd["kl_nats_untouched"], "nats", 3, fewer=True)
    for protocol, title in (("protocol_a", "A"), ("protocol_b", "B")):
        for way, how in (("halves", "each half by itself"), ("pooled", "both halves pooled")):
            name = f"calibration error on {title}, {how}"
            value = 100 * calibration[protocol][way]
            seeds = pooled if (title, way) == ("A", "pooled") else ()
            yield Aim(name, 2.0, 1.5, value, "%", fewer=True, seeds=seeds)
    yield Aim("face and mirror image, mean difference", 0.02, None, measured["mirror"]["mean_difference"], "", 4, True)


def _losses(measured: Report) -> Iterator[Aim]:
    base = 100 * measured["protocol_a"]["accuracy"]
    fp32, through = measured["fp32"], measured["through_detector"]
    lost = None if fp32 is None else fp32["protocol_a_accuracy"] - base
    yield Aim("loss from fp32 to int8, A", 0.4, 0.2, lost, "points", fewer=True)
    losses = {"fast": None, "accurate": None} if through is None else mean_losses(through)
    for mode, loss in losses.items():
        yield Aim(f"loss through our detector ({mode}) and crop, A", 2.0, 1.0, loss, "points", fewer=True)
    for name, accuracy in measured["robustness"].items():
        yield Aim(f"loss under {CHANGES[name]}, A", 4, 2, base - 100 * accuracy, "points", fewer=True)


CHANGES = {
    "crop_jitter_10pc": "crop jitter of 10 %",
    "blur_sigma_1": "Gaussian blur of sigma 1",
    "brightness_0.6": "brightness x0.6",
    "jpeg_30": "JPEG quality 30",
    "face_24px": "faces of 24 px",
}
"""What perturb.ROBUSTNESS does, in words."""


KINDS = {"vnni": "with VNNI", "no_vnni": "without VNNI"}
"""The kinds of processors that `timing.processor` tells apart, in words."""


def _times(measured: Report) -> Iterator[Aim]:
    for processor, race in measured["times"].items():
        name, times = f"{processor}, {KINDS[race['kind']]}", race["milliseconds"]
        yield Aim(f"time a face, one core ({name}), batch 1", 0.35, 0.20, times["batch_1"], "ms", 3, fewer=True)
        yield Aim(f"time a face, one core ({name}), batch 32", 0.25, 0.15, times["batch_32"], "ms", 3, fewer=True)
