"""How many raters the net's word is worth (pure numpy).

One rater's vote is foretold from the votes of the others on the face, from the net, and from both, the net counting as
if it were so many raters more: scores are the mean of a Dirichlet distribution whose prior is the net's (Minka 2000,
"Estimating a Dirichlet distribution"). The number that foretells best is what the net's word is worth.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

RATERS = (0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 25, 30, 40, 60, 100)

Report = dict[str, Any]


def surprise(prior: NDArray[np.floating], votes: NDArray[np.int64], raters: float) -> NDArray[np.float64]:
    """Nats a face [n]: the sum of -log of the chance that each vote of `votes` [n, k] had, by the other votes on its
    face and by `prior` [n, k] (rows sum to 1), which counts as `raters` votes (infinity: alone)."""
    others, total = np.maximum(votes - 1, 0), votes.sum(axis=1, keepdims=True)
    expected = prior if np.isinf(raters) else (others + raters * prior) / (total - 1 + raters)
    nats: NDArray[np.float64] = -(votes * np.log(np.where(votes > 0, expected, 1))).sum(axis=1)
    return nats


def worth(probabilities: NDArray[np.floating], votes: NDArray[np.int64]) -> Report:
    """`raters` that the net's `probabilities` [n, k] are worth beside `votes` [n, k], and the nats a vote of the other
    raters, of the net and of both; faces with fewer than two votes are left out.

    `net_ahead_nats` says by how many nats a vote the net is better than the other raters, its standard error
    is over faces.
    """
    heard = votes.sum(axis=1) > 1
    votes, prior = votes[heard], probabilities[heard]
    usual = np.broadcast_to(votes.sum(axis=0) / votes.sum(), votes.shape)
    others = surprise(usual, votes, _best(usual, votes))
    net, raters = surprise(prior, votes, np.inf), _best(prior, votes)
    ahead = (others - net) / votes.sum(axis=1).mean()
    return {
        "raters": float(raters),
        "nats_of_other_raters": float(others.sum() / votes.sum()),
        "nats_of_net": float(net.sum() / votes.sum()),
        "nats_of_both": float(surprise(prior, votes, raters).sum() / votes.sum()),
        "net_ahead_nats": float(ahead.mean()),
        "net_ahead_error": float(ahead.std(ddof=1) / np.sqrt(len(ahead))),
        "faces": len(ahead),
    }


def _best(prior: NDArray[np.floating], votes: NDArray[np.int64]) -> float:
    """As how many raters `prior` has to count to foretell `votes` best."""
    return min(RATERS, key=lambda raters: surprise(prior, votes, raters).sum())
