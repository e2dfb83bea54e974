"""One open connection to ``/live``: every message gets exactly one reply, in order; the newest frame wins."""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from anyio import CancelScope, create_task_group, move_on_after, to_thread
from fastapi import WebSocket, WebSocketDisconnect

from mien.api.access import count_bytes
from mien.api.errors import problem_of
from mien.api.key_errors import RateLimited
from mien.api.live.inbox import Entry, Inbox
from mien.api.live.limits import MAX_REPLIES, LiveState
from mien.domain import Cancellation
from mien.errors import InvalidRequest, MienError
from mien.telemetry.metrics import Metrics
from mien.usecases.live_session import LiveSession
from mien.usecases.picture_document import to_json

GOING_AWAY, POLICY, OVERLOADED = 1001, 1008, 1013
UNAUTHORIZED, TIMEOUT = 3000, 3008  # registered with IANA, beside those of RFC 6455
_MAX_REASON = 123  # bytes, of a close frame
_STATE_SECONDS = 1.0  # between two replies with a person_state
_LOGGER = logging.getLogger("mien.access")
_STOPPING = "The service is stopping; open another connection and send the person_state in its first message."


@dataclass(slots=True)
class Counts:
    """What became of a connection's messages, for the log."""

    answered: int = 0
    dropped: int = 0
    failed: int = 0


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


class Conversation:
    """Reads frames while one is analysed, and replies. A frame fails ``seconds`` after it was received.

    A client that does not read its replies is not read either once ``MAX_REPLIES`` are due, and is disconnected after
    ``LiveState.send`` seconds: what is held of a connection is at most two frames and what the server buffers.
    """

    def __init__(
        self, websocket: WebSocket, session: LiveSession, seconds: float, live: LiveState, metrics: Metrics
    ) -> None:
        self._websocket = websocket
        self._session = session
        self._seconds = seconds
        self._live = live
        self._metrics = metrics
        self._request_id: str = websocket.scope["state"]["request_id"]
        self._inbox = Inbox()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._end: tuple[int, str] | None = None
        self._cancelled = threading.Event()
        self._started = time.monotonic()
        self._state_due = 0.0
        self.counts = Counts()

    async def run(self, first_frame: bytes | None) -> int | None:
        """Answer until the connection ends. The close code if it was ended here, ``None`` if the client left."""
        if first_frame is not None:
            self._inbox.put_frame(first_frame, time.monotonic())
            self._changed.set()
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(self._read, tasks.cancel_scope)
                with suppress(WebSocketDisconnect):
                    await self._answer()
                tasks.cancel_scope.cancel()
        finally:
            self._cancelled.set()
        return None if self._end is None else self._end[0]

    async def _read(self, scope: CancelScope) -> None:
        while True:
            while len(self._inbox) >= MAX_REPLIES:
                self._room.clear()
                await self._room.wait()
            with move_on_after(self._live.idle) as idle:
                message = await self._websocket.receive()
            if idle.cancelled_caught:
                return self._finish(TIMEOUT, f"No message came for {self._live.idle:g} s.")
            if message["type"] == "websocket.disconnect":
                if message.get("code") == GOING_AWAY:  # the server's word, or a browser's that has left already
                    return self._finish(GOING_AWAY, _STOPPING)
                self._cancelled.set()
                scope.cancel()
                return None
            now = time.monotonic()
            data = message.get("bytes")
            try:
                count_bytes(self._websocket, len(message.get("text") or "" if data is None else data))
            except MienError as error:
                return self._finish(OVERLOADED if isinstance(error, RateLimited) else UNAUTHORIZED, str(error))
            if data is not None:
                self._inbox.put_frame(data, now)
            else:
                advice = "send frames as binary messages; options belong into the first message of a connection"
                self._inbox.put_error(InvalidRequest(advice), now)
            self._changed.set()

    def _finish(self, code: int, detail: str) -> None:
        self._end = (code, detail)
        self._changed.set()

    async def _answer(self) -> None:
        next_start = 0.0
        while self._end is None:
            await self._changed.wait()
            self._changed.clear()
            while self._inbox and self._end is None:
                if not self._inbox.has_frame:
                    await self._send_all(self._inbox.take())
                    continue
                await asyncio.sleep(next_start - time.monotonic())
                async with self._live.gate:
                    next_start = time.monotonic() + self._live.interval
                    *before, frame = self._inbox.take()  # only now: the newest
                    self._room.set()
                    reply = await to_thread.run_sync(self._analyzed, frame, limiter=self._live.threads)
                await self._send_all(before)
                await self._send(reply)
                self._metrics.live_latency(time.monotonic() - frame.received_at)
        await self._send_all(self._inbox.take())
        await self._send_all(self._inbox.take())  # a frame that waited, and what came after it
        await self._close(*self._end)

    async def _send_all(self, entries: list[Entry]) -> None:
        self._room.set()
        for entry in entries:
            if entry.error is not None:
                await self._send(self._failed(entry, entry.error))
            else:
                self.counts.dropped += 1
                self._metrics.live_frame("dropped")
                await self._send(to_json({"type": "frame", "frame": entry.frame, "dropped": True}))

    def _analyzed(self, entry: Entry) -> str:
        """The reply to a frame. Runs in a worker thread."""
        cancellation = Cancellation(entry.received_at + self._seconds, self._cancelled.is_set)
        data, entry.data = entry.data or b"", None
        at = entry.received_at - self._started
        try:
            started = time.monotonic()
            frame = self._session.decode(data, self._live.decoder, at, entry.frame or 0, cancellation)
            decoded = time.monotonic()
            result = self._session.analyze(frame, cancellation)
        except MienError as error:
            return self._failed(entry, error)
        self.counts.answered += 1
        self._metrics.live_frame("answered")
        document = self._session.document(result)
        waited, total = started - entry.received_at, time.monotonic() - entry.received_at
        document["timing_ms"] |= {"decode": _ms(decoded - started), "waited": _ms(waited), "total": _ms(total)}
        return to_json({"type": "frame", "dropped": False, **document, **self._person_state()})

    def _person_state(self) -> Mapping[str, Any]:
        now = time.monotonic()
        if now < self._state_due:
            return {}
        self._state_due = now + _STATE_SECONDS
        return {"person_state": self._live.signer.sign(self._session.state)}

    def _failed(self, entry: Entry, error: MienError) -> str:
        self.counts.failed += 1
        if entry.frame is not None:
            self._metrics.live_frame("failed")
        number = {} if entry.frame is None else {"frame": entry.frame, "dropped": False}
        return to_json({"type": "error", **number, **problem_of(error).members(self._request_id)})

    async def _send(self, text: str) -> None:
        with move_on_after(self._live.send) as sending:
            await self._websocket.send_text(text)
        if sending.cancelled_caught:
            fields = {"request_id": self._request_id, "path": "/live", "seconds": self._live.send}
            _LOGGER.warning("client stopped reading its replies; connection closed", extra={"fields": fields})
            raise WebSocketDisconnect(1006)

    async def _close(self, code: int, detail: str) -> None:
        state = {"person_state": self._live.signer.sign(self._session.state)}
        await self._send(to_json({"type": "end", "code": code, "detail": detail, **state}))
        await self._websocket.close(code, detail[:_MAX_REASON])
