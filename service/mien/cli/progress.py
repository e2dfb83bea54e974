"""A progress bar over the time of a clip."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import click

from mien.video.model import Sampling


@contextmanager
def progress(label: str, sampling: Sampling, duration: float | None) -> Iterator[Callable[[float], None]]:
    """A progress bar in milliseconds of the clip, on a terminal only. The function takes the time of each frame."""
    end = min((end for end in (sampling.end, duration) if end is not None), default=None)
    began = time.monotonic()

    def speed(position: float | None) -> str | None:
        if position is None:
            return None
        return f"{(position - sampling.start) / max(time.monotonic() - began, 1e-6):.1f}x real time"

    with click.progressbar(
        count(0.0),  # never drawn from: click wants it where the length is unknown
        length=None if end is None else max(1, round(1000 * (end - sampling.start))),
        label=label,
        item_show_func=speed,
        hidden=not sys.stderr.isatty(),
        file=sys.stderr,
    ) as bar:
        yield lambda position: bar.update(round(1000 * (position - sampling.start)) - bar.pos, position)
