"""Housekeeping goes on after a pass that failed."""

import pytest

from mien import app
from mien.api import housekeeping
from tests.api.live import serving, settings, wait_until
from tests.fakes import FakeEngine


def test_a_failing_pass_is_logged_and_the_next_one_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    passes: list[int] = []

    def fail(*_: object) -> int:
        passes.append(1)
        raise RuntimeError("the sweep broke")

    monkeypatch.setattr(housekeeping, "sweep", fail)
    monkeypatch.setattr(housekeeping, "_INTERVAL_SECONDS", 0.05)
    with serving(app.create_app(settings(), FakeEngine())) as client:
        wait_until(lambda: len(passes) >= 3)
        client.get("/health/live").raise_for_status()
    assert "a housekeeping pass failed" in caplog.text
