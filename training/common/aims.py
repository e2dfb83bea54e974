"""The tables that the models are judged by: asked, aimed at, measured."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from training.common.markdown import table


@dataclass(frozen=True)
class Aim:
    """One row. `measured` is None where nothing was measured; `seeds` are the same figure of several runs."""

    name: str
    least: float
    aim: float | None
    measured: float | None
    unit: str
    digits: int = 2
    fewer: bool = False  # the smaller the better
    seeds: tuple[float, ...] = ()

    @property
    def met(self) -> str:
        """What the last column says."""
        if self.measured is None:
            return "not measured"
        shown = round(self.measured, self.digits)  # as printed: a figure that reads 89.20 meets 89.2
        sign = -1 if self.fewer else 1
        if self.aim is not None and sign * shown >= sign * self.aim:
            return "yes, and the aim"
        return "yes" if sign * shown >= sign * self.least else "**no**"

    def cells(self) -> tuple[str, ...]:
        """The row's cells: name, asked, aim, measured, met."""
        sign = "at most" if self.fewer else "at least"
        shown = "" if self.measured is None else self._with_unit(f"{self.measured:.{self.digits}f}")
        if len(self.seeds) > 1:
            low, high, spread = min(self.seeds), max(self.seeds), float(np.std(self.seeds, ddof=1))
            shown += f" ({len(self.seeds)} seeds: {low:.{self.digits}f} to {high:.{self.digits}f}, sd {spread:.2g})"
        aim = "" if self.aim is None else self._with_unit(f"{self.aim:g}")
        return self.name, f"{sign} {self._with_unit(f'{self.least:g}')}", aim, shown, self.met

    def _with_unit(self, number: str) -> str:
        return f"{number} {self.unit}".rstrip()


def aims_table(rows: Iterable[Aim]) -> str:
    """The rows as Markdown."""
    return table(("", "asked", "aim", "measured", "met"), (row.cells() for row in rows))
