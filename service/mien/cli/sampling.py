"""The options of a clip's analysis."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from mien.usecases.analyze_video import Smoothing, VideoOptions
from mien.video.model import Sampling


def _parse_rate(_: click.Context, __: click.Parameter, value: str) -> float | None:
    if value == "native":
        return None
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'native'.") from None


def sampling_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options that ``POST /analyze-video`` takes too, given to ``command`` as one ``VideoOptions``, ``video``."""

    @click.option(
        "--fps", default="5", callback=_parse_rate, metavar="N", help="frames per second to analyse, or native"
    )
    @click.option("--start", default=0.0, metavar="S", help="seconds into the clip at which to begin")
    @click.option("--end", type=float, metavar="S", help="seconds into the clip at which to stop  [default: its end]")
    @click.option(
        "--smoothing",
        type=click.Choice([kind.value for kind in Smoothing]),
        default=Smoothing.EMA.value,
        help="average each person's scores over time, or not",
    )
    @wraps(command)
    def with_video(fps: float | None, start: float, end: float | None, smoothing: str, **others: Any) -> int:
        return command(video=VideoOptions(Sampling(fps, start, end), Smoothing(smoothing)), **others)

    return with_video
