"""An HTTP/1.1 load generator for one process and one event loop: raw connections, so that it costs the machine little.

Closed loop: so many clients, each sending its next request when it has its answer. Open loop: requests arrive at
random (a Poisson process) at a rate that does not depend on the answers, each over an idle connection or a new one.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: (\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: close", re.IGNORECASE)
_TIMEOUT = 60.0  # s
_KEPT_SECONDS = 3.0  # the server closes a connection that is idle for 5

Request = bytes
"""As it goes over the wire."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 0: the connection broke. ``seconds`` until the last byte, which came ``at`` (``perf_counter``)."""

    status: int
    seconds: float
    at: float
    retry_after: int | None = None


@dataclass
class Results:
    """What a run brought."""

    answers: list[Answer] = field(default_factory=list)
    probes: list[Answer] = field(default_factory=list)

    def of(self, *statuses: int) -> list[Answer]:
        """The answers with one of these statuses."""
        return [answer for answer in self.answers if answer.status in statuses]


def post(path: str, body: bytes, media_type: str, headers: str = "") -> Request:
    """A request with a body."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{headers}\r\n".encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = bytearray()
        self._end: int | None = None
        self._done: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.usable = True
        self.used_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._end is None and (blank := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received, 0, blank)
            self._end = blank + 4 + (int(length[1]) if length else 0)
        if self._end is not None and len(self._received) >= self._end and self._done and not self._done.done():
            head = bytes(self._received[: self._received.find(b"\r\n\r\n")])
            self.usable = self.usable and not _CLOSES.search(head)
            self._done.set_result((int(head[9:12]), head))

    def connection_lost(self, _: Exception | None) -> None:
        self.usable = False
        if self._done and not self._done.done():
            self._done.set_result((0, b""))

    async def send(self, request: Request) -> Answer:
        assert self._transport is not None
        self._received.clear()
        self._end = None
        self._done = asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        self._transport.write(request)
        try:
            status, head = await asyncio.wait_for(self._done, _TIMEOUT)
        except TimeoutError:
            self.usable, status, head = False, 0, b""
        retry = _RETRY.search(head)
        now = self.used_at = time.perf_counter()
        return Answer(status, now - started, now, int(retry[1]) if retry else None)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Load:
    """Sends to one server; used inside one event loop."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[_Connection] = []
        self.results = Results()

    async def send(self, request: Request, source: str | None = None) -> Answer:
        """One request, over an idle connection or a new one; ``source`` is the address to send from."""
        connection = None
        while self._idle and source is None:
            connection = self._idle.pop()
            if connection.usable and time.perf_counter() - connection.used_at < _KEPT_SECONDS:
                break
            connection.close()
            connection = None
        if connection is None:
            local = None if source is None else (source, 0)
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection, self._host, self._port, local_addr=local
                )
            except OSError:
                return Answer(0, 0.0, time.perf_counter())
        answer = await connection.send(request)
        if connection.usable and source is None:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    async def closed_loop(self, requests: Sequence[Request], clients: int, seconds: float) -> float:
        """Answers per second of status 200."""
        end = time.perf_counter() + seconds
        started = len(self.results.of(200))

        async def client() -> None:
            while time.perf_counter() < end:
                self.results.answers.append(await self.send(random.choice(requests)))

        await asyncio.gather(*(client() for _ in range(clients)))
        return (len(self.results.of(200)) - started) / seconds

    async def open_loop(self, choose: Callable[[], Request], rate: float, seconds: float) -> None:
        """Send ``rate`` requests per second for ``seconds``, then wait for the answers."""
        tasks: set[asyncio.Task[None]] = set()

        async def one() -> None:
            self.results.answers.append(await self.send(choose()))

        begin = time.perf_counter()
        due = begin
        while (due := due + random.expovariate(rate)) < begin + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(one())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def probe(self, path: str, every: float) -> None:
        """``GET path`` every so many seconds over connections of its own, until cancelled."""
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        prober = Load(self._host, self._port)
        while True:
            self.results.probes.append(await prober.send(request))
            await asyncio.sleep(every)
