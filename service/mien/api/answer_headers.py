"""Headers that every answer carries, and what a page of another origin may send and read."""

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CORS: dict[str, Any] = {
    "allow_methods": ("GET", "HEAD", "POST"),
    "allow_headers": ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID"),
    "expose_headers": ("X-Request-ID", "Location", "Retry-After"),
}
"""For Starlette's ``CORSMiddleware``. Cookies are not allowed: a key travels in a header that a page sets itself."""


class AnswerHeaders:
    """Forbids browsers to guess at an answer's type, and everything on the way to keep a copy of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)
