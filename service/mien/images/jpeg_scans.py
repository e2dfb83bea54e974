"""How often a JPEG goes over its whole picture: a small file can ask for hours of work that way."""

import re
from collections.abc import Callable

from mien.images.checked_file import no_check

# After a scan's header come its coded data, in which a marker is FF and neither 00 (a stuffed FF), nor a restart, nor
# another FF (fill).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_SCAN = 0xDA
_END = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, 0xD8})


def has_more_scans(data: bytes, bound: int, check: Callable[[], None] = no_check) -> bool:
    """Whether the first picture in ``data`` has more than ``bound`` scans (progressive files have some ten).

    ``check`` is called at every marker, and what it raises ends the search.
    """
    if data.count(b"\xff\xda") <= bound:
        return False
    scans, at = 0, 2
    while scans <= bound and (marker := _NEXT_MARKER.search(data, at)) is not None:
        check()
        kind, at = data[marker.start() + 1], marker.end()
        if kind == _END:
            return False
        if kind not in _WITHOUT_LENGTH:
            scans += kind == _SCAN
            at += max(2, int.from_bytes(data[at : at + 2]))
    return scans > bound


def is_stored_by_component(data: bytes, components: int, check: Callable[[], None] = no_check) -> bool:
    """Whether the first scan has only some of the picture's ``components``, which also a baseline file may (ITU T.81,
    A.2.2): libjpeg then keeps all coefficients until the last scan has come. ``check`` as above."""
    at = 2
    while (marker := _NEXT_MARKER.search(data, at)) is not None:
        check()
        kind, at = data[marker.start() + 1], marker.end()
        if kind == _SCAN:
            return data[at + 2 : at + 3] < bytes([components])
        if kind not in _WITHOUT_LENGTH:
            at += max(2, int.from_bytes(data[at : at + 2]))
    return False
