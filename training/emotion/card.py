"""The manifest and the card of the emotion model: a page each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from training.common.store import LICENCE, Origin, paragraph, percent, table
from training.emotion import data, metrics
from training.emotion.data import BASIC7, FERPLUS8
from training.emotion.session import Session

Report = dict[str, Any]

DATASET = "FER+ votes on FER2013 images (train split); faces of photographs, which only the teachers labelled"
RIGHTS = LICENCE.format(
    data="The FER+ votes are MIT; the FER2013 images come from a 2013 research competition that grants no rights to "
    "others, and the photographs carry no licence."
)
HEADLINES = {"protocol_a": "FER+ protocol A", "protocol_b": "FER+ protocol B", "fer2013": "FER2013, 7 classes"}
MEANINGS = {
    "ferplus": "logits of the FER+ head, order as heads.ferplus8.labels",
    "fer2013": "logits of the FER2013 head, order as heads.fer2013.labels",
    "features": "last feature map, after its ReLU",
    "activation": "class-activation maps of the FER+ head; their mean over h and w plus a bias is `ferplus`",
}


def manifest(model: Path, origin: Origin, report: Report, seed: int) -> Report:
    """The manifest's tables, as the service's store reads them."""
    outputs = Session(model).outputs(np.zeros((1, data.SIDE, data.SIDE), np.uint8))
    shapes = {name: ["n", *value.shape[1:]] for name, value in outputs.items()}
    heads = {"ferplus8": ("ferplus", FERPLUS8), "fer2013": ("fer2013", BASIC7)}
    return {
        "name": "emotion",
        "version": origin.version,
        "dataset": DATASET,
        "licence": RIGHTS,
        "recipe": f"training/emotion/recipe.toml, student seed {seed}",
        "input": {"name": "images", "shape": ["n", data.SIDE, data.SIDE, 1], "dtype": "uint8", "colour": "grey"},
        "outputs": [{"name": name, "shape": shapes[name], "meaning": MEANINGS[name]} for name in shapes],
        "heads": {
            name: {"output": output, "labels": list(labels), "temperature": round(report["temperature"][name], 4)}
            for name, (output, labels) in heads.items()
        },
        "metrics": {
            "split": "FER+ valid",
            **{f"{name}_accuracy": _hundredths(report[name]["accuracy"]) for name in HEADLINES},
            **{f"{name}_n": report[name]["n"] for name in HEADLINES},
            "protocol_a_macro_recall": _hundredths(report["macro_recall"]),
            "protocol_a_kl_nats": round(report["kl_nats"], 4),
            "share_calibration_error": _hundredths(report["calibration"]["top"]),
            "uncertain_share": _hundredths(report["uncertain"]["share"]),
            "uncertain_wrong": _hundredths(report["uncertain"]["wrong_if_uncertain"]),
        },
    }


def text(origin: Origin, reports: Mapping[int, Report], seed: int) -> str:
    """The card of the student with `seed`, in Markdown; `reports` has every student's figures."""
    report = reports[seed]
    parts = [_what(origin.version), _figures(report), _classes(report), _rest(report), _made(origin, reports)]
    return "\n\n".join(parts) + "\n"


def _what(version: str) -> str:
    return f"""# Emotion model, version {version}

One grey 48x48 face in; out come logits over eight emotions as a crowd labels them (`ferplus`), over the seven FER2013
labels (`fer2013`), the last feature map and class-activation maps. A residual network of plain 3x3 convolutions with
filters tied in mirrored pairs (a face and its mirror image get the same scores; Cohen and Welling 2016,
arXiv:1602.07576) and squeeze-and-excitation gates (Hu et al. 2018, arXiv:1709.01507); int8.

**What it is for.** Describing how people would label a face: research, user studies, media search. A score is the
expected share of raters who would choose that label. It is not a measurement of what anyone feels, intends or is.
**What it is not for.** Decisions about a person; the law forbids or regulates some uses (EU AI Act, Art. 5(1)(f),
50(3), Annex III)."""


def _figures(report: Report) -> str:
    calibration, robust = report["calibration"], report["robustness"]
    plain = report["protocol_a"]["accuracy"]
    rows = [
        *(
            (f"{title} (n = {report[name]['n']:,})", f"{percent(report[name]['accuracy'])} %")
            for name, title in HEADLINES.items()
        ),
        (
            f"A without near-duplicates in train (n = {report['without_near_duplicates']['n']:,})",
            f"{percent(report['without_near_duplicates']['accuracy'])} %",
        ),
        ("macro recall over 8 classes, A", f"{percent(report['macro_recall'])} %"),
        ("KL(votes, scores), A", f"{report['kl_nats']:.3f} nats"),
        (f"share calibration error, top label (n = {calibration['n']:,})", f"{percent(calibration['top'])} %"),
        ("the same against all votes, lone ones too", f"{percent(calibration['top_of_all_votes'])} %"),
        *(
            (f"A under {name.replace('_', ' ')}", f"{percent(value)} % ({percent(value - plain)})")
            for name, value in robust.items()
        ),
        ("face and mirror image, mean difference of a score", f"{report['mirror_difference']:.4f}"),
        *(
            (f"time per face, one core, batch {batch}", f"{value:.2f} ms")
            for batch, value in report["milliseconds_per_face"].items()
        ),
    ]
    return f"""## Figures

On FER+ `valid`, for the very file in this folder; the test split was never read. The standard error of protocol A is
0.55 points. Protocol A: lone votes dropped, a face counts when one emotion has more than half of the rest; B: the most
voted emotion, every face.

{table(("", "measured"), rows)}"""


def _classes(report: Report) -> str:
    counts = report["confusion"]
    by_label = report["calibration"]["by_label"]
    rows = []
    for index, name in enumerate(FERPLUS8):
        total, found = sum(counts[index]), counts[index][index]
        low, high = metrics.wilson(found, total) if total else (0.0, 1.0)
        recall = f"{percent(found / total)} ({100 * low:.0f} to {100 * high:.0f})" if total else "none"
        rows.append((name, total, recall, percent(by_label[name])))
    return f"""## Classes

{table(("emotion", "faces (A)", "recall, % (95 %)", "share calibration error, %"), rows)}"""


def _rest(report: Report) -> str:
    doubt = report["uncertain"]
    return f"""## Calibration

One temperature per head: FER+'s by the likelihood of the votes (lone ones dropped, as the FER+ authors do), FER2013's
by that of its labels. Errors above are of faces scored at the temperature of the half that they are not in.

`uncertain` means that no label is expected to get half of the votes: {percent(doubt["share"])} % of faces. Their answer
differs from that of most raters in {percent(doubt["wrong_if_uncertain"])} % of cases, that of the others in
{percent(doubt["wrong_otherwise"])} % (n = {doubt["n"]:,}).

## Failure modes

Sad and neutral are confused most; disgust, fear and contempt are rare in the data and often missed. Faces under 24 px,
profiles, hands and masks before the face, and strong blur cost accuracy. The photographs are of web and news origin;
groups are not evenly represented: see `docs/fairness.md`.

## Data and licence

{paragraph(f"{DATASET}. {RIGHTS}")}"""


def _made(origin: Origin, reports: Mapping[int, Report]) -> str:
    figures = {seed: " / ".join(percent(one[name]["accuracy"]) for name in HEADLINES) for seed, one in reports.items()}
    seeds = ", ".join(f"seed {seed}: {figure} %" for seed, figure in figures.items())
    return f"""## How it was made

`make train MODEL=emotion`: `training/emotion/recipe.toml`, {origin}.
The median of these students ships (A / B / FER2013): {seeds}."""


def _hundredths(share: float) -> float:
    return round(100 * share, 2)
