"""The shapes that were tried, as the card shows them."""

from training.emotion.card.markdown import table
from training.emotion.pareto import Candidate, unbeaten


def shapes(candidates: list[Candidate]) -> str:
    """The table, the unbeaten ones in bold."""
    if not candidates:
        return "No table of shapes was recorded."
    best = unbeaten(candidates)
    header = (
        "shape",
        "million multiply-adds",
        "million parameters",
        "epochs",
        "teachers",
        "A, %",
        "ms a face, batch 1",
    )
    rows = [
        (
            f"**`{row.shape}`**" if row in best else f"`{row.shape}`",
            f"{row.million_multiply_adds:.0f}",
            f"{row.million_parameters:.2f}",
            row.epochs,
            row.teachers or "none",
            f"{row.protocol_a:.2f}",
            f"{row.batch_1:.2f}",
            f"{row.batch_32:.2f}",
        )
        for row in candidates
    ]
    lengths = "" if len({row.epochs for row in candidates}) == 1 else " Lengths differ: compare those of equal length."
    return (
        table((*header, "batch 32"), rows)
        + "\n\nint8, one thread, all files of the table in one run; bold: no other is both faster and more accurate."
        + lengths
    )
