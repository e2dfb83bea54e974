"""Progress bars on the terminal's standard error; nothing where that is no terminal."""

import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mien.video.model import Sampling

T = TypeVar("T")


def tracked(items: Iterable[T], total: int, label: str) -> Generator[T]:
    """``items``, of which there are ``total``, with a bar that shows how many have been drawn."""
    if total < 2 or not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import MofNCompleteColumn  # noqa: PLC0415  see _bar

    with _bar(label, total, MofNCompleteColumn()) as update:
        for count, item in enumerate(items, start=1):
            update(count, "")
            yield item


@contextmanager
def progress(label: str, sampling: Sampling, duration: float | None) -> Iterator[Callable[[float], None]]:
    """A bar over the time of a clip. The function takes the time of each frame, in seconds."""
    end = min((end for end in (sampling.end, duration) if end is not None), default=None)
    if not sys.stderr.isatty():
        yield _ignore
        return
    from rich.progress import TaskProgressColumn, TextColumn  # noqa: PLC0415  see _bar

    began = time.monotonic()
    total = None if end is None else end - sampling.start
    with _bar(label, total, TaskProgressColumn(), TextColumn("{task.fields[remark]}")) as update:

        def advance(position: float) -> None:
            done = position - sampling.start
            update(done, f"{done / max(time.monotonic() - began, 1e-6):.1f}x real time")

        yield advance


@contextmanager
def _bar(label: str, total: float | None, *columns: object) -> Iterator[Callable[[float, str], None]]:
    # rich takes a while to import, and only a terminal needs it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    head = TextColumn("{task.description}", markup=False)
    left = TimeRemainingColumn(compact=True)
    with Progress(head, BarColumn(), *columns, left, console=Console(stderr=True), transient=True) as shown:  # type: ignore[arg-type]
        task = shown.add_task(label, total=total, remark="")
        yield lambda done, remark: shown.update(task, completed=done, remark=remark)


def _ignore(_: float) -> None:
    """No bar."""
