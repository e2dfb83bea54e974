"""Memory that two processes share: nameless, of a fixed size, and not in /dev/shm.

A memfd is on a mount of the kernel's own, so a small /dev/shm (64 MiB in containers) and a read-only root do not
matter. It is sealed: a process that shrank it would make the other one fault. Pages count once they are touched.
"""

import fcntl
import math
import mmap
import os
from types import TracebackType
from typing import Self

import numpy as np

from mien.domain import U8Array

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class SharedMemory:
    """``size`` bytes, behind ``descriptor``. A context manager that closes the descriptor; arrays stay valid."""

    def __init__(self, size: int) -> None:
        self.descriptor = os.memfd_create("mien", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, size)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
            self._map = mmap.mmap(self.descriptor, size)
        except BaseException:
            os.close(self.descriptor)
            raise
        self.size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor. Closing twice is harmless."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def write(self, data: bytes) -> None:
        """Put ``data`` at the beginning."""
        self._map[: len(data)] = data

    def array(self, offset: int, shape: tuple[int, ...]) -> U8Array:
        """A view of the bytes from ``offset`` on as ``uint8`` of ``shape``.

        Raises:
            ValueError: it does not lie inside.
        """
        return array_in(self._map, offset, shape)


def array_in(memory: mmap.mmap, offset: int, shape: tuple[int, ...]) -> U8Array:
    """As ``SharedMemory.array``."""
    if offset < 0 or min(shape) < 1:
        raise ValueError("not a shape")
    return np.frombuffer(memory, np.uint8, math.prod(shape), offset).reshape(shape)
