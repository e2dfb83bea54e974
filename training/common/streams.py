"""Work that a GPU may do side by side, and whole steps of it that are started at once."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

Result = TypeVar("Result")

_WARM_UP = 3  # steps before a capture: libraries choose their kernels in them


class Streams:
    """CUDA streams for as many tasks; where there are none, as on a CPU, tasks run one after the other."""

    def __init__(self, device: torch.device, count: int) -> None:
        self._streams = [_stream(device) for _ in range(count)]

    def side_by_side(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """What `tasks` return, each run in a stream of its own that waits for what came before; all are waited for."""
        if not self._streams:
            return [task() for task in tasks]
        current = torch.cuda.current_stream()
        results = []
        for index, task in enumerate(tasks):
            stream = self._streams[index % len(self._streams)]
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                results.append(task())
        for stream in self._streams[: len(tasks)]:
            current.wait_stream(stream)
        return results


def captured(step: Callable[[], None], undo: Callable[[], None]) -> Callable[[], None]:
    """`step` as one CUDA graph, to be called as often as wanted.

    Tensors that it reads must stay where they are. The graph is recorded after a few steps of warming up, which `undo`
    takes back.
    """
    side = _stream(torch.device("cuda"))
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(side)
    undo()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # another thread pins memory meanwhile
        step()
    return graph.replay


def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # missing in torch's stubs
