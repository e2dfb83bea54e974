"""Routes that are read: ``GET``, and ``HEAD`` wherever there is a ``GET`` (RFC 9110, 9.3.2)."""

from collections.abc import MutableMapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send


class GetRoute(APIRoute):
    """Answers ``HEAD`` as ``GET``; the server leaves the body out. OpenAPI lists it once.

    The scope of those around it stays as it came, so that the log and the metrics tell the two apart.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See ``starlette.routing.Route``."""
        return super().matches(_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ``starlette.routing.Route``."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        await super().handle(_as_get(scope), receive, send)


def _as_get(scope: Scope) -> MutableMapping[str, Any]:
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
