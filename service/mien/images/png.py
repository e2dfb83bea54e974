"""PNG: the file with its metadata left out.

Pillow unpacks texts and colour profiles on the way to the pixels, and gives the whole picture up where one of them is
larger than it likes, or malformed. Nothing of them is needed here.
"""

from collections.abc import Callable

from mien.images.checked_file import CheckedFile, no_check

_SIGNATURE = 8
_AROUND = 12  # bytes of a chunk beside its content: the length, the kind and the checksum
_PROFILE = b"iCCP"
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_EXIF_AS_TEXT = b"Raw profile type exif\0"


class PngWithoutMetadata(CheckedFile):
    """A file that passes over texts and colour profiles as its reader goes from chunk to chunk. EXIF stays, also where
    it is a text.

    Nothing is copied or unpacked. A reader that goes back meets all chunks.
    """

    def __init__(self, data: bytes, check: Callable[[], None] = no_check) -> None:
        super().__init__(data, check)
        self._data = data
        self._chunk = _SIGNATURE  # where the next one begins

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes from here on; where a chunk begins that is left out, from the next one that is not."""
        if self.tell() == self._chunk:
            while self._is_metadata():
                self._check()
                self._chunk = self._end()
            self.seek(self._chunk)
            self._chunk = self._end()
        return super().read(size)

    def _is_metadata(self) -> bool:
        kind, content = self._data[self._chunk + 4 : self._chunk + 8], self._chunk + 8
        return kind == _PROFILE or (kind in _TEXTS and not self._data.startswith(_EXIF_AS_TEXT, content))

    def _end(self) -> int:
        return self._chunk + _AROUND + int.from_bytes(self._data[self._chunk : self._chunk + 4])
