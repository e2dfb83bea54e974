"""What reading a JSON body costs in memory, and what it gives."""

import base64
import json
import tracemalloc

import pytest

from mien.api.uploads.json_body import JsonPictures
from mien.errors import InvalidRequest, TooLarge

_MIB = 1 << 20
PLAIN = base64.b64encode(b"picture").decode()


def read(body: bytes) -> list[object]:
    return [picture.content for picture in JsonPictures(64).read(lambda: body)]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"data:image/png;base64,{PLAIN}",
        "\n".join(PLAIN),
        PLAIN.replace("/", "\\/"),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_base64_in_the_forms_that_clients_write(text: str, mark: bytes) -> None:
    assert read(mark + json.dumps({"images": [text]}).encode()) == [b"picture"]


def test_a_slash_may_be_escaped() -> None:
    assert read(b'{"images": ["\\/\\/79"]}') == [b"\xff\xfe\xfd"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"images":[%s[]]}' % (b"[]," * (4 * _MIB // 3)),
        b'{"images":[%s1]}' % (b"1," * (2 * _MIB)),
        b'{"images":[%s""]}' % (b'"",' * (4 * _MIB // 3)),
        b"[" * (4 * _MIB),
        b'{%s"":1}' % (b'"a":1,' * (_MIB // 2)),
        b'{"images":["%s"]}' % (b"AA " * (4 * _MIB // 3)),
        b'{"images":["%s\xf0\x9f\x98\x80"]}' % (b"A" * (4 * _MIB)),
    ],
    ids=["lists", "numbers", "strings", "brackets", "members", "spaces", "emoji"],
)
def test_a_hostile_body_takes_a_few_times_its_length_at_most(body: bytes) -> None:
    tracemalloc.start()
    try:
        read(body)
    except (InvalidRequest, TooLarge):
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4.5 * len(body)
