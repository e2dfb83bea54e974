"""Refuses what there is no room for by the head of a request: before routes, options and keys are looked at, and before
its body is read. The dearest thing that an overloaded service does is then its work."""

from collections.abc import Mapping
from types import SimpleNamespace

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mien.api.admission import AdmissionGate
from mien.api.callers import name_caller
from mien.api.errors import problem_of
from mien.api.middleware import LingeringClose
from mien.errors import Overloaded

_DRAINED_BYTES = 1 << 20
"""A body up to this size is read and dropped by the server, which is cheaper than another connection."""


class EarlyRefusal:
    """Asks the gate of a path about every ``POST`` to it. ``keyed``: whether callers are told apart by their keys."""

    def __init__(self, app: ASGIApp, gates: Mapping[str, AdmissionGate], *, keyed: bool) -> None:
        self._app = app
        self._gates = gates
        self._keyed = keyed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = self._gates.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if gate is None:
            await self._app(scope, receive, send)
            return
        try:
            gate.check(name_caller(scope, keyed=self._keyed))
        except Overloaded as error:
            scope["route"] = SimpleNamespace(path=scope["path"])  # for the metrics
            refusal: ASGIApp = problem_of(error).response(scope["state"]["request_id"])
            if not _is_small(Headers(scope=scope)):
                refusal = LingeringClose(refusal)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_small(headers: Headers) -> bool:
    """Whether the server can drop the body. A client that waits for 100 Continue may never send it."""
    declared = headers.get("content-length", "")
    return declared.isdecimal() and int(declared) <= _DRAINED_BYTES and "expect" not in headers
