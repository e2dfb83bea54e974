"""A bar chart of the pictures per second that ``libraries --results`` saved.

    .venv-peers/chart/bin/python -m benchmarks.speed.peers.chart RESULTS.json CHART.svg

Runs where matplotlib is: it needs nothing else. Bars are medians, the lines on them the spread of the rounds.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

OURS, THEIRS, INK = "#00796b", "#90a4ae", "#1a1a1a"


def draw(libraries: dict[str, dict[str, Any]], path: Path) -> None:
    """Write ``path``: a panel per set of pictures, a bar per library, on white so that it is legible on any page."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "mien", "font.family": "sans-serif"})
    names = list(next(iter(libraries.values())))
    figure = Figure(figsize=(10, 0.7 + len(names) * (0.45 + 0.26 * len(libraries))), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        _panel(axes, {title.replace("`", ""): measured[name] for title, measured in libraries.items()})
        axes.set_title(name, loc="left", fontsize=11, color=INK)
    figure.supxlabel("pictures per second of one core, decoding included", fontsize=10, color=INK)
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None)


def _panel(axes: Any, measured: dict[str, Any]) -> None:
    rates = [one["rates"] for one in measured.values()]
    medians = [statistics.median(one) for one in rates]
    errors = [[middle - min(one) for middle, one in zip(medians, rates, strict=True)]]
    errors.append([max(one) - middle for middle, one in zip(medians, rates, strict=True)])
    colours = [OURS if title.startswith("Mien") else THEIRS for title in measured]
    axes.barh(list(measured), medians, xerr=errors, color=colours, ecolor=INK, error_kw={"elinewidth": 1})
    for at, (median, one) in enumerate(zip(medians, measured.values(), strict=True)):
        told = f"{median:.3g} per s, {one['faces']} {'face' if one['faces'] == 1 else 'faces'} found"
        axes.annotate(told, (max(one["rates"]), at), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * max(max(one) for one in rates))
    axes.tick_params(labelsize=9, colors=INK, length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
