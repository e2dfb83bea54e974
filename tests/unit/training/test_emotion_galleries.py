"""Errors are counted where they happen."""

import numpy as np

from training.emotion.galleries import galleries

NEUTRAL, HAPPY, SAD, FEAR = 0, 1, 3, 6


def scores(first: int, second: int, top: float) -> np.ndarray:
    row = np.full(8, 1e-4)
    row[first], row[second] = top, 1 - top
    return row


def unanimous(label: int, votes: int = 10) -> np.ndarray:
    row = np.zeros(10, dtype=np.int64)
    row[label] = votes
    return row


def divided() -> np.ndarray:
    row = np.zeros(10, dtype=np.int64)
    row[[NEUTRAL, SAD, FEAR]] = 4, 3, 3
    return row


def test_errors_are_counted_by_kind():
    votes = np.stack([unanimous(SAD), unanimous(SAD), unanimous(HAPPY), unanimous(FEAR), divided()])
    probabilities = np.stack([
        scores(NEUTRAL, SAD, 0.6),  # wrong, the second guess is right
        scores(NEUTRAL, HAPPY, 0.95),  # wrong and sure
        scores(HAPPY, SAD, 0.97),  # right and sure
        scores(FEAR, SAD, 0.55),
        scores(SAD, FEAR, 0.6),  # protocol A leaves it out, the crowd's agreement does not
    ])  # fmt: skip

    found = galleries(probabilities, votes)

    assert (found["n"], found["errors"], found["second_guess"]) == (4, 2, 1)
    assert found["sure"] == 2
    assert {name: count for name, count in found["sure_and_wrong"].items() if count} == {"sad": 1}
    assert found["confusions"] == [{"true": "sad", "predicted": "neutral", "count": 2, "of": 2}]


def test_every_face_is_in_one_bucket_of_agreement():
    silent = np.zeros(10, dtype=np.int64)
    votes = np.stack([unanimous(SAD), divided(), silent])
    found = galleries(np.stack([scores(SAD, FEAR, 0.9)] * 3), votes)["agreement"]
    assert sum(row["n"] for row in found) == 3
    assert (found[-1]["n"], found[-1]["errors"]) == (1, 0)  # unanimous
    assert (found[0]["n"], found[0]["errors"]) == (2, 2)  # four of ten votes is the edge, no vote below it
