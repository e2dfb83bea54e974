"""How often a JPEG goes over its whole picture: a small file can ask for hours of work that way."""

import re
from collections.abc import Callable, Iterator

# In a scan's coded data, a marker is FF followed by neither 00 (a stuffed FF), nor a restart, nor another FF (fill).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_SCAN = 0xDA
_END = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, 0xD8, _END})


def has_more_scans(data: bytes, bound: int, check: Callable[[], None]) -> bool:
    """Whether the first picture in ``data`` has more than ``bound`` scans (progressive files have about ten).

    ``check`` is called at every marker; what it raises ends the search.
    """
    if data.count(b"\xff\xda") <= bound:
        return False
    scans = 0
    for kind, _ in _segments(data, check):
        if kind == _SCAN:
            scans += 1
        if scans > bound or (kind == _END and scans):  # before the first scan, libjpeg reads on
            break
    return scans > bound


def is_stored_by_component(data: bytes, components: int, check: Callable[[], None]) -> bool:
    """Whether the first scan has fewer than all ``components``, as a baseline file may too (ITU T.81, A.2.2): libjpeg
    then keeps all coefficients until the last scan. ``check`` as above."""
    for kind, content in _segments(data, check):
        if kind == _SCAN:
            return data[content : content + 1] < bytes([components])
    return False


def _segments(data: bytes, check: Callable[[], None]) -> Iterator[tuple[int, int]]:
    """Each marker's kind, and where the content of its segment begins."""
    at = 2
    while (marker := _NEXT_MARKER.search(data, at)) is not None:
        check()
        kind, at = data[marker.start() + 1], marker.end()
        yield kind, at + 2
        if kind not in _WITHOUT_LENGTH:
            at += max(2, int.from_bytes(data[at : at + 2]))
