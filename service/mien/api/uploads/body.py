"""Request bodies as they arrive, bounded in bytes and in patience."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from anyio import CancelScope, current_time
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from mien.api.arrivals import Arrival
from mien.api.errors import UploadTimeout
from mien.api.uploads.spool import SpoolSettings
from mien.errors import TooLarge

LEAST_PACE = 1024
"""Bytes a second: an upload or an answer holds a place, and one that drips would hold it for ever."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much one request may bring; ``setting`` is what bounds its bytes, by the name that the operator knows."""

    body_bytes: int = 64 << 20
    files: int = 64
    idle_seconds: float = 30.0
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    setting: str = "max_body_bytes"


async def bounded(request: Request, limits: UploadLimits, arrival: Arrival) -> AsyncIterator[bytes]:
    """The body as it arrives. A declared length is checked first, so that a huge body is refused before it comes.

    Raises:
        TooLarge: past the bound on bytes.
        UploadTimeout: when it stops coming, or all but, or has to give way to others.
        ClientDisconnect: when the client hangs up.
    """
    bound = limits.body_bytes
    error = TooLarge(limits.setting, bound, f"The request body is larger than {bound:,} bytes; send less at once.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > bound:
        raise error
    sender = _Sender(request, limits.idle_seconds, arrival)
    received, more = 0, True
    while more:
        message = await sender.next()
        chunk, more = message.get("body", b""), message.get("more_body", False)
        received += len(chunk)
        if received > bound:
            raise error
        if chunk:
            yield chunk


class _Sender:
    """The client's side of an upload. Only the time spent waiting for it counts, not what we do with the bytes."""

    def __init__(self, request: Request, idle_seconds: float, arrival: Arrival) -> None:
        self._request = request
        self._idle_seconds = idle_seconds
        self._arrival = arrival
        self._left = idle_seconds
        self._brought = 0

    async def next(self) -> Message:
        """The next part of the body."""
        before = time.monotonic()
        message: Message | None = None
        with self._arrival.waiting(CancelScope(deadline=current_time() + self._left)):
            message = await self._request.receive()
        if message is None:
            raise UploadTimeout(f"Hardly a byte of the body came for {self._idle_seconds:g} seconds; send it again.")
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._left -= time.monotonic() - before
        brought = len(message.get("body", b""))
        self._arrival.brought(brought)
        self._brought += brought
        if self._brought >= LEAST_PACE * self._idle_seconds:
            self._left, self._brought = self._idle_seconds, 0
        return message
