"""What happens around every request, whatever its route: an id, one log line, metrics, and no unforeseen error escapes.

Pure ASGI: each is a callable around the next, so that streaming and hang-ups pass through untouched.
"""

import asyncio
import logging
import re
import time
import uuid

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.api.dependencies import Recorder
from mien.api.errors import internal_problem, problem_of
from mien.errors import EngineClosed

_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_QUIET_ROUTES = re.compile(r"/(metrics|(v2/)?health/.*)")

access_log = logging.getLogger("mien.access")
error_log = logging.getLogger("mien.error")


class RequestContext:
    """Gives a request its id (the caller's own where it is sane), and afterwards logs and counts it."""

    def __init__(self, app: ASGIApp, recorder: Recorder) -> None:
        self._app = app
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state.update(request_id=request_id, notes={})
        if scope["type"] == "http":
            await self._observed(scope, receive, send, request_id)
        else:
            await self._app(scope, receive, send)

    async def _observed(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        status = 500
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        self._recorder.request_started()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            self._recorder.request_finished(scope["method"], route, status, seconds)
            _log(scope, route, status, seconds)


def _log(scope: Scope, route: str, status: int, seconds: float) -> None:
    level = logging.DEBUG if _QUIET_ROUTES.fullmatch(route) else logging.INFO
    fields = {
        "request_id": scope["state"]["request_id"],
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "ms": round(seconds * 1000, 1),
        **scope["state"]["notes"],
    }
    access_log.log(level, "request", extra={"fields": fields})


class ErrorBoundary:
    """Reports an error that no handler foresaw, and answers a problem in its place."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:
            # The server does so to what is still in work when its patience with a stop ends.
            error_log.warning("stopped in mid-request", extra={"fields": {"request_id": scope["state"]["request_id"]}})
            if started:
                return  # uvicorn cuts the connection, which tells the caller that the answer is not whole
            stopping = EngineClosed("The service stopped before the answer was ready; send the request again.")
            await problem_of(stopping).response(scope["state"]["request_id"])(scope, receive, send)
        except Exception:
            request_id = scope["state"]["request_id"]
            error_log.exception("unforeseen error", extra={"fields": {"request_id": request_id}})
            if started:
                raise  # half an answer is out; only a broken connection tells the caller so
            await internal_problem().response(request_id)(scope, receive, send)


_LIVELY_BYTES = 4096
"""In one read, from a client that sends as fast as it can; refused ones that drip are not waited for."""


class LingeringClose:
    """Reads on for a while after a refusal sent before the whole body came.

    A server that closes with unread bytes resets the connection, and a client that is still sending never sees why it
    was refused. The bytes are dropped as they come; past ``seconds`` the connection is cut, and past ``idle_seconds``
    in which hardly any came: a client that sends slowly sees the refusal before it has sent the rest.
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
                # Clients that watch for an early answer (curl) stop sending when they see this.
                MutableHeaders(scope=message)["connection"] = "close"
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            # A client that waits for "100 Continue" has sent nothing and will not.
            if not last or body_read or waits_for_100:
                await send(message)
                return
            await send({**message, "more_body": True})
            with anyio.move_on_after(self._seconds), anyio.move_on_after(self._idle_seconds) as patience:
                while not body_read:
                    received = await watched_receive()
                    if len(received.get("body", b"")) >= _LIVELY_BYTES:
                        patience.deadline = anyio.current_time() + self._idle_seconds
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, watched_receive, lingering_send)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
