"""API keys: random tokens of which only a hash is kept.

A token is ``mien_<id>_<secret>``: the id finds the key, and the secret has 256 random bits. One SHA-256 protects it: a
slow password hash (argon2, scrypt) makes guessing what people choose expensive, but 2^256 random values cannot be
guessed at any speed, and a slow hash per request would be a way to overload the service.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import limits
from msgspec import Meta

_PREFIX = "mien"
_ID_BYTES = 4
_SECRET_BYTES = 32

Instant = Annotated[datetime, Meta(tz=True)]
_Id = Annotated[str, Meta(pattern="^[0-9a-z]{1,32}$")]
_Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class KeyUse(StrEnum):
    """What a key opens."""

    ANALYSIS = "analysis"
    METRICS = "metrics"


class KeyState(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored.

    ``sha256`` is the hash of the whole token, in hexadecimal. ``rate`` (requests) and ``volume`` (bytes of request
    bodies) are limits such as ``10/second`` or ``1000000000/day``; ``concurrency`` bounds the requests in progress at
    once. ``None`` means no limit, or no expiry.

    Raises:
        ValueError: a limit cannot be read.
    """

    id: _Id
    name: str
    sha256: _Digest
    created: Instant
    uses: tuple[KeyUse, ...] = (KeyUse.ANALYSIS,)
    expires: Instant | None = None
    revoked: Instant | None = None
    rate: str | None = None
    concurrency: int | None = None
    volume: str | None = None

    def __post_init__(self) -> None:
        for text in (self.rate, self.volume):
            if text is not None:
                parse_limit(text)
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError("the concurrency of a key is at least 1")

    @property
    def owner(self) -> str:
        """Names the holder of this key in what is stored of them, without telling the key."""
        return self.sha256[:32]

    def state(self, now: datetime) -> KeyState:
        """Whether the key opens anything at ``now``."""
        if self.revoked is not None:
            return KeyState.REVOKED
        return KeyState.EXPIRED if self.expires is not None and self.expires <= now else KeyState.ACTIVE

    def matches(self, token: bytes) -> bool:
        """Whether ``token`` is this key's, compared in constant time."""
        return hmac.compare_digest(digest(token), self.sha256)


def digest(token: bytes) -> str:
    """The hash by which a token is known."""
    return sha256(token).hexdigest()


def new_token() -> tuple[str, str]:
    """The id of a new key, and its token."""
    name = secrets.token_hex(_ID_BYTES)
    return name, f"{_PREFIX}_{name}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def id_of(token: bytes) -> str | None:
    """The id in a token; ``None`` if it is not one of ``new_token``."""
    prefix, _, rest = token.decode("latin-1").partition("_")
    name, separator, _ = rest.partition("_")
    return name if prefix == _PREFIX and separator else None


def parse_limit(text: str) -> limits.RateLimitItem:
    """A limit in the words of the ``limits`` library: ``10/second``, ``100 per 5 minutes``.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        item = limits.parse(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a limit; write one as in 10/second or 5000/hour") from None
    if item.amount < 1:
        raise ValueError(f"{text!r} allows nothing; revoke the key instead")
    return item
