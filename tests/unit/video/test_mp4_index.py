"""Headers of a few bytes that declare more than there is memory for."""

import struct
import zlib
from pathlib import Path

import pytest

from mien.errors import CorruptMedia, TooLarge, UnsupportedMedia
from mien.video.container import open_container
from mien.video.matroska import check_elements
from mien.video.mp4_index import check_index
from tests.clips import Recipe, moving, steps, write_clip
from tests.unit.video.helpers import run

OPEN = """
import re
import sys
from pathlib import Path

from mien.errors import CorruptMedia, TooLarge
from mien.video.model import ClipLimits, Sampling
from mien.video.clip import Clip

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))

before = peak()
try:
    Clip(Path(sys.argv[1]), Sampling(), ClipLimits()).close()
except (CorruptMedia, TooLarge) as error:
    print(error.code, (peak() - before) // 1024)
"""


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


def table(name: bytes, *numbers: int) -> bytes:
    """A box of version 0 without flags, and of 32-bit numbers."""
    return box(name, struct.pack(f">{1 + len(numbers)}I", 0, *numbers))


def movie(*tracks: bytes) -> bytes:
    return box(b"ftyp", b"isom", bytes(4), b"isom") + box(b"moov", box(b"mvhd", bytes(100)), *tracks)


def track(*tables: bytes, handler: bytes = b"vide") -> bytes:
    entry = box(b"jpeg", bytes(6), b"\0\1", bytes(16), b"\0\x40\0\x40", bytes(50))
    kind = box(b"hdlr", bytes(8), handler, bytes(13))
    times = box(b"mdhd", bytes(12), struct.pack(">II", 1000, 1000), bytes(4))
    listed = box(b"stbl", box(b"stsd", struct.pack(">II", 0, 1), entry), *tables)
    return box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", times, kind, box(b"minf", listed)))


def uniform(count: int, length: int = 1, step: int = 1) -> tuple[bytes, ...]:
    """The tables of ``count`` samples, all of the same size and duration, in one chunk."""
    return (
        table(b"stts", 1, count, step),
        table(b"stsc", 1, 1, count, 1),
        table(b"stsz", length, count),
        table(b"stco", 1, 0),
    )


def written(folder: Path, content: bytes) -> Path:
    path = folder / "clip.mp4"
    path.write_bytes(content)
    return path


MANY = 80_000_000

DECLARING = {
    "samples of one size": movie(*[track(*uniform(MANY))] * 4),
    "listed samples": movie(track(table(b"stsz", 0, MANY))),
    "short sizes": movie(track(box(b"stz2", struct.pack(">III", 0, 4, MANY)))),
    "times": movie(track(table(b"stts", MANY))),
    "fragments": movie(track(*uniform(0)))
    + box(b"moof", box(b"traf", box(b"tfhd", struct.pack(">II", 0, 1)), *[table(b"trun", MANY)] * 4)),
    "compressed": box(b"ftyp", b"qt  ", bytes(4))
    + box(
        b"moov",
        box(
            b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", struct.pack(">I", 4000), zlib.compress(track(*uniform(MANY))))
        ),
    ),
}


@pytest.mark.parametrize("content", DECLARING.values(), ids=DECLARING)
def test_an_index_that_declares_more_than_the_file_holds_is_corrupt(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CorruptMedia, match="more samples"):
        open_container(written(tmp_path, content), 1_000_000)


def test_a_consistent_index_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, movie(*[track(*uniform(2_000_000))] * 4))
    with path.open("r+b") as file:
        file.truncate(4_000_000)  # zeros: a sparse file
    with pytest.raises(TooLarge) as caught:
        open_container(path, 1_000_000)
    assert caught.value.limit == "max_index_bytes"


def test_hours_of_raw_sound_have_a_small_index(tmp_path: Path) -> None:
    """Its samples are counted, but not listed one by one."""
    hours = 4 * 3600 * 48_000
    check_index(written(tmp_path, movie(track(*uniform(hours, 4), handler=b"soun"))))
    with pytest.raises(CorruptMedia):
        check_index(written(tmp_path, movie(track(*uniform(hours, 4, step=2), handler=b"soun"))))


def test_raw_sound_without_a_table_of_chunks_is_no_error(tmp_path: Path) -> None:
    """Found by fuzzing."""
    times, _, sizes, chunks = uniform(100, 4)
    check_index(written(tmp_path, movie(track(times, table(b"stsc", 0), sizes, chunks, handler=b"soun"))))


def test_an_encrypted_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia, match="encrypted"):
        check_index(written(tmp_path, movie(track(box(b"sinf", box(b"schm"), box(b"schi", box(b"tenc")))))))


@pytest.mark.parametrize("form", ["mp4", "mov", "matroska", "webm"])
def test_ordinary_clips_are_accepted(tmp_path: Path, form: str) -> None:
    codec = "libvpx" if form == "webm" else "libx264"
    path = write_clip(tmp_path / "clip", steps(30), moving(30), Recipe(codec=codec, form=form))
    check_index(path)
    check_elements(path)


def tiny_tags() -> bytes:
    """FLV with frames of one byte: their codec parameters are never found."""
    tag = b"\x09\0\0\x06" + bytes(7) + b"\x17\1\0\0\0\0" + b"\0\0\0\x11"
    return b"FLV\1\1\0\0\0\x09" + bytes(4) + tag * 1_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read on Linux only")
@pytest.mark.parametrize("content", [DECLARING["samples of one size"], tiny_tags()], ids=["samples", "pieces"])
def test_no_memory_is_allocated_for_what_is_only_declared(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    code, grown = run(OPEN, str(path)).split()
    assert code == "corrupt_media"
    assert int(grown) < 300, f"{grown} MiB"
