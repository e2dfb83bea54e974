"""Where uploads are stored, and how much memory they take."""

import asyncio
from pathlib import Path

from mien.api.uploads.spool import Spool, SpoolSettings, Upload


def in_memory(upload: Upload) -> bool:
    return not upload.spool._file._rolled  # type: ignore[union-attr]


async def filled(parts: list[list[bytes]], settings: SpoolSettings) -> list[Upload]:
    spool = Spool(settings)
    # All are there before the first is written, like the parts of a form that arrives in one piece.
    uploads = [Upload(str(number), spool) for number, _ in enumerate(parts)]
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
        asyncio.run(uploads[0].spool.close())


def test_memory_is_bounded_per_request_and_not_per_file(tmp_path: Path) -> None:
    settings = SpoolSettings(1000, tmp_path)
    few = asyncio.run(filled([[b"x" * 100]] * 10, settings))
    many = asyncio.run(filled([[b"x" * 100]] * 11, settings))
    assert in_memory(few[0])
    assert not in_memory(many[0])
    for upload in (few[0], many[0]):
        asyncio.run(upload.spool.close())
