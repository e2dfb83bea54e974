"""The table that the model is judged by: asked, aimed at, measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.emotion.card.markdown import table
from training.emotion.scenes import mean_losses

Report = dict[str, Any]


@dataclass(frozen=True)
class Aim:
    """One row. `measured` is None where nothing was measured; `seeds` are the same figure of several runs."""

    name: str
    least: float
    aim: float | None
    measured: float | None
    unit: str
    digits: int = 2
    fewer: bool = False  # the smaller the better
    seeds: tuple[float, ...] = ()

    @property
    def met(self) -> str:
        """What the last column says."""
        if self.measured is None:
            return "not measured"
        shown = round(self.measured, self.digits)  # as printed: a figure that reads 89.20 meets 89.2
        sign = -1 if self.fewer else 1
        if self.aim is not None and sign * shown >= sign * self.aim:
            return "yes, and the aim"
        return "yes" if sign * shown >= sign * self.least else "**no**"

    def cells(self) -> tuple[str, ...]:
        """The row's cells: name, asked, aim, measured, met."""
        sign = "at most" if self.fewer else "at least"
        shown = "" if self.measured is None else self._with_unit(f"{self.measured:.{self.digits}f}")
        if len(self.seeds) > 1:
            low, high, spread = min(self.seeds), max(self.seeds), float(np.std(self.seeds, ddof=1))
            shown += f" ({len(self.seeds)} seeds: {low:.{self.digits}f} to {high:.{self.digits}f}, sd {spread:.2g})"
        aim = "" if self.aim is None else self._with_unit(f"{self.aim:g}")
        return self.name, f"{sign} {self._with_unit(f'{self.least:g}')}", aim, shown, self.met

    def _with_unit(self, number: str) -> str:
        return f"{number} {self.unit}".rstrip()


def aims(measured: Report) -> list[Aim]:
    """Every row of the table; `measured` is what the report gathered (shares, not per cent)."""
    return [*_accuracies(measured), *_scores(measured), *_losses(measured), *_times(measured)]


def aims_table(measured: Report) -> str:
    """The rows as Markdown."""
    return table(("", "asked", "aim", "measured", "met"), (row.cells() for row in aims(measured)))


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
    name = "KL(votes, scores as shipped) on A"
    yield Aim(name, 0.25, 0.22, measured["protocol_a"]["kl_nats"], "nats", 3, fewer=True, seeds=kl)
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


def _times(measured: Report) -> Iterator[Aim]:
    times = measured["milliseconds"]
    yield Aim("time a face, one core, batch 1", 0.35, 0.20, times["batch_1"], "ms", fewer=True)
    yield Aim("time a face, one core, batch 32", 0.25, 0.15, times["batch_32"], "ms", fewer=True)
