"""A decoder process: one task after the other, each for one file, until the service closes the channel."""

import importlib
import mmap
import os
import pkgutil
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import ModuleType

from mien.sandbox.channel import Broken, Channel, ChannelClosed
from mien.sandbox.messages import Alive, Done, Failed, Note, Start, ToWorker, failure_of

_ALIVE_SECONDS = 0.25


class TaskContext:
    """What a handler works with: its ``body``, its ``descriptors``, and the channel.

    The descriptors are closed with the task. ``scratch`` is memory shared with the service, the same for every task.
    """

    def __init__(self, channel: Channel[ToWorker], body: bytes, scratch: mmap.mmap) -> None:
        self.body = body
        self.scratch = scratch
        self.descriptors = channel.received
        self._channel = channel
        self._told = time.monotonic()

    def alive(self) -> None:
        """Say that the decoder still advances: to be called often, it costs next to nothing."""
        now = time.monotonic()
        if now - self._told >= _ALIVE_SECONDS:
            self._told = now
            self._channel.try_send(Alive())

    def send(self, body: bytes) -> None:
        """A note to the service."""
        self._channel.send(Note(body))

    def receive(self) -> bytes:
        """The next note from the service, once there is one.

        Raises:
            ChannelClosed: the service has given up this process.
        """
        return self._body(self._channel.receive())

    def try_receive(self) -> bytes | None:
        """The next note from the service; ``None`` if there is none yet. Raises as ``receive``."""
        message = self._channel.try_receive()
        return None if message is None else self._body(message)

    def _body(self, message: ToWorker) -> bytes:
        self.descriptors.extend(self._channel.received)
        if not isinstance(message, Note):
            raise Broken("a task is running")
        return message.body

    def close(self) -> None:
        """Close the descriptors that are still open."""
        for descriptor in self.descriptors:
            with suppress(OSError):
                os.close(descriptor)


Handler = Callable[[TaskContext], bytes]
"""Runs one task; what it returns is the task's result."""


def import_all(package: ModuleType) -> None:
    """Import every module of ``package``: a worker cannot open files, so nothing may be left to be imported later."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        with suppress(ImportError):  # for something that is not installed
            importlib.import_module(module.name)


def serve(end: socket.socket, scratch: mmap.mmap, handlers: Mapping[str, Handler]) -> None:
    """Run tasks until the other end is closed."""
    channel: Channel[ToWorker] = Channel(end, ToWorker, takes_descriptors=True)
    with suppress(ChannelClosed):
        while True:
            message = channel.receive()
            if not isinstance(message, Start):
                # A note that crossed with the end of its task.
                for descriptor in channel.received:
                    os.close(descriptor)
                continue
            channel.send(_run(handlers[message.task], TaskContext(channel, message.body, scratch)))


def _run(handler: Handler, context: TaskContext) -> Done | Failed:
    try:
        return Done(handler(context))
    except ChannelClosed:
        raise
    except Exception as error:  # noqa: BLE001  the service reports it
        return failure_of(error)
    finally:
        context.close()
