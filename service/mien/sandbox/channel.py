"""Messages, and the descriptors that go with them, over a socket between two processes."""

import socket
from array import array
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

import msgspec

from mien.sandbox.messages import AnyMessage

_MAX_BYTES = 128 * 1024
_MAX_DESCRIPTORS = 32

M = TypeVar("M")


class ChannelClosed(Exception):
    """The other side has closed its end, or ended."""


class Broken(Exception):
    """The other side sent something that is not a message."""


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected sockets that keep the boundaries of messages."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Channel(Generic[M]):
    """One end, which receives messages of the type ``kind`` (a union).

    ``takes_descriptors``: otherwise whatever descriptors come along are closed by the kernel unseen.
    """

    def __init__(self, end: socket.socket, kind: Any, *, takes_descriptors: bool = False) -> None:
        self._end = end
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(kind)
        self._encoder = msgspec.msgpack.Encoder()
        self._room = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array("i").itemsize) if takes_descriptors else 0
        self.received: list[int] = []
        """Descriptors that came with the last message; they belong to the caller."""

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._end.fileno()

    def close(self) -> None:
        """Close this end. Closing twice is harmless."""
        self._end.close()

    def send(self, message: AnyMessage, descriptors: Sequence[int] = ()) -> None:
        """Raises ``ChannelClosed``."""
        data = self._encoder.encode(message)
        try:
            if descriptors:
                socket.send_fds(self._end, [data], list(descriptors))
            else:
                self._end.send(data)
        except OSError as error:
            raise ChannelClosed from error

    def try_send(self, message: AnyMessage) -> None:
        """Send, unless the other side is so far behind that it would have to be waited for, or is gone."""
        with suppress(OSError):
            self._end.send(self._encoder.encode(message), socket.MSG_DONTWAIT)

    def receive(self) -> M:
        """The next message, once there is one.

        Raises:
            ChannelClosed, Broken.
        """
        try:
            return self._receive(0)
        except OSError as error:
            raise ChannelClosed from error

    def try_receive(self) -> M | None:
        """The next message; ``None`` if there is none yet. Raises as ``receive``."""
        try:
            return self._receive(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            raise ChannelClosed from error

    def _receive(self, more_flags: int) -> M:
        data, ancillary, flags, _ = self._end.recvmsg(_MAX_BYTES, self._room, socket.MSG_CMSG_CLOEXEC | more_flags)
        self.received = _descriptors(ancillary) if self._room else []
        if not data:
            raise ChannelClosed
        if flags & socket.MSG_TRUNC:
            raise Broken("a message is too long")
        try:
            return self._decoder.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Broken(str(error)) from error


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    found = array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()
