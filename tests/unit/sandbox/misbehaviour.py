"""Handlers for tests: decoders that do what no decoder should."""

import ctypes
import os
import resource
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from mien.errors import CorruptMedia, TooLarge
from mien.sandbox.worker import Handler, TaskContext


def echo(context: TaskContext) -> bytes:
    return context.body


def process_id(_: TaskContext) -> bytes:
    return str(os.getpid()).encode()


def refuse(context: TaskContext) -> bytes:
    if context.body:
        raise TooLarge("max_pixels", 5, "too large; scale it down")
    raise CorruptMedia("broken; send another")


def fail(_: TaskContext) -> bytes:
    raise ZeroDivisionError("a detail")


def crash(_: TaskContext) -> bytes:
    ctypes.string_at(0)
    return b""


def hang(_: TaskContext) -> bytes:
    time.sleep(3600)
    return b""


def spin(_: TaskContext) -> bytes:
    while True:  # and never say that it is alive
        pass


def advance(context: TaskContext) -> bytes:
    """Takes long, and says so."""
    until = time.monotonic() + float(context.body)
    while time.monotonic() < until:
        context.alive()
        time.sleep(0.01)
    return b"advanced"


def allocate(_: TaskContext) -> bytes:
    blocks = []
    while True:
        blocks.append(b"x" * (16 << 20))


def leak(_: TaskContext) -> bytes:
    LEAKED.append(b"x" * (300 << 20))
    return process_id(_)


LEAKED: list[bytes] = []


def attempt(context: TaskContext) -> bytes:
    """What a decoder that a file has taken over would try; the error of each attempt."""

    def outcome(action: object) -> str:
        try:
            action()  # type: ignore[operator]
        except (OSError, ValueError) as error:
            return type(error).__name__
        return "allowed"

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    path = Path(context.body.decode())
    attempts = {
        "read": path.read_bytes,
        "write": lambda: path.with_name("new").write_bytes(b""),
        "again": Path(f"/proc/self/fd/{context.descriptors[0]}").read_bytes,
        "list": lambda: list(Path("/").iterdir()),
        "remove": path.unlink,
        "inet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "fork": fork,
        "kill": lambda: os.kill(os.getppid(), 0),
        "limits": lambda: resource.setrlimit(resource.RLIMIT_CPU, (1000, resource.RLIM_INFINITY)),
    }
    return ";".join(f"{name}={outcome(action)}" for name, action in attempts.items()).encode()


def read_handed_over(context: TaskContext) -> bytes:
    return os.pread(context.descriptors[0], 100, 0)


def handlers() -> Mapping[str, Handler]:
    every = (echo, process_id, refuse, fail, crash, hang, spin, advance, allocate, leak, attempt, read_handed_over)
    return {function.__name__: function for function in every}
