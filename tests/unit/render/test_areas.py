import numpy as np

from mien.render.areas import column_means


def test_every_sample_of_a_column_counts() -> None:
    """One sample in eight is 1: the mean tells, wherever it lies."""
    times = np.arange(801.0)
    values = (np.arange(801) % 8 == 3).astype(float)
    means, shown = column_means(times, np.stack([values, 1 - values], axis=1), np.linspace(0, 800, 11))
    np.testing.assert_allclose(means, [[1 / 8, 7 / 8]] * 10)
    np.testing.assert_allclose(shown, 1)


def test_few_samples_are_interpolated() -> None:
    means, _ = column_means(np.array([0.0, 1.0]), np.array([[0.0], [1.0]]), np.linspace(0, 1, 5))
    np.testing.assert_allclose(means[:, 0], [0.125, 0.375, 0.625, 0.875])


def test_a_gap_takes_no_part_in_the_mean() -> None:
    times = np.array([0.0, 1.0, np.nextafter(1.0, 2.0), 3.0, 4.0])
    values = np.array([[0.5], [0.5], [np.nan], [0.25], [0.25]])
    means, shown = column_means(times, values, np.array([0.0, 2.0, 2.5, 4.0, 6.0]))
    np.testing.assert_allclose(means[:, 0], [0.5, 0.0, 0.25, 0.0])
    np.testing.assert_allclose(shown, [0.5, 0.0, 2 / 3, 0.0])
