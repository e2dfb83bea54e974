"""A picture file whose reader is interrupted when its caller no longer waits."""

import io
from collections.abc import Callable

from mien.errors import CorruptMedia

HEADER_READS = 50_000
"""Reads of a header. Ordinary ones take some hundred; each costs Python about a microsecond, and a file that consists
of nothing but tiny parts has tens of millions."""


def no_check() -> None:
    """There is no caller to watch."""


class CheckedFile(io.BytesIO):
    """Calls ``check`` at every read: Pillow's decoders take a file in blocks of 64 KiB, and its parsers in parts.

    What ``check`` raises ends the reading. ``header_done`` lifts the bound on the number of reads.
    """

    def __init__(self, data: bytes, check: Callable[[], None] = no_check) -> None:
        super().__init__(data)
        self._check = check
        self._reads: int | None = HEADER_READS

    def header_done(self) -> None:
        """The header has been read; pixels may take as many reads as they need."""
        self._reads = None

    def read(self, size: int | None = -1, /) -> bytes:
        """See ``io.BytesIO``.

        Raises:
            CorruptMedia: the header has too many parts.
        """
        self._check()
        if self._reads is not None:
            self._reads -= 1
            if self._reads < 0:
                raise CorruptMedia("the file's header has too many parts to be a picture's; save it again")
        return super().read(size)
