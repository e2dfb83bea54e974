"""The options for running a command on a server."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mien.client.sync import Client

KEY_VARIABLE = "MIEN_CLIENT_KEY"
_ATTEMPTS = 3  # someone waits at the terminal


def server_options(command: Callable[..., int]) -> Callable[..., int]:
    """``--url`` and ``--api-key``, given to ``command`` as ``url`` and ``key``."""
    url = click.option("--url", metavar="URL", help="analyse on the server there, e.g. http://127.0.0.1:8000")
    key = click.option(
        "--api-key",
        "key",
        metavar="KEY",
        envvar=KEY_VARIABLE,
        help=f"its API key (with --url; better given as {KEY_VARIABLE})",
    )
    return url(key(command))


def open_client(url: str, key: str | None) -> "Client":
    """A client; its waiting for a busy server is not written to the terminal."""
    from mien.client.sync import Client  # noqa: PLC0415  httpx takes a while, and only --url needs it

    logging.getLogger("stamina").addHandler(logging.NullHandler())
    return Client(url, key, attempts=_ATTEMPTS)
