"""How much libav would keep of what a Matroska or WebM file says besides its pictures and sound.

An empty element takes two bytes there and up to a hundred in memory. See RFC 8794 for EBML and RFC 9559 for Matroska.
"""

import mmap
import os
from pathlib import Path

from mien.errors import TooLarge

MOST_ELEMENTS = 500_000
"""An index of four hours with an entry for every second has some 70,000."""

_EBML = b"\x1a\x45\xdf\xa3"
# What libav looks for wherever it stands, in damaged files too: contents, tracks, tags, chapters, attachments, index.
_TOP = tuple(map(bytes.fromhex, ("114D9B74", "1654AE6B", "1254C367", "1043A770", "1941A469", "1C53BB6B")))
# Elements that consist of others, of which there may be any number.
_LISTS = frozenset(
    {
        *(0x4DBB, 0xAE, 0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE9, 0x6D80, 0x6240, 0x5034, 0x5035, 0x41E4, 0x55B0, 0x55D0),
        *(0x7670, 0x6624, 0x7373, 0x63C0, 0x67C8, 0x45B9, 0xB6, 0x8F, 0x80, 0x6944, 0x61A7, 0xBB, 0xB7, 0xDB),
    }
)


def check_elements(path: Path) -> None:
    """Refuse ``path`` where it is Matroska and has more than ``MOST_ELEMENTS`` outside its clusters.

    Raises:
        TooLarge: naming ``max_elements``.
    """
    with path.open("rb") as file:
        if file.read(4) != _EBML:
            return
        size = os.fstat(file.fileno()).st_size
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            left = MOST_ELEMENTS
            for name in _TOP:
                at = content.find(name)
                while at >= 0:
                    left -= _count(content, at + 4, size, left)
                    if left < 0:
                        message = f"The clip has over {MOST_ELEMENTS} entries besides its pictures; send it rewritten."
                        raise TooLarge("max_elements", MOST_ELEMENTS, message)
                    at = content.find(name, at + 4)


def _count(content: mmap.mmap, at: int, size: int, most: int) -> int:
    """The elements within the one whose length stands at ``at``; no more than one over ``most`` are counted.

    Picture data that looks like one by chance goes wrong within a few elements.
    """
    at, length = _number(content, at, size)
    end = size if length is None else min(size, at + length)
    count = 0
    while at < end and count <= most:
        width = _width(content[at])
        identity = int.from_bytes(content[at : at + width], "big")
        at, length = _number(content, at + width, end)
        if width > 4 or length is None:
            break
        count += 1
        if identity not in _LISTS:
            at += length
    return count


def _number(content: mmap.mmap, at: int, end: int) -> tuple[int, int | None]:
    """Where a length ends, and what it is: ``None`` for one that is unknown or no length."""
    if at >= end:
        return at, None
    width = _width(content[at])
    if width > 8:
        return at, None
    mask = (1 << 7 * width) - 1
    value = int.from_bytes(content[at : at + width], "big") & mask
    return at + width, None if value == mask else value


def _width(first: int) -> int:
    """Bytes of a number whose first is that."""
    return 9 - first.bit_length()
