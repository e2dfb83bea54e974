"""Webhooks, signed as Standard Webhooks has it (standardwebhooks.com), and only to addresses of the internet."""

import ipaddress
import logging
import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpcore
import msgspec
from standardwebhooks import Webhook

from mien.errors import InvalidOption

_LOGGER = logging.getLogger("mien.jobs")
_SECONDS = 15.0
_SocketOption = tuple[int, int, int | bytes]


class _PublicAddresses(httpcore.NetworkBackend):
    """Connects to addresses of the internet, and to those of ``hosts``.

    The name is resolved once and the address that was checked is the one connected to: a name server that answers
    differently the second time gains nothing.
    """

    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = hosts
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error
        address = str(found[0][4][0])
        if host.lower() not in self._hosts and not all(_is_public(str(one[4][0])) for one in found):
            raise httpcore.ConnectError(f"{host} is no address of the internet")
        return self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)


class WebhookSender:
    """Sends messages; ``secret`` signs them, ``hosts`` may have private addresses."""

    def __init__(self, secret: str | None, hosts: Iterable[str] = ()) -> None:
        self._signer = Webhook(secret) if secret else None
        self._hosts = frozenset(hosts)

    def check(self, address: str) -> None:
        """Refuse, before a job is made, what could never be sent to. Names are resolved when the message is sent.

        Raises:
            InvalidOption: what is wrong with ``address``.
        """
        if self._signer is None:
            raise InvalidOption("webhook", "webhook cannot be used: the operator has set no MIEN_WEBHOOK_SECRET.")
        try:
            url = urlsplit(address)
            host, _ = url.hostname, url.port
        except ValueError:
            url, host = urlsplit(""), None
        if url.scheme not in ("http", "https") or not host or url.username is not None:
            raise InvalidOption("webhook", "webhook must be an http or https URL with a host and without a password.")
        is_local = host == "localhost" or host.endswith(".localhost") or (_is_address(host) and not _is_public(host))
        if is_local and host not in self._hosts:
            raise InvalidOption(
                "webhook", f"webhook may not be sent to {host}, a private address; the operator can allow it."
            )

    def send(self, message: dict[str, Any]) -> bool:
        """Send once; whether it was received."""
        if self._signer is None:
            return False
        now = datetime.now(UTC)
        body = msgspec.json.encode(message["body"])
        headers = [
            ("content-type", "application/json"),
            ("webhook-id", str(message["id"])),
            ("webhook-timestamp", str(int(now.timestamp()))),
            ("webhook-signature", self._signer.sign(message["id"], now, body.decode())),
        ]
        try:
            with httpcore.ConnectionPool(network_backend=_PublicAddresses(self._hosts)) as pool:
                timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)
                # The body is not read: only the status counts, and redirects are not followed.
                with pool.stream(
                    "POST", message["address"], headers=headers, content=body, extensions={"timeout": timeouts}
                ) as response:
                    received = 200 <= response.status < 300
                    reason = str(response.status)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            received, reason = False, str(error) or type(error).__name__
        if not received:
            _LOGGER.warning("webhook not received", extra={"fields": {"webhook": message["id"], "reason": reason}})
        return received


def message_of(address: str, job: str, kind: str, error: tuple[str, str] | None) -> dict[str, Any]:
    """The message about a job's end, as members of a JSON object."""
    data: dict[str, Any] = {"id": job, "state": kind.removeprefix("job."), "links": links(job)}
    if error is not None:
        data["error"] = {"code": error[0], "detail": error[1]}
    timestamp = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"address": address, "id": f"msg_{job}", "body": {"type": kind, "timestamp": timestamp, "data": data}}


def links(job: str) -> dict[str, str]:
    """The paths of a job's resources."""
    return {"self": f"/jobs/{job}", "events": f"/jobs/{job}/events", "result": f"/jobs/{job}/result"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not (mapped or parsed).is_multicast
