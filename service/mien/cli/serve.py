"""``mien serve``: the HTTP service."""

import argparse
import logging
import os
import socket
from types import FrameType
from typing import Any, Protocol

import uvicorn
from uvicorn.importer import import_from_string

from mien.errors import InvalidOption, MienError
from mien.server.protocol import protocol
from mien.server.room import most_connections

_LOG = logging.getLogger("mien")


class _Bind(Protocol):
    """The settings that the server itself needs."""

    host: str
    port: int
    shutdown_seconds: int
    upload_idle_seconds: float


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``serve`` and its options; all others are environment variables."""
    parser = commands.add_parser(
        "serve", help="start the HTTP service", description="Serve HTTP; every other setting is a MIEN_* variable."
    )
    parser.add_argument("--host", help="address to listen on (MIEN_HOST, default 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (MIEN_PORT, default 8000; 0 takes a free one)")
    parser.add_argument("--workers", help="inference threads (MIEN_WORKERS, default one per core)")
    parser.add_argument("--store", help="the model store (MIEN_STORE)")
    parser.add_argument("--log-format", help="text or json (MIEN_LOG_FORMAT, default text)")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl+C (0), or until the models turn out to be unusable (1)."""
    names = ("host", "port", "workers", "store", "log_format")
    overrides = {name: value for name in names if (value := getattr(chosen, name)) is not None}
    failures: list[MienError] = []

    def stop(error: MienError) -> None:
        failures.append(error)
        server.should_exit = True

    # By name: this layer must not know the wiring.
    app: Any = import_from_string("mien.app:create")(overrides, on_failure=stop)
    with _listen(app.state.settings) as listener:
        server = _Server(_config(app, app.state.settings))
        server.run(sockets=[listener])
    if failures:
        raise failures[0]
    return 0


def _config(app: Any, bind: _Bind) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop" if os.name == "posix" else "auto",
        http=protocol(bind.upload_idle_seconds, most_connections()),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=bind.shutdown_seconds,
    )


def _listen(bind: _Bind) -> socket.socket:
    """Bound before any model is loaded: a port that is taken is known at once."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    # Whoever writes "::" means every interface, and would be surprised to find 127.0.0.1 refused.
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server((bind.host, bind.port), family=family, backlog=2048, dualstack_ipv6=both)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise InvalidOption("port", f"Cannot listen on {bind.host} port {bind.port}: {reason.lower()}.") from error
    # Accepted connections inherit it: the kernel drops a peer that takes nothing of what waits for it, buffer and all.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(2000 * bind.upload_idle_seconds))
    host = f"[{bind.host}]" if family == socket.AF_INET6 else bind.host
    _LOG.info("listening", extra={"fields": {"url": f"http://{host}:{listener.getsockname()[1]}"}})
    return listener


class _Server(uvicorn.Server):
    """Stops on a signal as a program that has done its work: with exit code 0."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again once everything is closed, and the process would die of it.
        self._captured_signals.clear()
