"""Long texts between the thread that writes them and the client that reads them."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.api.streaming import SpooledText
from mien.api.uploads.spool import SpoolSettings
from mien.errors import StorageFull

PIECE = "é" * 5000


async def drawn(text: SpooledText) -> list[bytes]:
    try:
        return [chunk async for chunk in text]
    finally:
        await text.aclose()


@pytest.mark.parametrize("memory", [1, 1000, 1 << 20])
def test_written_text_is_read(tmp_path: Path, memory: int) -> None:
    text = SpooledText(SpoolSettings(memory, tmp_path))
    text.write(["", PIECE, "b", PIECE * 10])
    chunks = asyncio.run(drawn(text))
    assert b"".join(chunks).decode() == f"{PIECE}b{PIECE * 10}"
    assert text.size == sum(map(len, chunks)) == 110_001
    assert max(map(len, chunks)) <= 1 << 16
    assert not list(tmp_path.iterdir())


def test_an_empty_text(tmp_path: Path) -> None:
    text = SpooledText(SpoolSettings(1, tmp_path))
    text.write([])
    assert asyncio.run(drawn(text)) == []
    assert text.size == 0


def test_a_long_text_is_never_in_memory(tmp_path: Path) -> None:
    text = SpooledText(SpoolSettings(1 << 16, tmp_path))
    tracemalloc.start()
    text.write(PIECE for _ in range(1000))
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    text.close()
    assert text.size == 10_000_000
    assert used < 1 << 19


def test_what_the_pieces_raise_is_their_own(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "a"
        raise FileNotFoundError(2, "a clip")

    text = SpooledText(SpoolSettings(1, tmp_path))
    with pytest.raises(FileNotFoundError):
        text.write(broken())
    text.close()


@pytest.mark.parametrize("parts", [1, 3])
def test_a_missing_folder_is_storage_full(tmp_path: Path, parts: int) -> None:
    text = SpooledText(SpoolSettings(5000, tmp_path / "gone"))
    with pytest.raises(StorageFull, match="no place to store the answer"):
        text.write([PIECE] * parts)
    text.close()
