"""Decoders for the tests of the API that fail over files which ask for it, and otherwise decode."""

import os
from collections.abc import Mapping

from mien.images import picture_task
from mien.sandbox.worker import Handler, TaskContext
from mien.video import clip_task
from tests.unit.sandbox import misbehaviour

_BAD = {
    b"CRASH": misbehaviour.crash,
    b"SPIN!": misbehaviour.spin,
    b"HANG!": misbehaviour.hang,
    b"ALLOC": misbehaviour.allocate,
}


def _or_fail(handler: Handler) -> Handler:
    def run(context: TaskContext) -> bytes:
        # A clip lies behind the second descriptor, and a small picture in the scratch memory.
        head = os.pread(context.descriptors[1], 200, 0) if len(context.descriptors) > 1 else context.scratch[:200]
        bad = next((bad for mark, bad in _BAD.items() if mark in head), handler)
        return bad(context)

    return run


def handlers() -> Mapping[str, Handler]:
    """For ``mien.sandbox.fork_server``."""
    return {
        name: _or_fail(handler) for name, handler in (*clip_task.handlers().items(), *picture_task.handlers().items())
    }
