"""The times of ``/live``: frames per second, a frame that waits too long, and silence."""

import threading
import time

from tests.api.camera import camera, end_of, opened, reply, shown
from tests.api.live import picture, serving_fake, serving_held, wait_until
from tests.fakes import FakeEngine

FAST = 240  # frames per second: no waiting


def test_the_pace_of_one_connection_is_bounded() -> None:
    engine = FakeEngine()
    with serving_fake(engine, live_fps=20) as client, camera(client) as live:
        opened(live)
        sender = threading.Thread(target=lambda: [live.send(picture()) or time.sleep(0.005) for _ in range(120)])
        started = time.monotonic()
        sender.start()
        found = [reply(live) for _ in range(120)]
        seconds = time.monotonic() - started
        sender.join()
    assert [one["frame"] for one in found] == list(range(120))
    assert engine.seen <= 20 * seconds + 2
    assert sum(not one["dropped"] for one in found) == engine.seen >= 3


def test_a_frame_that_waits_too_long_fails() -> None:
    with serving_held(queue_capacity=4) as (client, state, gate), camera(client) as live:
        opened(live, deadline_ms=50)
        live.send(picture())
        wait_until(lambda: state.engine.get().load().calls == 1)
        live.send(picture())
        threading.Timer(0.3, gate.set).start()
        first, second = reply(live), reply(live)
    assert (first["type"], first["dropped"]) == ("frame", False)  # the fake engine knows no deadline
    assert (second["type"], second["code"]) == ("error", "deadline_exceeded")


def test_a_silent_connection_is_closed() -> None:
    with serving_fake(live_idle_seconds=0.4, live_fps=FAST) as client:
        with camera(client) as silent:
            assert end_of(silent) == (3008, [])
        with camera(client) as live:
            opened(live)
            for _ in range(4):
                shown(live, picture())
                time.sleep(0.2)
            started = time.monotonic()
            close, (end,) = end_of(live)
        assert 0.1 < time.monotonic() - started < 2
        assert (close, end["type"], end["code"]) == (3008, "end", 3008)
        assert "person_state" in end
