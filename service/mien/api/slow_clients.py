"""A client that stops reading its answer must not keep what the answer holds: a thread, a place, files."""

import logging
import time

from anyio import CancelScope, move_on_after
from anyio.lowlevel import checkpoint
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.api.uploads.body import LEAST_PACE

_LOG = logging.getLogger("mien.access")


class SlowClientTimeout:
    """Ends an answer of which the client takes nothing for ``seconds``, or less than ``LEAST_PACE`` over as long, and
    cuts the connection.

    The server keeps little ahead of a reader; beyond that, sending waits until the reader has made room, and only that
    waiting counts. The answer is cancelled at the send that waits, so whatever it holds is given back by its own
    ``finally``.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        left, taken = self._seconds, 0

        async def timed_send(message: Message) -> None:
            nonlocal left, taken
            before = time.monotonic()
            with move_on_after(left) as patience:
                await send(message)
            left -= time.monotonic() - before
            taken += len(message.get("body", b""))
            if taken >= LEAST_PACE * self._seconds:
                left, taken = self._seconds, 0
            if patience.cancelled_caught:
                fields = {"request_id": scope["state"]["request_id"], "path": scope["path"], "seconds": self._seconds}
                _LOG.warning("the client stopped reading its answer; it was ended", extra={"fields": fields})
                answer.cancel()
                await checkpoint()

        # An answer that returns unfinished makes the server close the connection: the caller sees that it is not whole.
        with CancelScope() as answer:
            await self._app(scope, receive, timed_send)
