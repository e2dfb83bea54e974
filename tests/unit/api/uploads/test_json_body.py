"""Pictures in JSON: what is read, what is refused, and how much memory it takes."""

import base64
import json
import tracemalloc

import pytest

from mien.api.uploads.json_body import JsonPictures
from mien.errors import InvalidRequest, TooLarge

_MIB = 1 << 20
PLAIN = base64.b64encode(b"picture").decode()


def read(body: bytes) -> list[object]:
    return [picture.content for picture in JsonPictures(64).read(body)]


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


@pytest.mark.parametrize("head", ["data:image/png;base64,", "data:image\\/png;base64,"])
@pytest.mark.parametrize("text", [PLAIN, PLAIN[:4] + "\\n" + PLAIN[4:], PLAIN[:4] + "\\u0020" + PLAIN[4:]])
def test_a_data_uri_may_be_escaped(head: str, text: str) -> None:
    assert read(f'{{"images": ["{head}{text}"]}}'.encode()) == [b"picture"]


def test_a_picture_that_is_not_base64_does_not_fail_the_others() -> None:
    first, *others, last = read(json.dumps({"images": [PLAIN, "%", "data:,", 5, None, [], "é", PLAIN]}).encode())
    assert first == last == b"picture"
    assert [getattr(error, "name", None) for error in others] == [f"images[{index}]" for index in range(1, 7)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_number_of_pictures_is_bounded(count: int) -> None:
    body = json.dumps({"images": [PLAIN] * count}).encode()
    if count <= 2:
        assert len(JsonPictures(2).read(body)) == count
    else:
        with pytest.raises(TooLarge):
            JsonPictures(2).read(body)


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
    assert peak < 3.5 * len(body)
