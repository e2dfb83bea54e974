"""Who is let in: the one decision about keys, taken from the head of a request."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.access.addresses import network_of
from mien.access.key_ring import SIMPLE_ID, KeyRing
from mien.access.keys import Key, KeyState, KeyUse
from mien.api.key_errors import KeyExpired, KeyNotAllowed, KeyRevoked, Unauthorized
from mien.api.quotas import Quotas

_MAX_SEEN = 4096
_METER = "meter"
_OWNER = "owner"
_ANYONE = "anyone"
_NO_KEY = "Send an API key, as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'."
_REVOKED = "This API key was revoked; ask the operator of the service for a new one."


class Access:
    """Lets requests in by their keys; everyone, if none is required.

    An address that sent too many wrong keys is refused, except with the keys that it has used before: a colleague's
    mistake behind the same proxy locks out no one, and a stranger learns nothing from a guess.
    """

    def __init__(self, ring: KeyRing, quotas: Quotas | None = None) -> None:
        self.ring = ring
        self._quotas = quotas or Quotas()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()  # (address, hash of the key), the oldest first

    @property
    def required(self) -> bool:
        """Whether callers need a key."""
        return self.ring.required

    @contextmanager
    def admitted(self, connection: HTTPConnection, given: str | None, use: KeyUse) -> Iterator[None]:
        """Holds the place of a request or WebSocket, which carries the key ``given``, among those of its key.

        Raises:
            Unauthorized: no key was sent, or an unknown one.
            KeyExpired, KeyRevoked, KeyNotAllowed: the key is known, but does not open this.
            RateLimited: the key is over one of its limits, or its address sent too many wrong ones.
            TooLarge: the body is over the key's limit of bytes.
        """
        if not self.ring.required:
            yield
            return
        key = self._key(connection, given)
        _check(key, use)
        if key.id != SIMPLE_ID:
            connection.state.log_fields["key"] = key.id

        def meter(size: int) -> None:
            _check(self.ring.current(key), use)
            self._quotas.count_bytes(key, size)

        declared = connection.headers.get("content-length", "")
        with self._quotas.request(key, int(declared) if declared.isdecimal() else 0):
            setattr(connection.state, _METER, meter)
            setattr(connection.state, _OWNER, key.owner)
            yield

    def _key(self, connection: HTTPConnection, given: str | None) -> Key:
        if given is None:
            raise Unauthorized(_NO_KEY)
        address = network_of(connection.client.host if connection.client else "")
        key = self.ring.find(given)
        if self._quotas.is_blocked(address) and (key is None or (address, key.sha256) not in self._seen):
            raise self._quotas.too_many_wrong_keys(address)
        if key is None:
            self._quotas.wrong_key(address)
            raise Unauthorized("The API key is not one that this service knows; ask its operator for one.")
        self._seen[address, key.sha256] = None
        self._seen.move_to_end((address, key.sha256))
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        return key


def owner_of(connection: HTTPConnection) -> str:
    """Whose jobs the caller may see: those that were submitted with its key; without keys, everyone's."""
    return str(getattr(connection.state, _OWNER, _ANYONE))


def count_bytes(connection: HTTPConnection, size: int) -> None:
    """Count what was received of a caller for its key.

    Raises:
        RateLimited: it is too much for the key.
        KeyRevoked, KeyExpired: it no longer opens anything.
    """
    if meter := getattr(connection.state, _METER, None):
        meter(size)


def _check(key: Key | None, use: KeyUse) -> None:
    state = KeyState.REVOKED if key is None else key.state(datetime.now(UTC))
    if key is None or state is KeyState.REVOKED:
        raise KeyRevoked(_REVOKED)
    if state is KeyState.EXPIRED:
        raise KeyExpired("This API key has expired; ask the operator of the service for a new one.")
    if use not in key.uses:
        raise KeyNotAllowed(
            f"This API key is for {' and '.join(key.uses)}, and not for {use}; "
            "ask the operator of the service for another."
        )


class BodyMeter:
    """Counts the bytes of a body for its key as they are received. Only a caller with a key has a meter."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)

        async def counted_receive() -> Message:
            message = await receive()
            count_bytes(connection, len(message.get("body", b"")))
            return message

        await self._app(scope, counted_receive, send)
