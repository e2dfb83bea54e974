"""The card's classes, errors and calibration."""

from typing import Any

from training.common.markdown import percent, table
from training.emotion.calibrate import Meaning
from training.emotion.galleries import SURE
from training.emotion.labels import FERPLUS8
from training.emotion.metrics import wilson

Report = dict[str, Any]

FITTED_TO = {
    Meaning.MAJORITY: "the winning vote of every face (the most voted of the eight emotions)",
    Meaning.CLEAR_MAJORITY: "the winning vote of the faces of which one emotion has more than half (protocol A)",
    Meaning.VOTES: "all votes for an emotion",
    Meaning.VOTES_WITHOUT_LONE_ONES: "the votes, lone ones dropped",
}


def classes(measured: Report) -> str:
    """Confusion matrix and recall with its interval."""
    crowd = measured["protocol_a"]
    rows = [
        (
            name,
            *counts,
            f"{100 * counts[index] / sum(counts):.1f}",
            "{:.0f} to {:.0f}".format(*_interval(counts, index)),
        )
        for index, (name, counts) in enumerate(zip(FERPLUS8, crowd["confusion"], strict=True))
    ]
    header = ("true \\ predicted", *FERPLUS8, "recall, %", "95 %")
    return f"""
## Classes

Counts on protocol A (n = {crowd["n"]:,}). The last column is the 95 % Wilson interval of the recall: of contempt and
disgust there are so few faces that their recall is hardly known.

{table(header, rows)}
"""


def _interval(counts: list[int], index: int) -> tuple[float, float]:
    low, high = wilson(counts[index], sum(counts))
    return 100 * low, 100 * high


def errors(measured: Report) -> str:
    """The galleries, as counts."""
    found = measured["galleries"]
    wrong, sure = found["errors"], found["sure_and_wrong"]
    pairs = [
        (row["true"], row["predicted"], row["count"], f"{100 * row['count'] / row['of']:.1f}")
        for row in found["confusions"]
    ]
    buckets = [
        (f"{row['above']:.1f} to {row['up_to']:.1f}", row["n"], row["errors"], percent(1 - row["errors"] / row["n"]))
        for row in found["agreement"]
        if row["n"]
    ]
    return f"""
## Errors

Counts only: no picture of the data is in this repository. {wrong} errors on protocol A.

- The true label was the second guess in {found["second_guess"]} of them ({100 * found["second_guess"] / wrong:.0f} %),
  the third in {found["third_guess"]}.
- Wrong and sure (score above {SURE}): {sum(sure.values())} of {found["sure"]:,} faces that it is sure of, by true
  label: {", ".join(f"{name} {count}" for name, count in sure.items() if count) or "none"}.

The most common confusions:

{table(("true", "predicted", "faces", "% of the true label"), pairs)}

Where the crowd itself disagrees (every face, protocol B, by the winning label's share of the votes for emotions):

{table(("share", "faces", "errors", "right, %"), buckets)}
"""


def calibration(measured: Report) -> str:
    """How the temperatures were fitted, and how far the scores can be taken at their word."""
    found, fitted = measured["calibration"], measured["temperature"]
    titles = {"protocol_a": "crowd head, A", "protocol_b": "crowd head, B", "fer2013": "FER2013 head"}
    rows = [
        (
            title,
            f"{found[name]['n']:,}",
            *(percent(found[name][way]) for way in ("untouched", "halves", "pooled")),
            f"{100 * found[name]['signed']:+.2f}",
            *(percent(found[name][way]) for way in ("perfect_halves", "perfect_pooled")),
        )
        for name, title in titles.items()
    ]
    header = ("", "n", "untouched", "halves", "pooled", "signed", "perfect, halves", "perfect, pooled")
    temperatures = [
        (name, f"{fit['shipped']:.3f}", ", ".join(f"{half:.3f}" for half in fit["halves"]))
        for name, fit in fitted.items()
    ]
    return f"""
## Calibration

One temperature a head. The crowd head's is fitted by the likelihood of {FITTED_TO[Meaning(measured["fitted_to"])]} on
`valid`, the FER2013 head's by that of its labels. What ships is fitted on all of `valid`; the errors below are of faces
at the temperature of the half (even or odd rows) that they are not in.

{table(("head", "shipped temperature", "of the halves"), temperatures)}

Expected calibration error, %, 15 bins of the top score, hard labels:

{table(header, rows)}

*Untouched*: at temperature 1, pooled. *Halves*: of each half by itself, averaged. *Pooled*: of all faces at once, each
still at the other half's temperature. *Signed*: mean score minus share right, points; below 0 is too modest (protocol A
keeps the faces that the crowd agrees on, so scores that are right on all faces are modest there). *Perfect*: what a
perfectly calibrated model would show, since bins of few faces scatter.

Whoever wants the share of raters instead divides the logits by {found["rater_temperature"]:.3f} (fitted to all votes,
`metrics.rater_temperature` in the manifest): the top score then misses that label's share of the votes by
{percent(found["share_error_at_rater_temperature"])} % (same bins, n = {found["share_error_n"]:,}); as shipped, by
{percent(found["share_error_as_shipped"])} %.

![Reliability](reliability.png)

The same as a table, protocol A at the shipped temperature (fitted on these faces too):

{_reliability(measured)}
"""


def _reliability(measured: Report) -> str:
    bins = measured["protocol_a"]["reliability"]
    rows = [
        (f"{index / len(bins):.2f} to {(index + 1) / len(bins):.2f}", count, percent(score), percent(right))
        for index, (count, score, right) in enumerate(bins)
        if count
    ]
    return table(("top score", "faces", "mean score, %", "right, %"), rows)
