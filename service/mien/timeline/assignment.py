"""The linear assignment problem, dense."""

import numpy as np
from numpy.typing import NDArray


def assign(cost: NDArray[np.float64], unmatched: float) -> list[tuple[int, int]]:
    """The pairs of rows and columns with the lowest total cost; leaving a row unmatched costs ``unmatched``.

    ``cost`` is ``float64 [rows, columns]``; a pair that costs ``unmatched`` or more is never made. Pairs are in the
    order of their rows, and ties are broken deterministically.
    """
    rows, columns = cost.shape
    if rows == 0 or columns == 0:
        return []
    # One column per row for staying unmatched. Shared columns would make the search for each unmatched row pass all
    # those before it.
    padded = np.full((rows, columns + rows), np.inf)
    padded[:, :columns][cost < unmatched] = cost[cost < unmatched]
    padded[np.arange(rows), columns + np.arange(rows)] = unmatched
    matched = _shortest_augmenting_paths(padded)
    return [(row, int(column)) for row, column in enumerate(matched) if column < columns]


def _shortest_augmenting_paths(cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """The column of each row; rows <= columns.

    The Hungarian method as successive shortest paths with potentials, O(rows^2 * columns): R. Jonker and A. Volgenant,
    "A shortest augmenting path algorithm for dense and sparse linear assignment problems", Computing 38, 1987.
    """
    rows, columns = cost.shape
    row_potential, column_potential = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1, np.intp)
    for new in range(rows):
        distance = np.full(columns, np.inf)
        parent = np.full(columns, -1, np.intp)
        done = np.zeros(columns, bool)
        row, reached, sink = new, 0.0, -1
        while sink < 0:
            slack = reached + cost[row] - row_potential[row] - column_potential
            better = ~done & (slack < distance)
            distance[better] = slack[better]
            parent[better] = row
            nearest = int(np.argmin(np.where(done, np.inf, distance)))
            reached = float(distance[nearest])
            done[nearest] = True
            if owner[nearest] < 0:
                sink = nearest
            else:
                row = int(owner[nearest])
        row_potential[new] += reached
        settled = np.flatnonzero(done & (np.arange(columns) != sink))
        row_potential[owner[settled]] += reached - distance[settled]
        column_potential[settled] -= reached - distance[settled]
        column = sink
        while True:
            row = int(parent[column])
            previous = np.flatnonzero(owner == row)
            owner[column] = row
            if row == new:
                break
            column = int(previous[0])
    matched = np.full(rows, -1, np.intp)
    taken = np.flatnonzero(owner >= 0)
    matched[owner[taken]] = taken
    return matched
