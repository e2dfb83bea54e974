"""Texts of any length: written by a worker thread, sent when that has gone on to other work."""

from collections.abc import AsyncIterator, Iterable
from tempfile import SpooledTemporaryFile

from anyio import to_thread

from mien.api.uploads.spool import SpoolSettings, room_needed

_CHUNK = 1 << 16  # bytes


class SpooledText:
    """An answer between the thread that writes it and the client that reads it.

    It stays in memory up to ``memory_bytes`` and in a nameless file beyond, so that a slow reader holds neither the
    whole text in memory nor the thread, nor what the text was made from.
    """

    def __init__(self, settings: SpoolSettings) -> None:
        folder = None if settings.folder is None else str(settings.folder)
        self._file = SpooledTemporaryFile(max_size=settings.memory_bytes, dir=folder)  # noqa: SIM115 - see close
        self.size = 0
        """Bytes written."""

    def write(self, pieces: Iterable[str]) -> None:
        """Append them as they are made, in UTF-8.

        Raises:
            StorageFull: when there is no room left.
            And what ``pieces`` raises.
        """
        for piece in pieces:
            content = piece.encode()
            with room_needed("the answer"):
                self._file.write(content)
            self.size += len(content)
        with room_needed("the answer"):
            self._file.seek(0)  # and write the rest of the buffer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await to_thread.run_sync(self._file.read, _CHUNK):
            yield chunk

    async def aclose(self) -> None:
        """``close`` in a thread: a large file takes its time to go."""
        await to_thread.run_sync(self.close)

    def close(self) -> None:
        """Forget the text; the file goes with it. Closing twice is harmless."""
        self._file.close()
