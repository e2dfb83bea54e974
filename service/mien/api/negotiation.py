"""Which answer form a caller wants: the ``Accept`` header against what an endpoint offers (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

from mien.errors import NotAcceptable

_MOST_CHARACTERS = 4096
_MOST_RANGES = 64
"""Browsers send some two hundred characters and ten ranges. All of them are read on the event loop."""


@dataclass(frozen=True, slots=True)
class _Range:
    main: str
    sub: str
    quality: float

    def specificity(self, offer: str) -> int | None:
        """2 for the very type, 1 for ``image/*``, 0 for ``*/*``, ``None`` where this range does not cover it."""
        main, _, sub = offer.partition("/")
        if (self.main, self.sub) == (main, sub):
            return 2
        if self.sub == "*" and self.main in (main, "*"):
            return int(self.main != "*")
        return None


def accept_of(headers: Headers) -> str | None:
    """What the caller accepts: a header sent in several lines is one list (RFC 9110, 5.3). ``None`` without any."""
    return ", ".join(headers.getlist("accept")) or None


def choose(accept: str | None, offers: Sequence[str]) -> str:
    """The best of ``offers``; among equals the one named most exactly, then the one offered first.

    Raises:
        NotAcceptable: when the caller takes none of them, or names more types than are read.
    """
    if accept is not None and (len(accept) > _MOST_CHARACTERS or accept.count(",") >= _MOST_RANGES):
        raise NotAcceptable(
            f"The Accept header names more than {_MOST_RANGES} types or has more than {_MOST_CHARACTERS:,} characters; "
            f"name only what you want of {', '.join(offers)}."
        )
    ranges = [_parse(item) for item in (accept or "*/*").split(",") if item.strip()]
    ranked = [(_rank(ranges, offer), -place, offer) for place, offer in enumerate(offers)]
    (quality, _), _, best = max(ranked)
    if quality <= 0:
        raise NotAcceptable(f"This endpoint answers {', '.join(offers)}; the Accept header allows none of them.")
    return best


def _rank(ranges: Sequence[_Range], offer: str) -> tuple[float, int]:
    """(quality, specificity): the most exact range that covers an offer decides its quality, also when it says 0."""
    covering = [(level, item.quality) for item in ranges if (level := item.specificity(offer)) is not None]
    level, quality = max(covering, default=(0, 0.0))
    return quality, level


def _parse(item: str) -> _Range:
    name, *parameters = (part.strip().lower() for part in item.split(";"))
    main, _, sub = name.partition("/")
    quality = next((value for value in map(_quality, parameters) if value is not None), 1.0)
    return _Range("*" if name == "*" else main, sub or "*", quality)


def _quality(parameter: str) -> float | None:
    key, _, value = parameter.partition("=")
    if key.strip() != "q":
        return None
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number if 0 <= number <= 1 else 0.0
