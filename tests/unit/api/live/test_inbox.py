"""What a connection is owed: every message once, in order, and the bytes of the newest frame only."""

import random

from mien.api.live.inbox import Inbox
from mien.errors import InvalidRequest

ERROR = InvalidRequest("no frame")


def test_the_newest_frame_keeps_its_bytes() -> None:
    inbox = Inbox()
    for data in (b"a", b"b", b"c"):
        inbox.put_frame(data, 0.0)
    assert [(entry.frame, entry.data) for entry in inbox.take()] == [(0, None), (1, None), (2, b"c")]
    assert not inbox
    assert not inbox.has_frame


def test_what_came_after_the_newest_frame_waits() -> None:
    inbox = Inbox()
    inbox.put_frame(b"a", 0.0)
    inbox.put_error(ERROR, 0.0)
    assert [entry.data for entry in inbox.take()] == [b"a"]
    assert [entry.error for entry in inbox.take()] == [ERROR]


def test_a_frame_that_was_taken_is_not_overtaken() -> None:
    inbox = Inbox()
    inbox.put_frame(b"a", 0.0)
    (taken,) = inbox.take()
    inbox.put_frame(b"b", 0.0)
    assert taken.data == b"a"


def test_every_message_is_taken_once_and_in_order() -> None:
    chance = random.Random(7)
    inbox, put, taken, kept = Inbox(), [], [], 0
    for number in range(2000):
        kind = chance.random()
        if kind < 0.6:
            put.append(("frame", inbox.frames))
            inbox.put_frame(b"x", float(number))
        elif kind < 0.7:
            put.append(("error", None))
            inbox.put_error(ERROR, float(number))
        else:
            entries = inbox.take()
            taken += entries
            kept += sum(entry.data is not None for entry in entries)
            assert sum(entry.data is not None for entry in entries) <= 1
    taken += [*inbox.take(), *inbox.take()]
    assert [("frame" if entry.error is None else "error", entry.frame) for entry in taken] == put
    assert 100 < kept < inbox.frames
