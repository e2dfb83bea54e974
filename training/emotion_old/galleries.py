"""The errors worth knowing, as counts: the pictures themselves stay where the data lies."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.emotion import metrics, targets
from training.emotion.labels import FERPLUS8

SURE = 0.9
MOST_COMMON = 10
AGREEMENT = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # edges of the winner's share of the emotion votes

Report = dict[str, Any]


def galleries(probabilities: NDArray[np.float64], votes: NDArray[np.int64]) -> Report:
    """Counts over `probabilities` [n, 8] and `votes` [n, 10]; protocol A but for the agreement of the crowd."""
    kept, label = targets.protocol_a(votes)
    scores, answer = probabilities[kept], label[kept]
    order = np.argsort(-scores, axis=1)
    wrong = order[:, 0] != answer
    sure = scores.max(axis=1) > SURE
    return {
        "n": len(answer),
        "errors": int(wrong.sum()),
        "second_guess": int((wrong & (order[:, 1] == answer)).sum()),
        "third_guess": int((wrong & (order[:, 2] == answer)).sum()),
        "confusions": _confusions(metrics.confusion(scores, answer)),
        "sure": int(sure.sum()),
        "sure_and_wrong": {name: int((sure & wrong & (answer == index)).sum()) for index, name in enumerate(FERPLUS8)},
        "agreement": _by_agreement(probabilities, votes),
    }


def _confusions(counts: NDArray[np.int64]) -> list[Report]:
    """The most common pairs of a true and another predicted label."""
    off = counts - np.diag(np.diag(counts))
    pairs = np.dstack(np.unravel_index(np.argsort(-off, axis=None, kind="stable"), off.shape))[0][:MOST_COMMON]
    return [
        {
            "true": FERPLUS8[true],
            "predicted": FERPLUS8[predicted],
            "count": int(off[true, predicted]),
            "of": int(counts[true].sum()),
        }
        for true, predicted in pairs
        if off[true, predicted]
    ]


def _by_agreement(probabilities: NDArray[np.float64], votes: NDArray[np.int64]) -> list[Report]:
    """Protocol B by the share of the emotion votes that the winning label holds."""
    emotions = votes[:, : targets.EMOTIONS]
    share = emotions.max(axis=1) / np.maximum(emotions.sum(axis=1), 1)
    right = probabilities.argmax(axis=1) == targets.protocol_b(votes)
    rows = []
    for low, high in pairwise(AGREEMENT):
        # A share on an edge belongs below it; a face without any emotion vote (share 0) to the first bucket.
        inside = (share > low) & (share <= high) if low else share <= high
        count = int(inside.sum())
        rows.append({"above": low, "up_to": high, "n": count, "errors": count - int(right[inside].sum())})
    return rows
