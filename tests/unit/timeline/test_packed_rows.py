import tracemalloc

import numpy as np
import pytest

from mien.domain import Box
from mien.timeline.model import FrameRow
from mien.timeline.packed_rows import PackedRows
from tests.unit.timeline.rows import LABELS8, face


def rows(count: int) -> list[FrameRow]:
    rng = np.random.default_rng(1)
    return [
        FrameRow(
            float(rng.random()),
            k,
            k // 10,
            tuple(
                face(tuple(rng.dirichlet([1.0] * 8).tolist()), p, Box(*rng.random(4).tolist())) for p in range(k % 4)
            ),
        )
        for k in range(count)
    ]


def test_rows_come_back_exactly() -> None:
    given = rows(50)
    log = PackedRows(LABELS8)
    for row in given:
        log.append(row)
    assert list(log) == given
    assert len(log) == 50
    assert (log[0], log[-1], log[7], log[1:3]) == (given[0], given[-1], given[7], given[1:3])
    for outside in (50, -51):
        with pytest.raises(IndexError):
            log[outside]


def test_a_face_takes_less_than_200_bytes() -> None:
    given = rows(400)
    tracemalloc.start()
    log = PackedRows(LABELS8)
    for row in given:
        log.append(row)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used / sum(len(row.faces) for row in given) < 200
