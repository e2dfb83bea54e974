"""Where uploads lie, and how much memory they take."""

import asyncio
from pathlib import Path

from mien.api.uploads.spool import SpoolSettings, Upload


def in_memory(upload: Upload) -> bool:
    return not upload._store._file._rolled  # type: ignore[union-attr]


async def filled(parts: list[list[bytes]], settings: SpoolSettings) -> list[Upload]:
    uploads: list[Upload] = []
    for number, _ in enumerate(parts):
        # All are there before the first is written, as where a form's parts come in one piece.
        uploads.append(Upload(str(number), settings, uploads[-1] if uploads else None))
    for upload, chunks in zip(uploads, parts, strict=True):
        for chunk in chunks:
            await upload.write(chunk)
    return uploads


def test_every_file_of_a_request_has_its_own_content(tmp_path: Path) -> None:
    parts = [[b"ab", b"c"], [], [b""], [b"defgh", b"i"], [b"j" * 100], [b"k"]]
    for memory in (1, 5, 10_000):
        uploads = asyncio.run(filled(parts, SpoolSettings(memory, tmp_path)))
        for _ in range(2):
            assert [upload.read() for upload in reversed(uploads)] == [b"".join(part) for part in reversed(parts)]
        assert [upload.size for upload in uploads] == [3, 0, 0, 6, 100, 1]
        for upload in uploads:
            asyncio.run(upload.close())


def test_memory_is_bounded_a_request_and_not_a_file(tmp_path: Path) -> None:
    settings = SpoolSettings(1000, tmp_path)
    few = asyncio.run(filled([[b"x" * 100]] * 10, settings))
    many = asyncio.run(filled([[b"x" * 100]] * 11, settings))
    assert in_memory(few[0])
    assert not in_memory(many[0])
    assert len({id(upload._store) for upload in many}) == 1
    for upload in (*few, *many):
        asyncio.run(upload.close())
