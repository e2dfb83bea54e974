"""Labels that keep their places from frame to frame of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.render.geometry import Rectangle
from mien.render.labels import Label, Spot, Texts
from mien.render.placement import Board

PATIENCE = 1.0
"""Seconds for which a better place must be free before a label moves there."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Where a person's label was in the last frame (``None``: there was no room), and since when it could do better."""

    spot: Spot | None
    better_since: float | None


class SteadyLabels:
    """Places the labels of one clip's frames, which are asked for in growing order of time.

    A label stays on its side of its box and as long as it was while that keeps it off the other labels; it moves to a
    better place when one has been free for ``PATIENCE``. So it neither flickers nor stays short for good.
    """

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}

    def place(
        self,
        people: Sequence[int],
        texts: Sequence[Texts],
        boxes: Sequence[Rectangle],
        size: tuple[int, int],
        time: float,
    ) -> list[Label | None]:
        """Labels of the ``people`` (their numbers) in a frame of ``size`` (w, h) shown at ``time`` seconds.

        ``texts`` and ``boxes`` are as for ``place_labels``, and so are the labels.
        """
        board = Board(texts, boxes, *size)
        settled = [self._keeps(board, index, person) for index, person in enumerate(people)]
        for index, keeps in enumerate(settled):
            if not keeps:
                board.put(index, board.best(index))
        held = {}
        for index, person in enumerate(people):
            since = self._better_since(board, index, self._held[person], time) if settled[index] else None
            if since is not None and time - since >= PATIENCE:
                board.put(index, board.best(index))
                since = None
            label = board.labels[index]
            held[person] = _Held(None if label is None else label.spot, since)
        self._held = held
        return board.labels

    def _keeps(self, board: Board, index: int, person: int) -> bool:
        held = self._held.get(person)
        if held is None or held.spot is None:
            return held is not None
        label = board.kept(index, held.spot)
        board.put(index, label)
        return label is not None

    def _better_since(self, board: Board, index: int, held: _Held, time: float) -> float | None:
        best = board.best(index)
        if best is None or best.spot == held.spot:
            return None
        return time if held.better_since is None else held.better_since
