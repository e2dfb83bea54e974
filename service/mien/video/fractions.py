"""Fractions as text, for ``msgspec``, which knows none."""

import re
from fractions import Fraction
from typing import Any

# A decoder process may send anything; ``Fraction`` itself would also read 1e999999999, and compute it.
_FRACTION = re.compile(r"(-?\d{1,100})(?:/(\d{1,100}))?", re.ASCII)


def fraction_to_text(value: object) -> str:
    """For ``enc_hook``: ``3/2``."""
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(type(value))


def fraction_of_text(kind: type[Any], value: Any) -> Any:
    """For ``dec_hook``.

    Raises:
        ValueError: it is no such text.
    """
    if kind is not Fraction:
        raise NotImplementedError(kind)
    found = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    if found is None or (denominator := int(found[2] or 1)) == 0:
        raise ValueError("not a fraction")
    return Fraction(int(found[1]), denominator)
