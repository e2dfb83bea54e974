"""Which host names are answered, so that a stranger's web page cannot read a service that asks for no key.

A browser lets a page read answers from the host that it came from. The owner of a domain can let its name mean
127.0.0.1 once the page is open (DNS rebinding): the browser then sends the page's requests here, and all that tells
them apart is the ``Host`` header, which still names that domain. A numeric address cannot change its meaning so.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mien.api.errors import UnknownHost, problem_of

ANY = "*"

_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]/@?#\s]+))(?::\d*)?")
_PROBES = re.compile(r"/(v2/)?health/[a-z]+|/v2/models/[^/]+/ready")
_LONGEST = 300  # characters of a Host header; a name has 253 at most
_SHOWN = 100  # characters of a foreign name that an error repeats


@dataclass(frozen=True, slots=True)
class HostRule:
    """The ``Host`` headers that are answered: loopback always, on any port, and what is listed here.

    ``names`` are in lower case; ``*.example.org`` is every name below ``example.org``, and ``*`` any host at all.
    ``addresses``: numeric addresses are answered too.
    """

    names: frozenset[str]
    addresses: bool

    @classmethod
    def of(cls, bind: str, allowed: tuple[str, ...], keyed: bool) -> Self:
        """The rule of a service that listens on ``bind``.

        One that asks for keys answers any host: a stranger's page has none to send.
        """
        if keyed:
            return cls(frozenset({ANY}), addresses=True)
        # An operator who listens beyond loopback means to serve other machines, which know this one by its address.
        return cls(frozenset({bind.lower(), *allowed}), addresses=not _is_loopback(bind.lower()))

    def allows(self, header: str) -> bool:
        """Whether a request with this ``Host`` is answered."""
        if ANY in self.names:
            return True
        found = _HOST.fullmatch(header) if len(header) <= _LONGEST else None
        if found is None:
            return False
        name = (found[1] or found[2]).lower().removesuffix(".")
        if _is_loopback(name) or name in self.names or (self.addresses and _address(name) is not None):
            return True
        # Every suffix at a dot: few, and a set finds each at once.
        return any(f"*{name[at.start() :]}" in self.names for at in re.finditer(r"\.", name))


class KnownHosts:
    """Refuses requests for a host that ``rule`` does not allow. Health probes are answered whatever host they name."""

    def __init__(self, app: ASGIApp, rule: HostRule) -> None:
        self._app = app
        self._rule = rule

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _PROBES.fullmatch(scope["path"]):
            # Without the header it is no browser, and there is no page to protect against.
            for host in Headers(scope=scope).getlist("host"):
                if not self._rule.allows(host):
                    await problem_of(_unknown(host)).response(scope["state"]["request_id"])(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _unknown(host: str) -> UnknownHost:
    return UnknownHost(
        f"This service does not answer to the host name {host[:_SHOWN]!r}. Use localhost or its address, or have its "
        "operator list the name in MIEN_ALLOWED_HOSTS."
    )


def _is_loopback(name: str) -> bool:
    address = _address(name)
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
