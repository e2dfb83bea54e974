"""The shapes that were tried, as the card shows them."""

from training.common.markdown import table
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
        "in all",
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
            row.epochs_in_all,
            row.teachers or "none",
            f"{row.protocol_a:.2f}",
            f"{row.batch_1:.2f}",
            f"{row.batch_32:.2f}",
        )
        for row in candidates
    ]
    lengths = (
        ""
        if len({row.epochs_in_all for row in candidates}) == 1
        else " *In all*: with the epochs of the runs whose weights it began with. **Lengths differ, so the table says "
        "what was reached at what cost, not which shape is the better one.**"
    )
    return (
        table((*header, "batch 32"), rows)
        + "\n\nint8, one thread, all files of the table in one run; bold: no other is both faster and more accurate."
        + lengths
    )
