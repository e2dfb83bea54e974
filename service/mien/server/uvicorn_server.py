"""uvicorn, set up for Mien: its socket, its bounds on connections and how it stops."""

import asyncio
import ctypes
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from mien.api.live.limits import MAX_FRAME_BYTES
from mien.app import create_app
from mien.errors import InvalidOption, MienError
from mien.memory import keep_freed, settle_garbage
from mien.server.connection_limits import max_connections
from mien.server.protocol import protocol
from mien.server.shutdown import ShutdownBound
from mien.server.websocket import websocket_options
from mien.settings import Settings

_LOG = logging.getLogger("mien")
_ACCEPT_SECONDS = 0.05
_SO_ATTACH_FILTER, _BPF_RET = 26, 0x06  # see socket(7) and linux/bpf_common.h; Python has no names for them


def serve(settings: Settings, *, jobs_only: bool = False) -> None:
    """Serve until SIGTERM or Ctrl+C; the process ends at most ``shutdown_seconds`` after it.

    ``jobs_only`` as in ``create_app``.

    Raises:
        InvalidOption: the port cannot be listened on.
        MienError: the models cannot be loaded, or workers were lost that cannot be replaced.
    """
    keep_freed(settings.workers)  # before there are threads
    failures: list[MienError] = []

    def stop(error: MienError) -> None:
        failures.append(error)
        server.stop()

    app = create_app(settings, on_failure=stop, jobs_only=jobs_only, on_ready=settle_garbage)
    with ExitStack() as stack:
        listeners = [stack.enter_context(listen(settings))]
        if settings.metrics_port is not None:
            listeners.append(stack.enter_context(listen(settings, settings.metrics_port, "listening for metrics")))
        bound = ShutdownBound(settings.shutdown_seconds)

        def on_stop() -> None:
            bound.start()
            app.state.mien.engine.stopping = True

        server = _Server(_config(app, settings, bound.graceful_seconds), on_stop)
        server.run(sockets=listeners)
    if failures:
        raise failures[0]


def listen(settings: Settings, port: int | None = None, message: str = "listening") -> socket.socket:
    """A listening socket, on ``settings.port`` by default, and a line in the log, ``message``.

    It is bound before any model is loaded, so that a port in use is reported at once.

    Raises:
        InvalidOption: the port cannot be listened on.
    """
    host, port = settings.host, settings.port if port is None else port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # "::" is meant as every interface, 127.0.0.1 included.
    dual_stack = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=dual_stack)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise InvalidOption("port", f"Cannot listen on {host} port {port}: {reason.lower()}.") from error
    # Inherited by accepted connections: the kernel drops a peer that acknowledges nothing of what was sent to it.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(2000 * settings.upload_idle_seconds))
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    _LOG.info(message, extra={"fields": {"url": f"http://{shown}:{listener.getsockname()[1]}"}})
    return listener


def refuse_new_connections(listener: socket.socket) -> None:
    """Have the kernel drop new connections, so that those it has established already can be accepted.

    Closing the listener at once would reset them, and their clients may have sent requests. Linux only.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RET, 0, 0, 0))  # of every packet, 0 bytes are kept
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def _config(app: FastAPI, settings: Settings, graceful_seconds: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop" if os.name == "posix" else "auto",
        http=protocol(settings.upload_idle_seconds, max_connections()),
        **websocket_options(MAX_FRAME_BYTES),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=graceful_seconds,  # type: ignore[arg-type] # for asyncio.wait_for
    )


class _Server(uvicorn.Server):
    """Exits with code 0 on a signal. ``on_stop`` is called when it begins to stop, possibly in a signal handler, and
    possibly again."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def stop(self) -> None:
        """Stop as on a signal. Thread-safe."""
        self.should_exit = True
        self._on_stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in sockets or []:
            refuse_new_connections(listener)
        await asyncio.sleep(_ACCEPT_SECONDS)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again once everything is closed, and the process would die of it.
        self._captured_signals.clear()
        self._on_stop()
