"""Matroska and WebM: reading elements, and a bound on what libav would keep of a file besides its tracks' packets.

An empty element takes two bytes in the file and up to a hundred in memory. See RFC 8794 for EBML and RFC 9559 for
Matroska.
"""

import mmap
import os
from typing import NamedTuple

from mien.errors import TooLarge
from mien.video.source import ClipSource

MAX_ELEMENTS = 500_000
"""An index of four hours with an entry for every second has some 70,000."""

EBML, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
LONGEST_HEADER = 12  # bytes

# What libav looks for anywhere in a file, in damaged files too: seek head, tracks, tags, chapters, attachments, cues.
_TOP = tuple(map(bytes.fromhex, ("114D9B74", "1654AE6B", "1254C367", "1043A770", "1941A469", "1C53BB6B")))
# Elements that contain others, in any number.
_LISTS = frozenset(
    {
        *(0x4DBB, 0xAE, 0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE9, 0x6D80, 0x6240, 0x5034, 0x5035, 0x41E4, 0x55B0, 0x55D0),
        *(0x7670, 0x6624, 0x7373, 0x63C0, 0x67C8, 0x45B9, 0xB6, 0x8F, 0x80, 0x6944, 0x61A7, 0xBB, 0xB7, 0xDB),
    }
)


class ElementHeader(NamedTuple):
    """An element's identifier, the bytes of its header and of its content (``None``: unknown, as live streams have)."""

    identifier: int
    header_bytes: int
    length: int | None


def read_element(head: bytes) -> ElementHeader | None:
    """The header at the beginning of ``head`` (at most 12 bytes long), if it is one."""
    if not head or (identifier_bytes := 9 - head[0].bit_length()) > 4 or len(head) <= identifier_bytes:
        return None
    length_bytes = 9 - head[identifier_bytes].bit_length()
    end = identifier_bytes + length_bytes
    if length_bytes > 8 or len(head) < end:
        return None
    unknown = (1 << 7 * length_bytes) - 1
    length = int.from_bytes(head[identifier_bytes:end]) & unknown
    return ElementHeader(int.from_bytes(head[:identifier_bytes]), end, None if length == unknown else length)


def check_elements(source: ClipSource) -> None:
    """Refuse ``source`` if it is Matroska and has more than ``MAX_ELEMENTS`` outside its clusters.

    Raises:
        TooLarge: naming ``max_elements``.
    """
    with source.open("rb") as file:
        if file.read(4) != EBML.to_bytes(4):
            return
        size = os.fstat(file.fileno()).st_size
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            left = MAX_ELEMENTS
            for name in _TOP:
                at = content.find(name)
                while at >= 0:
                    left -= _count(content, at, size, left)
                    if left < 0:
                        message = f"The clip has over {MAX_ELEMENTS} entries besides its pictures; send it rewritten."
                        raise TooLarge("max_elements", MAX_ELEMENTS, message)
                    at = content.find(name, at + 4)


def _count(content: mmap.mmap, at: int, size: int, limit: int) -> int:
    """The elements within the one at ``at``, counted up to one over ``limit``.

    Picture data that looks like an element by chance stops being valid within a few elements.
    """
    outer = read_element(content[at : at + LONGEST_HEADER])
    if outer is None:
        return 0
    at += outer.header_bytes
    end = size if outer.length is None else min(size, at + outer.length)
    count = 0
    while at < end and count <= limit:
        element = read_element(content[at : min(end, at + LONGEST_HEADER)])
        if element is None or element.length is None:
            break
        count += 1
        at += element.header_bytes + (0 if element.identifier in _LISTS else element.length)
    return count
