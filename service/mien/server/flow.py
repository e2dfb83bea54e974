"""When the server stops reading from a connection, and goes on."""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl


class ReadingFlow(FlowControl):
    """Reading pauses while uvicorn has enough of a body, while bytes of later requests are buffered, or both."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._buffer_full = False

    def pause_reading(self) -> None:
        self._update(read_paused=True, buffer_full=self._buffer_full)

    def resume_reading(self) -> None:
        self._update(read_paused=False, buffer_full=self._buffer_full)

    def set_buffer_full(self, full: bool) -> None:
        self._update(read_paused=self.read_paused, buffer_full=full)

    def _update(self, *, read_paused: bool, buffer_full: bool) -> None:
        before = self.read_paused or self._buffer_full
        self.read_paused, self._buffer_full = read_paused, buffer_full
        if before == (read_paused or buffer_full) or self._transport.is_closing():
            return
        if before:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
