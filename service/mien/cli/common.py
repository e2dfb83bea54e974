"""What several commands share: options, and tables for the terminal."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from mien.domain import AnalyzeOptions, DetectorMode, LabelSet

EXISTING = click.Path(path_type=Path, readable=False)
"""A file to read. The command checks whether it can be read: one sentence per file, and exit code 1."""

store_option = click.option(
    "--store", type=EXISTING, help="model store directory (MIEN_STORE; default: the bundled models)"
)


class _Number(click.FloatRange):
    """A range without NaN, which passes click's comparisons with the bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if math.isnan(number := super().convert(value, param, ctx)):
            self.fail(f"{value!r} is not a number.")
        return number


def analysis_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options that ``POST /predict`` takes too, given to ``command`` as one ``AnalyzeOptions``, ``options``."""
    default = AnalyzeOptions()
    detectors, label_sets = click.Choice([*map(str, DetectorMode)]), click.Choice([*map(str, LabelSet)])

    @click.option(
        "--detector",
        type=detectors,
        default=str(default.detector),
        help="how closely to look for faces: fast is one small pass, accurate finds more small and turned ones",
    )
    @click.option(
        "--min-face",
        type=_Number(1, 100_000),
        default=default.min_face,
        metavar="PX",
        help="leave out faces whose shorter side has fewer pixels",
    )
    @click.option(
        "--min-confidence",
        type=_Number(0, 1),
        metavar="0..1",
        help="leave out faces with a lower confidence  [default: the detector's own threshold]",
    )
    @click.option(
        "--max-faces",
        type=click.IntRange(1, 1000),
        default=default.max_faces,
        metavar="N",
        help="report at most this many faces, those of the highest confidence",
    )
    @click.option("--labels", type=label_sets, default=str(default.labels), help="the set of emotions to choose from")
    @wraps(command)
    def with_options(
        detector: str, min_face: float, min_confidence: float | None, max_faces: int, labels: str, **others: Any
    ) -> int:
        options = AnalyzeOptions(
            detector=DetectorMode(detector),
            min_face=min_face,
            min_confidence=min_confidence,
            max_faces=max_faces,
            labels=LabelSet(labels),
        )
        return command(options=options, **others)

    return with_options


def warn(path: Path, messages: Iterable[str]) -> None:
    """Print ``messages`` about the file ``path``."""
    for message in messages:
        click.echo(f"mien: {path}: {message}", err=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns under a ruled head."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
