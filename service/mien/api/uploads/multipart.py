"""Reads a ``multipart/form-data`` body as it arrives: every part must be a file in the expected field."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mien.api.errors import InvalidField
from mien.api.uploads.spool import Spool, Upload
from mien.errors import InvalidRequest, TooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


async def read_multipart(
    chunks: AsyncIterator[bytes], content_type: str, field: str, max_files: int, spool: Spool
) -> list[Upload]:
    """The parts in the order sent, stored in ``spool``.

    Raises:
        InvalidField: when a part has another name than ``field``.
        InvalidRequest: when the body is not a complete multipart body.
        TooLarge: past ``max_files`` parts.
        StorageFull: when there is no room to store a part.
    """
    _, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary")
    if not boundary:
        raise InvalidRequest(
            "The Content-Type multipart/form-data has no boundary; let the client library set the header."
        )
    form = _Form(field, max_files, spool)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
            await form.flush()
        if not form.ended:
            raise InvalidRequest("The multipart body ends before its closing boundary; send it again.")
    except FormParserError as error:
        raise InvalidRequest("The multipart body is malformed; let the client library build it.") from error
    return form.uploads


class _Form:
    """The callbacks of ``python_multipart``; they cannot await, so the bytes of a chunk are kept until ``flush``."""

    def __init__(self, field: str, max_files: int, spool: Spool) -> None:
        self.uploads: list[Upload] = []
        self.ended = False
        self._field = field
        self._max_files = max_files
        self._spool = spool
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._pending: list[tuple[Upload, bytes]] = []

    def callbacks(self) -> "MultipartCallbacks":
        """The callbacks by the names that the parser knows."""
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._on_header_name,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    async def flush(self) -> None:
        """Store the bytes of the last chunk."""
        pending, self._pending = self._pending, []
        for upload, data in pending:
            await upload.write(data)

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field != self._field:
            raise InvalidField(
                field,
                f"The form has a field {field!r}; files go into the field {self._field!r}, "
                "and options into the query string.",
            )
        if len(self.uploads) >= self._max_files:
            raise TooLarge(
                "max_pictures", self._max_files, f"The form has more than {self._max_files} files; send fewer at once."
            )
        name = options.get(b"filename", b"").decode("utf-8", "replace")
        self.uploads.append(Upload(name or None, self._spool))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._pending.append((self.uploads[-1], data[start:end]))

    def _on_end(self) -> None:
        self.ended = True
