"""Medians with the spread of the rounds, as cells of markdown tables."""

import statistics
from collections.abc import Iterable, Sequence


def spread(values: Sequence[float]) -> str:
    """The median and, in brackets, the lowest and highest: ``12.3 (11.9 to 12.8)``; a dash of nothing."""
    if not values:
        return "-"
    return f"{_figure(statistics.median(values))} ({_figure(min(values))} to {_figure(max(values))})"


def ratio(over: Sequence[float], under: Sequence[float]) -> str:
    """The spread of ``over`` divided by ``under``, round by round."""
    return spread([one / other for one, other in zip(over, under, strict=True)])


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    return "\n".join([_line(head), "|" + "---|" * len(head), *(_line(row) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
