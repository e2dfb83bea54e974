"""The text of CARD.md, from the manifest and what the report measured."""

from typing import Any

from training.common.markdown import refilled
from training.emotion.card import classes, figures, harder, making, prose, remake
from training.emotion.card.who_voted import who_voted
from training.emotion.pareto import Candidate

Report = dict[str, Any]


def card(tables: Report, measured: Report, others: dict[str, Report], candidates: list[Candidate]) -> str:
    """The whole card; `tables` is the manifest, `others` the compared figures of the other versions."""
    sections = (
        prose.head(tables, measured),
        prose.meaning(measured),
        figures.figures(measured, others, tables["version"], candidates),
        classes.classes(measured),
        classes.errors(measured),
        classes.calibration(measured),
        who_voted(measured),
        harder.harder(measured),
        making.making(tables),
        prose.data(tables),
        prose.LIMITS,
        prose.USES,
        remake.remake(tables),
    )
    return refilled("\n\n".join(section.strip() for section in sections))
