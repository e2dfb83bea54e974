from contextlib import nullcontext
from pathlib import Path

import pytest

from mien.errors import TooLarge
from mien.video.matroska import MAX_ELEMENTS, check_elements


def element(name: str, body: bytes) -> bytes:
    return bytes.fromhex(name) + (1 << 56 | len(body)).to_bytes(8, "big") + body


EMPTY = {"tags": ("1254C367", "7373"), "index": ("1C53BB6B", "BB"), "attachments": ("1941A469", "61A7")}


@pytest.mark.parametrize(("outer", "inner"), EMPTY.values(), ids=EMPTY)
def test_a_million_empty_elements_are_refused(tmp_path: Path, outer: str, inner: str) -> None:
    head = element("1A45DFA3", element("4282", b"matroska"))
    for count in (1000, 1_000_000):
        inside = element(outer, (bytes.fromhex(inner) + b"\x80") * count)
        path = tmp_path / "clip.mkv"
        path.write_bytes(head + element("18538067", inside))
        with nullcontext() if count < MAX_ELEMENTS else pytest.raises(TooLarge, match="entries"):
            check_elements(path)
