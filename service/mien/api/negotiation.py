"""Content negotiation: the ``Accept`` header against what an endpoint offers (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from functools import lru_cache

from starlette.datastructures import Headers

from mien.errors import NotAcceptable

_MAX_CHARACTERS = 4096
_KNOWN_HEADERS = 256
_MAX_RANGES = 64
"""Browsers send about 200 characters and ten ranges. The header is parsed on the event loop."""


def accept_of(headers: Headers) -> str | None:
    """The ``Accept`` header; several lines are one list (RFC 9110, 5.3). ``None`` if there is none."""
    return ", ".join(headers.getlist("accept")) or None


@lru_cache(_KNOWN_HEADERS)
def choose(accept: str | None, offers: tuple[str, ...]) -> str:
    """The preferred one of ``offers``; among equals the one named most exactly, then the one offered first.

    Raises:
        NotAcceptable: when none of them is accepted, or the header is too long.
    """
    if accept is not None and (len(accept) > _MAX_CHARACTERS or accept.count(",") >= _MAX_RANGES):
        raise NotAcceptable(
            f"The Accept header names more than {_MAX_RANGES} types or has more than {_MAX_CHARACTERS:,} characters; "
            f"name only those that you want of {', '.join(offers)}."
        )
    ranges = [_parse(item) for item in (accept or "*/*").split(",") if item.strip()]
    ranked = [(_rank(ranges, offer), -place, offer) for place, offer in enumerate(offers)]
    (quality, _), _, best = max(ranked)
    if quality <= 0:
        raise NotAcceptable(f"This endpoint returns {', '.join(offers)}; the Accept header allows none of them.")
    return best


def _rank(ranges: Sequence[tuple[str, float]], offer: str) -> tuple[float, int]:
    """(quality, specificity) of the most exact range that covers ``offer``; its quality may be 0."""
    family = f"{offer.partition('/')[0]}/*"
    for specificity, media_range in ((2, offer), (1, family), (0, "*/*")):
        qualities = [quality for name, quality in ranges if name == media_range]
        if qualities:
            return max(qualities), specificity
    return 0.0, 0


def _parse(item: str) -> tuple[str, float]:
    """A media range, such as ``image/*``, and its quality."""
    name, *parameters = (part.strip().lower() for part in item.split(";"))
    family, _, subtype = name.partition("/")
    quality = next((value for value in map(_quality, parameters) if value is not None), 1.0)
    return f"{family}/{subtype or '*'}", quality


def _quality(parameter: str) -> float | None:
    key, _, value = parameter.partition("=")
    if key.strip() != "q":
        return None
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number if 0 <= number <= 1 else 0.0
