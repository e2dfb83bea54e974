"""The card's harder conditions: worse pictures, other crops, other sizes, and the way through the detector."""

from typing import Any

from training.common.markdown import percent, table
from training.emotion.card.aims import CHANGES

Report = dict[str, Any]


def harder(measured: Report) -> str:
    """Protocol A under each change."""
    base = measured["protocol_a"]["accuracy"]
    changes = [
        (CHANGES[name], percent(value), f"{100 * (value - base):+.2f}")
        for name, value in measured["robustness"].items()
    ]
    return f"""
## Harder conditions

Protocol A accuracy in %, one change at a time (plain: {percent(base)}).

{table(("change", "accuracy, %", "change, points"), changes)}

Crop wider (above 1) or tighter than the training tiles; the edge is repeated outside:

{_sweep(measured["crop_scale"])}

Side of the face in the photograph, px: the tile enlarged (cubic) or shrunk (area) to it and brought back to 48 by the
service's own crop. Enlarged tiles hold no more detail than 48 px, so above that this measures the resampling alone, not
what a sharper photograph might give:

{_sweep(measured["face_side"])}

Through our detector and crop, tiles pasted into held-out photographs without faces:

{_through(measured)}
"""


def _sweep(values: dict[str, float]) -> str:
    return table(tuple(values), [[percent(value) for value in values.values()]])


def _through(measured: Report) -> str:
    through = measured["through_detector"]
    if through is None:
        return "Not measured."
    header = ("detector", "face, px", "n", "found, %", "bare tiles, %", "through, %", "loss, points")
    keys = ("detector", "side", "n", "found", "bare", "through", "loss")
    return table(header, ([row[key] for key in keys] for row in through["rows"]))
