"""When a connection is read from."""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """Reading pauses for uvicorn, which has enough of a body, or while bytes of later requests are held, or both."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._holding = False

    def pause_reading(self) -> None:
        """For uvicorn."""
        self._set(read_paused=True, holding=self._holding)

    def resume_reading(self) -> None:
        """For uvicorn; what is held goes first."""
        self._set(read_paused=False, holding=self._holding)

    def hold(self) -> None:
        """Read no more until ``release``."""
        self._set(read_paused=self.read_paused, holding=True)

    def release(self) -> None:
        """What was held is parsed."""
        self._set(read_paused=self.read_paused, holding=False)

    def _set(self, *, read_paused: bool, holding: bool) -> None:
        before = self.read_paused or self._holding
        self.read_paused, self._holding = read_paused, holding
        if before == (read_paused or holding) or self._transport.is_closing():
            return
        if before:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
