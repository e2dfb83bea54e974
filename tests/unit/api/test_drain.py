import pytest

from mien.api.drain import Drain


def test_the_rate_is_that_of_saturated_time() -> None:
    drain = Drain()
    drain.passed(0.0, saturated=False)
    for second in range(1, 21):
        drain.passed(float(second), saturated=True)
        drain.finished(4.0)
    assert drain.seconds_for(40.0) == pytest.approx(10, rel=0.1)
    drain.passed(1000.0, saturated=False)  # an idle night changes nothing
    assert drain.seconds_for(40.0) == pytest.approx(10, rel=0.1)


def test_the_newest_rate_counts_most() -> None:
    drain = Drain()
    drain.passed(0.0, saturated=False)
    for second in range(1, 101):
        drain.passed(float(second), saturated=True)
        drain.finished(10.0 if second <= 60 else 1.0)
    assert drain.seconds_for(10.0) == pytest.approx(10, rel=0.3)


def test_before_anything_is_finished_the_wait_grows_with_time() -> None:
    drain = Drain()
    drain.passed(0.0, saturated=False)
    assert drain.seconds_for(5.0) == 0.0
    drain.passed(2.0, saturated=True)
    early = drain.seconds_for(5.0)
    drain.passed(8.0, saturated=True)
    assert 0 < early < drain.seconds_for(5.0)
