"""Four plots of what ``growth`` saved.

    .venv-peers/chart/bin/python -m benchmarks.speed.growth_chart build/growth.json docs/images/growth.svg

Runs where matplotlib is: it needs nothing else.
"""

import json
import sys
from pathlib import Path
from typing import Any

COLOURS, INK = ("#00796b", "#90a4ae"), "#1a1a1a"
_PANELS = (
    ("faces", "faces in a 1080p picture", "ms of a core per picture"),
    ("pixels", "megapixels, one face", "ms of a core per picture"),
    ("connections", "connections, 640 x 480", "pictures per second; median in ms"),
    ("cores", "cores, 640 x 480", "pictures per second"),
)


def draw(told: dict[str, Any], path: Path) -> None:
    """Write ``path``, on white so that it is legible on any page."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "mien", "font.family": "sans-serif"})
    figure = Figure(figsize=(10, 7), layout="constrained")
    for axes, (name, x_label, y_label) in zip(figure.subplots(2, 2).ravel(), _PANELS, strict=True):
        for colour, (title, points) in zip(COLOURS, told[name].items(), strict=False):
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, marker="o", color=colour)
            axes.annotate(title, (xs[-1], ys[-1]), (-4, 6), textcoords="offset points", ha="right", fontsize=9)
        if name == "connections":
            axes.set_xscale("log", base=2)
            axes.set_xticks(xs, [f"{x:g}" for x in xs])
        if name == "cores":
            axes.set_xticks(xs)
            axes.set_xlim(0.5, max(xs) + 0.5)
        axes.set_ylim(0, None)
        axes.set_xlabel(x_label, fontsize=10, color=INK)
        axes.set_ylabel(y_label, fontsize=9, color=INK)
        axes.tick_params(labelsize=9, colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(y=0.15)
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
