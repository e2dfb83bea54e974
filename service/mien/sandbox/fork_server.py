"""``python -m mien.sandbox.fork_server DESCRIPTOR MODULE...``: imports the decoders once, then forks workers.

Forked, a worker starts in milliseconds and shares the libraries' memory. The server has one thread, no secret in its
memory or environment, and reads no file from outside. It ends when the service closes the socket, or ends itself, and
the kernel then kills the workers.

Each MODULE has a function ``handlers`` that imports whatever its decoders may need, which the workers cannot do any
more, and returns a table from the name of a task to its handler.
"""

import gc
import importlib
import mmap
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

import cv2

from mien.memory import drop_pillow_warnings, keep_freed
from mien.sandbox import confinement
from mien.sandbox.channel import Broken, Channel, ChannelClosed
from mien.sandbox.messages import Ready, Reap, Reaped, Spawn, Spawned, ToServer
from mien.sandbox.worker import Handler, serve

_REAP_SECONDS = 5.0
_STILL_ALIVE = -1000


def main() -> None:
    """See above."""
    end = socket.socket(fileno=int(sys.argv[1]))
    handlers: dict[str, Handler] = {}
    for name in sys.argv[2:]:
        handlers.update(importlib.import_module(name).handlers())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the service decides what ends
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    drop_pillow_warnings()
    keep_freed(1)  # a worker decodes one file at a time, into libav's own pools
    gc.collect()
    gc.freeze()  # a collection in a worker would copy every page that it marks
    channel: Channel[ToServer] = Channel(end, ToServer, takes_descriptors=True)
    with suppress(ChannelClosed):
        channel.send(Ready(confinement.lacking()))
        while True:
            message = channel.receive()
            if isinstance(message, Spawn):
                channel.send(Spawned(_spawn(channel, handlers)))
            else:
                channel.send(Reaped(_reap(message)))


def _spawn(channel: Channel[ToServer], handlers: Mapping[str, Handler]) -> int:
    worker_end, scratch = channel.received
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            confinement.die_with(parent)
            channel.close()
            end = socket.socket(fileno=worker_end)  # which asks the kernel for its kind
            memory = mmap.mmap(scratch, 0)
            os.close(scratch)
            confinement.confine()
            serve(end, memory, handlers)
        except Broken:
            os._exit(2)
        finally:
            os._exit(0)
    os.close(worker_end)
    os.close(scratch)
    return pid


def _reap(order: Reap) -> int:
    """Workers belong to this process until it waits for them, so the number cannot have passed to another."""
    os.kill(order.pid, signal.SIGKILL)
    deadline = time.monotonic() + _REAP_SECONDS
    while time.monotonic() < deadline:
        pid, status = os.waitpid(order.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    return _STILL_ALIVE


if __name__ == "__main__":
    main()
