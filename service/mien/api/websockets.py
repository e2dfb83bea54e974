"""What surrounds a WebSocket, as ``mien.api.middleware`` surrounds a request: a log line, a count, and an answer to
unexpected errors."""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.api.errors import internal_problem
from mien.api.response_headers import HEADERS
from mien.telemetry.metrics import Metrics

_INTERNAL_ERROR = 1011
_ACCESS_LOGGER = logging.getLogger("mien.access")
_ERROR_LOGGER = logging.getLogger("mien.error")


async def observed_websocket(app: ASGIApp, metrics: Metrics, scope: Scope, receive: Receive, send: Send) -> None:
    """Gives the handshake's response the common headers. Counts and logs the WebSocket once it has ended."""
    status = 500
    started = time.perf_counter()
    request_id = scope["state"]["request_id"]

    async def send_with_headers(message: Message) -> None:
        nonlocal status
        if message["type"] in {"websocket.http.response.start", "websocket.accept"}:
            status = message.get("status", 101)
            MutableHeaders(scope=message).update({**HEADERS, "x-request-id": request_id})
        await send(message)

    try:
        await app(scope, receive, send_with_headers)
    finally:
        seconds = time.perf_counter() - started
        metrics.websocket_finished(getattr(scope.get("route"), "path", "unmatched"), status)
        fields = {
            "request_id": request_id,
            "route": getattr(scope.get("route"), "path", "unmatched"),
            "status": status,
            "seconds": round(seconds, 1),
            **scope["state"]["log_fields"],
        }
        _ACCESS_LOGGER.info("websocket", extra={"fields": fields})


async def guarded_websocket(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Logs an unexpected error, and closes the WebSocket with 1011, or answers its handshake with 500."""
    accepted = False

    async def watched_send(message: Message) -> None:
        nonlocal accepted
        accepted = accepted or message["type"] == "websocket.accept"
        await send(message)

    request_id = scope["state"]["request_id"]
    try:
        await app(scope, receive, watched_send)
    except Exception:
        _ERROR_LOGGER.exception("unexpected error", extra={"fields": {"request_id": request_id}})
        if accepted:
            reason = "Something failed inside the service; its log has the request id."
            await send({"type": "websocket.close", "code": _INTERNAL_ERROR, "reason": reason})
        else:
            await internal_problem().response(request_id)(scope, receive, send)
