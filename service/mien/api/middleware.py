"""What surrounds every request, whatever its route. Pure ASGI, so that streaming and disconnects pass through.

From the outermost: ``RequestContext``, ``LingeringClose``, ``ErrorBoundary`` and ``SlowClientTimeout``.
"""

import asyncio
import logging
import re
import time
import uuid
from random import Random

import anyio
from anyio.lowlevel import checkpoint
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.api.errors import internal_problem, problem_of
from mien.api.response_headers import CONTENT_POLICY, HEADERS
from mien.api.upload_slots import MIN_RATE
from mien.api.websockets import guarded_websocket, observed_websocket
from mien.errors import EngineClosed
from mien.telemetry.metrics import Metrics

_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_QUIET_ROUTES = re.compile(r"/(metrics|(v2/)?health/.*)")
_LIVELY_BYTES = 4096
"""Per read, from a client that sends as fast as it can; a refused upload that is slower is not read on."""

_ACCESS_LOGGER = logging.getLogger("mien.access")
_ERROR_LOGGER = logging.getLogger("mien.error")


class RequestContext:
    """Gives a request its id (the client's own if it is sane) and its response the common headers; logs and counts."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        # Unique, not secret. UUIDs ask the system for each, and the event loop may then wait for the interpreter.
        self._ids = Random(uuid.uuid4().int)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE_ID.fullmatch(given) else f"{self._ids.getrandbits(128):032x}"
        scope.setdefault("state", {}).update(request_id=request_id, log_fields={})
        if scope["type"] == "http":
            await self._observed(scope, receive, send, request_id)
        else:
            await observed_websocket(self._app, self._metrics, scope, receive, send)

    async def _observed(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        status = 500
        started = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**HEADERS, "x-request-id": request_id})
                headers.setdefault("content-security-policy", CONTENT_POLICY)
            await send(message)

        self._metrics.request_started()
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            route = _route(scope)
            self._metrics.request_finished(scope["method"], route, status, seconds)
            fields = {
                "request_id": request_id,
                "method": scope["method"],
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 1),
                **scope["state"]["log_fields"],
            }
            level = logging.DEBUG if _QUIET_ROUTES.fullmatch(route) else logging.INFO
            _ACCESS_LOGGER.log(level, "request", extra={"fields": fields})


def _route(scope: Scope) -> str:
    """The route's path as it is declared, and not as it was sent: a caller may have written anything into it."""
    return getattr(scope.get("route"), "path", "unmatched")


class ErrorBoundary:
    """Logs an unexpected error, and answers it as a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await guarded_websocket(self._app, scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        request_id = scope["state"]["request_id"]
        fields = {"fields": {"request_id": request_id}}
        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:
            # The server cancels what still runs when its time for a graceful shutdown is over.
            _ERROR_LOGGER.warning("request cancelled by the shutdown", extra=fields)
            if started:
                return  # uvicorn closes the connection, which tells the client that the response is incomplete
            stopping = EngineClosed("The service stopped before the answer was ready; send the request again.")
            await problem_of(stopping).response(request_id)(scope, receive, send)
        except Exception:
            _ERROR_LOGGER.exception("unexpected error", extra=fields)
            if started:
                raise  # the server then closes the connection, which tells the client the same
            await internal_problem().response(request_id)(scope, receive, send)


class LingeringClose:
    """Reads on for a while after a refusal that is sent before the whole body has arrived.

    A server that closes with unread bytes resets the connection, and a client that is still sending never sees why it
    was refused. The bytes are discarded. The connection is closed after ``seconds``, or after ``idle_seconds`` with
    hardly any bytes: a slow client sees the refusal before it has sent the rest.
    """

    def __init__(self, app: ASGIApp, seconds: float = 10.0, idle_seconds: float = 1.0) -> None:
        self._app = app
        self._seconds = seconds
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body_read = False
        waits_for_100 = Headers(scope=scope).get("expect", "").lower() == "100-continue"

        async def watched_receive() -> Message:
            nonlocal body_read, waits_for_100
            waits_for_100 = False
            message = await receive()
            body_read = body_read or not message.get("more_body", False)
            return message

        async def lingering_send(message: Message) -> None:
            if message["type"] == "http.response.start" and not body_read:
                # Clients that watch for an early response (curl) stop sending when they see this.
                MutableHeaders(scope=message)["connection"] = "close"
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            # A client that waits for "100 Continue" has sent nothing and will not.
            if not last or body_read or waits_for_100:
                await send(message)
                return
            await send({**message, "more_body": True})
            with anyio.move_on_after(self._seconds), anyio.move_on_after(self._idle_seconds) as idle:
                while not body_read:
                    received = await watched_receive()
                    if len(received.get("body", b"")) >= _LIVELY_BYTES:
                        idle.deadline = anyio.current_time() + self._idle_seconds
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, watched_receive, lingering_send)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class SlowClientTimeout:
    """Closes the connection of a client that reads nothing of its response for ``seconds``, or less than ``MIN_RATE``
    over as long: it would hold a thread, a place at the gate, or files.

    The server buffers little; beyond that, sending waits until the client has read, and only that wait counts. The
    response is cancelled at the send that waits, so that its own ``finally`` releases what it holds.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        seconds_left, sent = self._seconds, 0

        async def timed_send(message: Message) -> None:
            nonlocal seconds_left, sent
            before = time.monotonic()
            with anyio.move_on_after(seconds_left) as sending:
                await send(message)
            seconds_left -= time.monotonic() - before
            sent += len(message.get("body", b""))
            if sent >= MIN_RATE * self._seconds:
                seconds_left, sent = self._seconds, 0
            if sending.cancelled_caught:
                fields = {"request_id": scope["state"]["request_id"], "route": _route(scope), "seconds": self._seconds}
                _ACCESS_LOGGER.warning(
                    "client stopped reading the response; connection closed", extra={"fields": fields}
                )
                response.cancel()
                await checkpoint()

        # A response that ends early makes the server close the connection: the client sees that it is incomplete.
        with anyio.CancelScope() as response:
            await self._app(scope, receive, timed_send)
