"""Figures that follow from a file's logits on `valid`: accuracies, divergence, calibration (shares, not per cent)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.emotion import calibrate, data, metrics, targets
from training.emotion.calibrate import CrossFit, Meaning
from training.emotion.labels import BASIC7, FERPLUS8, NO_LABEL
from training.emotion.session import Logits

PROTOCOL_A_COUNT = 3199  # of valid; another count means other data or another rule

Report = dict[str, Any]
Fits = dict[str, CrossFit]  # by the manifest's names of the heads


def fits(logits: Logits, valid: data.Faces, meaning: Meaning) -> Fits:
    """Both heads' temperatures, each fitted on halves and on everything."""
    known = valid.fer2013 != NO_LABEL
    single = np.eye(len(BASIC7))[np.where(known, valid.fer2013, 0)] * known[:, None]
    return {
        "ferplus8": calibrate.cross_fit(logits.ferplus, calibrate.fitted_votes(valid.votes, meaning)),
        "basic7": calibrate.cross_fit(logits.fer2013, single),
    }


def headline(logits: Logits, valid: data.Faces, fitted: Fits, shipped: dict[str, float], meaning: Meaning) -> Report:
    """The figures as plain JSON values; `shipped` are the temperatures that the file is used with."""
    kept = int(targets.protocol_a(valid.votes)[0].sum())
    if kept != PROTOCOL_A_COUNT:
        raise ValueError(f"protocol A keeps {kept} valid faces, expected {PROTOCOL_A_COUNT}")
    return {
        "protocol_a": _protocol_a(logits, valid, shipped["ferplus8"]),
        "protocol_b": labelled(logits.ferplus, targets.protocol_b(valid.votes)),
        "fer2013": _fer2013(logits, valid),
        "temperature": {
            name: {"shipped": shipped[name], "all": fit.everywhere, "halves": list(fit.halves)}
            for name, fit in fitted.items()
        },
        "fitted_to": meaning.value,
        "calibration": _calibration(logits, valid, fitted, shipped["ferplus8"]),
    }


def labelled(logits: NDArray[np.float32], label: NDArray[np.int64]) -> Report:
    """Accuracy on faces with a `label` [n], and their count."""
    return {"accuracy": metrics.accuracy(logits, label), "n": len(label)}


def twin_figures(logits: Logits, valid: data.Faces, twin: NDArray[np.bool_]) -> Report:
    """Protocol A on the valid faces that have a near-identical twin in train (`twin` [n]), and on the others."""
    kept, label = targets.protocol_a(valid.votes)
    parts = {"with_twin": kept & twin, "without_twin": kept & ~twin}
    return {name: labelled(logits.ferplus[rows], label[rows]) for name, rows in parts.items()}


def _protocol_a(logits: Logits, valid: data.Faces, temperature: float) -> Report:
    kept, label = targets.protocol_a(valid.votes)
    distribution = targets.vote_targets(valid.votes).distribution[kept]
    calibrated = metrics.softmax(logits.ferplus[kept], temperature)
    best = calibrate.fit_temperature(logits.ferplus[kept], distribution)
    counts = metrics.confusion(calibrated, label[kept])
    recall = metrics.recalls(counts)
    return {
        **labelled(logits.ferplus[kept], label[kept]),
        "kl_nats": metrics.kl(distribution, calibrated),
        "kl_nats_untouched": metrics.kl(distribution, metrics.softmax(logits.ferplus[kept])),
        "kl_nats_lowest": metrics.kl(distribution, metrics.softmax(logits.ferplus[kept], best)),
        "macro_recall": float(np.nanmean(recall)),
        "recall": {name: round(float(value), 4) for name, value in zip(FERPLUS8, recall, strict=True)},
        "faces_per_class": {name: int(n) for name, n in zip(FERPLUS8, counts.sum(axis=1), strict=True)},
        "confusion": counts.tolist(),
        "reliability": metrics.reliability(calibrated, label[kept]),
    }


def _fer2013(logits: Logits, valid: data.Faces) -> Report:
    known = valid.fer2013 != NO_LABEL
    probabilities = metrics.softmax(logits.fer2013[known])
    recall = metrics.recalls(metrics.confusion(probabilities, valid.fer2013[known]))
    return {
        **labelled(logits.fer2013[known], valid.fer2013[known]),
        "macro_recall": float(np.nanmean(recall)),
        "recall": {name: round(float(value), 4) for name, value in zip(BASIC7, recall, strict=True)},
    }


def _calibration(logits: Logits, valid: data.Faces, fitted: Fits, shipped: float) -> Report:
    """Held-out errors by the faces that they are judged on, and how far the scores are from the raters' shares."""
    kept, clear = targets.protocol_a(valid.votes)
    known = valid.fer2013 != NO_LABEL
    emotions = valid.votes[:, : targets.EMOTIONS]
    voted = emotions.sum(axis=1) > 0
    judged = {
        "protocol_a": ("ferplus8", logits.ferplus, clear, kept),
        "protocol_b": ("ferplus8", logits.ferplus, targets.protocol_b(valid.votes), np.ones(len(valid), np.bool_)),
        "fer2013": ("basic7", logits.fer2013, valid.fer2013, known),
    }
    rater = calibrate.cross_fit(logits.ferplus, calibrate.fitted_votes(valid.votes, Meaning.VOTES))
    return {
        **{
            name: calibrate.held_out_error(fitted[head], scores, label, rows)._asdict()
            for name, (head, scores, label, rows) in judged.items()
        },
        "rater_temperature": rater.everywhere,
        "share_error_at_rater_temperature": metrics.share_error(rater.probabilities[voted], emotions[voted]),
        "share_error_as_shipped": metrics.share_error(metrics.softmax(logits.ferplus[voted], shipped), emotions[voted]),
        "share_error_n": int(voted.sum()),
    }
