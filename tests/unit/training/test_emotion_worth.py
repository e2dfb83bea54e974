"""What a net's word is worth, in raters."""

import numpy as np
import pytest

from training.emotion.worth import surprise, worth


def crowd(count: int, raters: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and ten votes a face on truths that lie about them as those lie who are worth `raters` votes."""
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.full(8, 0.6), count) * 0.98 + 0.0025
    truths = np.array([rng.dirichlet(raters * row) for row in scores])
    return scores, np.array([rng.multinomial(10, row) for row in truths])


@pytest.mark.parametrize("raters", [4, 16])
def test_the_worth_is_found_again(raters: int):
    scores, votes = crowd(4000, raters)
    found = worth(scores, votes)
    assert found["raters"] == pytest.approx(raters, rel=0.26)  # a step of the grid
    assert found["net_ahead_nats"] == pytest.approx(found["nats_of_other_raters"] - found["nats_of_net"])
    assert found["nats_of_both"] < min(found["nats_of_net"], found["nats_of_other_raters"])


def test_a_vote_is_foretold_by_the_others_and_not_by_itself():
    prior, votes = np.full((1, 2), 0.5), np.array([[3, 1]])
    # three votes of 2 of 3 others and half of one more: (2 + 0.5) / 4; one vote of none of 3: 0.5 / 4
    assert surprise(prior, votes, 1) == pytest.approx([-(3 * np.log(2.5 / 4) + np.log(0.5 / 4))])
    assert surprise(prior, votes, np.inf) == pytest.approx([4 * np.log(2)])


def test_faces_on_which_nobody_else_voted_are_left_out():
    scores, votes = crowd(200, 8)
    alone = np.eye(8, dtype=np.int64)
    with_them = worth(np.concatenate([scores, np.full((8, 8), 0.125)]), np.concatenate([votes, alone]))
    assert with_them == worth(scores, votes)


def test_the_error_shrinks_with_the_root_of_the_faces():
    few, many = (worth(*crowd(count, 8))["net_ahead_error"] for count in (500, 8000))
    assert few / many == pytest.approx(4, rel=0.2)
