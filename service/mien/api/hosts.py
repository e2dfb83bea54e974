"""Which host names are answered, and what pages of other origins may do.

A browser lets a page read responses from the host that it came from. The owner of a domain can point its name at
127.0.0.1 once the page is open (DNS rebinding): the browser then sends the page's requests here, and only the ``Host``
header, which still names that domain, gives them away. A numeric address cannot be pointed elsewhere.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mien.access.addresses import is_loopback, parse_address
from mien.api.errors import UnknownHost, UnknownOrigin, problem_of

ANY = "*"

CORS: dict[str, Any] = {
    "allow_methods": ("GET", "HEAD", "POST"),
    "allow_headers": ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID"),
    "expose_headers": ("X-Request-ID", "Location", "Retry-After"),
}
"""For Starlette's ``CORSMiddleware``. Cookies are not allowed: a key travels in a header that a page sets itself."""

_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]/@?#\s]+))(?::\d*)?")
_PROBES = re.compile(r"/(v2/)?health/[a-z]+|/v2/models/[^/]+/ready")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_KNOWN_HEADERS = 256
_MAX_LENGTH = 300  # characters of a Host header; a name has 253 at most
_MAX_SHOWN = 100  # characters of a refused name that an error repeats


@dataclass(frozen=True, slots=True)
class HostRule:
    """The ``Host`` headers that are answered: loopback names on any port, and those listed here.

    ``names`` are in lower case; ``*.example.org`` means every name below ``example.org``, and ``*`` any host at all.
    With ``addresses``, any numeric address is answered too.
    """

    names: frozenset[str]
    addresses: bool

    @classmethod
    def of(cls, bind: str, allowed: tuple[str, ...], keyed: bool) -> Self:
        """The rule of a service that listens on ``bind``.

        With API keys any host is answered: another origin's page has no key to send.
        """
        if keyed:
            return cls(frozenset({ANY}), addresses=True)
        # A service that listens beyond loopback is meant for other machines, which may use its address.
        return cls(frozenset({bind.lower(), *allowed}), addresses=not is_loopback(bind.lower()))

    @lru_cache(_KNOWN_HEADERS)  # noqa: B019  rules live as long as the process
    def allows(self, header: str) -> bool:
        """Whether a request with this ``Host`` is answered."""
        if ANY in self.names:
            return True
        found = _HOST.fullmatch(header) if len(header) <= _MAX_LENGTH else None
        if found is None:
            return False
        name = (found[1] or found[2]).lower().removesuffix(".")
        if is_loopback(name) or name in self.names or (self.addresses and parse_address(name) is not None):
            return True
        # Every suffix that begins with a dot.
        return any(f"*{name[at.start() :]}" in self.names for at in re.finditer(r"\.", name))


class KnownHosts:
    """Refuses requests and WebSockets for a host that ``rule`` does not allow, except health probes."""

    def __init__(self, app: ASGIApp, rule: HostRule) -> None:
        self._app = app
        self._rule = rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and not _PROBES.fullmatch(scope["path"]):
            # Every browser sends the header; without it there is no page to protect against.
            for host in Headers(scope=scope).getlist("host"):
                if not self._rule.allows(host):
                    await problem_of(_unknown(host)).response(scope["state"]["request_id"])(scope, receive, send)
                    return
        await self._app(scope, receive, send)


class KnownOrigins:
    """Refuses WebSockets of web pages, unless the page is the service's own or its origin is among ``origins``.

    Browsers let every page open a WebSocket to every host, and read what it answers (cross-site WebSocket hijacking):
    only the ``Origin`` header, which a page cannot change, tells whose page it is. Programs send none.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            headers = Headers(scope=scope)
            for origin in headers.getlist("origin"):
                if not self._allows(origin.lower(), headers.get("host", "").lower()):
                    refusal = UnknownOrigin(
                        f"Pages of the origin {origin[:_MAX_SHOWN]!r} may not use this service. Its operator can list "
                        "the origin in MIEN_CORS_ORIGINS."
                    )
                    await problem_of(refusal).response(scope["state"]["request_id"])(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _allows(self, origin: str, host: str) -> bool:
        if ANY in self._origins or origin in self._origins:
            return True
        # A proxy may have ended TLS: only the host tells whether the page came from here.
        scheme, separator, place = origin.partition("://")
        port = _DEFAULT_PORTS.get(scheme, "")
        return bool(separator and host) and place.removesuffix(port) == host.removesuffix(port)


def _unknown(host: str) -> UnknownHost:
    return UnknownHost(
        f"This service does not answer to the host name {host[:_MAX_SHOWN]!r}. Use localhost or its address, "
        "or have its operator list the name in MIEN_ALLOWED_HOSTS."
    )
