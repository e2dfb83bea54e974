"""The curve, the worth of a score and the failures, on cases small enough to count by hand."""

import numpy as np

from training.detector.average_precision import FOUND, LEFT_OUT, WRONG, Matches, curve
from training.detector.findings import bucket, bucket_names, curve_points, failures, reliability

BUCKETS = (16.0, 32.0, 1000.0)
# two faces, one found; a false alarm between, and something that counts neither way
SEEN = Matches(
    np.array([0.95, 0.85, 0.45, 0.25], np.float32),
    np.array([FOUND, WRONG, LEFT_OUT, FOUND], np.int8),
    np.array([0, -1, -1, 1]),
    2,
)


def test_buckets_are_named_by_their_edges() -> None:
    assert bucket_names(BUCKETS) == ["under 16", "16-32", "32+"]
    assert [bucket(side, BUCKETS) for side in (3, 16, 31.9, 32, 5000)] == [
        "under 16", "16-32", "16-32", "32+", "32+",
    ]  # fmt: skip


def test_the_curve_is_read_where_it_first_reaches_a_recall() -> None:
    points = curve_points(curve([SEEN]))
    assert points[0] == {"recall": 0.5, "precision": 1.0, "score": 0.95, "fp_a_picture": 0.0}
    assert points[-1]["recall"] == 0.975
    assert points[-1]["precision"] == 0.6667


def test_a_score_is_worth_the_share_that_is_right() -> None:
    rows = {row["from"]: row for row in reliability([SEEN])}
    assert rows[0.9] == {"from": 0.9, "to": 1.0, "n": 1, "mean_score": 0.95, "right": 1.0}
    assert rows[0.8]["right"] == 0.0
    assert 0.4 not in rows  # it counts neither way


def test_failures_are_counted_by_size_and_source() -> None:
    labels, seen = np.array([40.0, 20.0, np.nan]), np.array([40.0, 10.0, 12.0, 20.0])
    lost = failures([SEEN], ["street"], [labels], [seen], 0.5, BUCKETS)
    assert lost["by_size"] == {
        "under 16": {"faces": 0, "missed": 0, "wrong": 1},
        "16-32": {"faces": 1, "missed": 1, "wrong": 0},
        "32+": {"faces": 1, "missed": 0, "wrong": 0},
    }
    assert lost["by_source"] == {"street": {"faces": 2, "missed": 1, "wrong": 1}}
