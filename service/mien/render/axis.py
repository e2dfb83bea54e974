"""The time axis of a chart: where its labels are, and how times are written."""

import math
from collections.abc import Iterator

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_LABEL = 85
"""Pixels that a label needs."""


def ticks(span: tuple[float, float], length: int) -> Iterator[tuple[float, str]]:
    """Round times in ``span`` (seconds) with their labels, as many as an axis of ``length`` pixels has room for."""
    room = max(1, length // _LABEL)
    extent = span[1] - span[0]
    step = next((s for s in _STEPS if extent / s <= room), math.ceil(extent / room / 3600) * 3600)
    for k in range(math.ceil(span[0] / step - 1e-9), math.floor(span[1] / step + 1e-9) + 1):
        yield k * step, clock(k * step, step, span[1], with_unit=False)


def unit(longest: float) -> str:
    """How the times of an axis that ends at ``longest`` seconds are written."""
    if longest <= 60:
        return "s"
    return "m:ss" if longest < 3600 else "h:mm:ss"


def clock(seconds: float, step: float, longest: float, *, with_unit: bool = True) -> str:
    """``seconds`` to the tenth if ``step`` is under a second; as m:ss, or h:mm:ss, if ``longest`` is over a minute."""
    digits = 1 if step < 1 else 0
    if longest <= 60:
        return f"{seconds:.{digits}f}" + (" s" if with_unit else "")
    minutes, rest = divmod(round(seconds, digits), 60)
    ending = f"{rest:0{3 + digits if digits else 2}.{digits}f}"
    if longest < 3600:
        return f"{minutes:.0f}:{ending}"
    return f"{minutes // 60:.0f}:{minutes % 60:02.0f}:{ending}"
