"""How many raters the net's word is worth (pure numpy).

One rater's vote is foretold from the votes of the others on the face, from the net, and from both, the net counting as
if it were so many raters more: scores are the mean of a Dirichlet distribution whose prior is the net's (Minka 2000,
"Estimating a Dirichlet distribution"). The number that foretells best is what the net's word is worth.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATERS = (0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 25, 30, 40, 60, 100)

Report = dict[str, Any]


def surprise(prior: NDArray[np.floating], votes: NDArray[np.int64], raters: float) -> float:
    """Nats a vote: the mean of -log of the chance that each vote of `votes` [n, k] had, by the other votes on its face
    and by `prior` [n, k] (rows sum to 1), which counts as `raters` votes (infinity: alone)."""
    others, total = np.maximum(votes - 1, 0), votes.sum(axis=1, keepdims=True)
    expected = prior if np.isinf(raters) else (others + raters * prior) / (total - 1 + raters)
    cast = votes > 0
    return float(-(votes[cast] * np.log(expected[cast])).sum() / votes.sum())


def worth(probabilities: NDArray[np.floating], votes: NDArray[np.int64]) -> Report:
    """`raters` that the net's `probabilities` [n, k] are worth beside `votes` [n, k], and the nats a vote of the other
    raters, of the net and of both; faces with fewer than two votes are left out."""
    heard = votes.sum(axis=1) > 1
    votes, prior = votes[heard], probabilities[heard]
    usual = np.broadcast_to(votes.sum(axis=0) / votes.sum(), votes.shape)
    both, raters = _best(prior, votes, RATERS)
    return {
        "raters": float(raters),
        "nats_of_other_raters": _best(usual, votes, RATERS)[0],
        "nats_of_net": surprise(prior, votes, np.inf),
        "nats_of_both": both,
        "faces": int(heard.sum()),
    }


def _best(prior: NDArray[np.floating], votes: NDArray[np.int64], raters: Iterable[float]) -> tuple[float, float]:
    return min((surprise(prior, votes, count), count) for count in raters)
