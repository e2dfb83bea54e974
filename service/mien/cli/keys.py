"""``mien keys``: the API keys in a file, which a running service reads again when it changes."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

from mien.access.key_file import locked, read_keys, write_keys
from mien.access.keys import Key, KeyState, KeyUse, digest, new_token, parse_limit
from mien.cli.common import table
from mien.errors import InvalidOption

_HEAD = ("id", "name", "state", "for", "created", "expires", "requests", "at once", "bytes")
_NAME = re.compile(r"[A-Za-z0-9][\w.@ -]{0,63}", re.ASCII)

_file_option: Callable[[Callable[..., int]], Callable[..., int]] = click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="MIEN_KEYS_FILE",
    show_envvar=True,
    required=True,
    help="the file of keys",
)


def _limit(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        if value is not None:
            parse_limit(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None
    return value


def _expiry(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """A number of days from now (``90d``) or a date, at whose end in UTC the key expires."""
    if value is None:
        return None
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        if days := re.fullmatch(r"(\d{1,5})d", value):
            expires = now + timedelta(days=int(days[1]))
        else:
            expires = datetime.combine(date.fromisoformat(value) + timedelta(days=1), time(), UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is neither a number of days (90d) nor a date (2027-01-31).") from None
    if expires <= now:
        raise click.BadParameter(f"{value} is over; name a day to come.")
    return expires


@click.group("keys")
def command() -> None:
    """Make, list and revoke API keys. A running service follows within a second."""


@command.command("add")
@click.argument("name")
@click.option("--rate", callback=_limit, metavar="N/PERIOD", help="most requests, e.g. 10/second or 5000/day")
@click.option("--concurrency", type=click.IntRange(1), metavar="N", help="most requests in progress at once")
@click.option("--bytes", "volume", callback=_limit, metavar="N/PERIOD", help="most bytes sent, e.g. 1000000000/day")
@click.option("--expires", callback=_expiry, metavar="DAYSd|DATE", help="e.g. 90d, or 2027-01-31 (its end, in UTC)")
@click.option("--metrics", is_flag=True, help="a key for /metrics alone, instead of for analyses")
@_file_option
def add(path: Path, name: str, expires: datetime | None, metrics: bool, **limits: Any) -> int:
    """Make a key called NAME, and print its token, which is shown this once."""
    if not _NAME.fullmatch(name):
        raise InvalidOption("name", "A key's name has 1 to 64 letters, digits, spaces and any of . _ @ - in ASCII.")
    with locked(path):
        keys = read_keys(path) if path.exists() else ()
        now = datetime.now(UTC).replace(microsecond=0)
        if any(key.name == name and key.state(now) is not KeyState.REVOKED for key in keys):
            raise InvalidOption("name", f"There is a key {name!r}; revoke it first, or choose another name.")
        identifier, token = new_token()
        use = KeyUse.METRICS if metrics else KeyUse.ANALYSIS
        key = Key(identifier, name, digest(token.encode()), now, (use,), expires, **limits)
        write_keys(path, (*keys, key))
    click.echo("Keep this token: only its hash is stored, and it is not shown again.", err=True)
    click.echo(token)
    return 0


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@_file_option
def list_keys(path: Path, as_json: bool) -> int:
    """List the keys with their limits; no token can be shown again."""
    now = datetime.now(UTC)
    keys = read_keys(path)
    if as_json:
        hidden = {"sha256"}
        found = [
            {name: value for name, value in asdict(key).items() if name not in hidden} | {"state": key.state(now)}
            for key in keys
        ]
        click.echo(json.dumps(found, indent=2, default=str))
    else:
        click.echo(table(_HEAD, [_row(key, now) for key in keys]))
    return 0


@command.command("revoke")
@click.argument("name")
@_file_option
def revoke(path: Path, name: str) -> int:
    """Revoke the key of that NAME or id. It stays in the list, and is answered with 403 from now on."""
    with locked(path):
        keys = read_keys(path)
        now = datetime.now(UTC).replace(microsecond=0)
        found = [key for key in keys if name in (key.name, key.id) and key.revoked is None]
        if not found:
            raise InvalidOption("name", f"There is no key {name!r} to revoke; mien keys list shows them.")
        write_keys(path, tuple(replace(key, revoked=now) if key in found else key for key in keys))
    click.echo(f"revoked {name}", err=True)
    return 0


def _row(key: Key, now: datetime) -> Sequence[str]:
    return (
        key.id,
        key.name,
        key.state(now),
        ", ".join(key.uses),
        f"{key.created:%Y-%m-%d}",
        "-" if key.expires is None else f"{key.expires:%Y-%m-%d %H:%M}",
        key.rate or "-",
        "-" if key.concurrency is None else str(key.concurrency),
        key.volume or "-",
    )
