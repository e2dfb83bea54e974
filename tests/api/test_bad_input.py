"""Bad input: the right status, a code that says which limit or field, and the next request is answered at once."""

import base64
import errno
import struct
import time
import zlib
from collections.abc import Iterator

import httpx
import pytest

from mien.api.uploads.spool import Upload
from tests.api.live import picture, problem, serving_fake

PNG = picture()


@pytest.fixture(autouse=True)
def _answers_the_next_request(client: httpx.Client) -> Iterator[None]:
    yield
    started = time.monotonic()
    client.post("/predict", content=PNG).raise_for_status()
    assert time.monotonic() - started < 2


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises a picture of that size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def test_empty_body(client: httpx.Client) -> None:
    problem(client.post("/predict"), 400, "invalid_request")
    problem(client.post("/predict", content=b"", headers={"content-type": "image/png"}), 400, "invalid_request")


def test_text_called_jpg(client: httpx.Client) -> None:
    problem(client.post("/predict", files={"file": ("a.jpg", b"hello", "image/jpeg")}), 415, "unsupported_media")
    problem(client.post("/predict", content=b"hello" * 100), 415, "unsupported_media")


def test_truncated_jpeg(client: httpx.Client) -> None:
    whole = picture(90, 640, 480, ".jpg")
    problem(client.post("/predict", content=whole[:300]), 422, "corrupt_media")
    (image,) = client.post("/predict", content=whole[: len(whole) // 2]).raise_for_status().json()["images"]
    assert (image["width"], image["height"], image["error"]) == (640, 480, None)
    assert "% of the picture's rows are missing" in image["warnings"][0]
    (image,) = client.post("/predict", content=whole).raise_for_status().json()["images"]
    assert image["warnings"] == []


def test_a_header_with_too_many_pixels(client: httpx.Client) -> None:
    body = problem(client.post("/predict", content=bomb(50_000, 50_000)), 413, "too_large")
    assert body["limit"] in {"max_pixels", "max_side"}
    assert body["bound"] > 0


def test_zero_byte_part(client: httpx.Client) -> None:
    problem(client.post("/predict", files={"file": ("a.jpg", b"", "image/jpeg")}), 400, "invalid_request")


def test_wrong_field_name(client: httpx.Client) -> None:
    body = problem(client.post("/predict", files={"picture": ("a.png", PNG)}), 400, "invalid_field")
    assert body["field"] == "picture"
    assert "'file'" in body["detail"]


def test_an_option_in_the_form_is_sent_to_the_query_string(client: httpx.Client) -> None:
    response = client.post("/predict", files={"file": ("a.png", PNG)}, data={"labels": "basic7"})
    assert "query string" in problem(response, 400, "invalid_field")["detail"]


def test_multipart_without_parts_boundary_or_end(client: httpx.Client) -> None:
    kind = {"content-type": "multipart/form-data; boundary=b"}
    problem(client.post("/predict", content=b"--b--\r\n", headers=kind), 400, "invalid_field")
    problem(
        client.post("/predict", content=b"x", headers={"content-type": "multipart/form-data"}), 400, "invalid_request"
    )
    problem(client.post("/predict", content=b"no boundary here", headers=kind), 400, "invalid_request")
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    problem(client.post("/predict", content=head + PNG, headers=kind), 400, "invalid_request")


def test_an_overlong_header_in_a_part(client: httpx.Client) -> None:
    kind = {"content-type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + b"a" * 100_000
    problem(client.post("/predict", content=head, headers=kind), 400, "invalid_request")


@pytest.mark.parametrize("value", ["%%%", "data:image/png,abc", "abc", "é", 5, None])
def test_bad_base64(client: httpx.Client, value: object) -> None:
    assert problem(client.post("/predict", json={"images": [value]}), 400, "invalid_field")["field"] == "images[0]"


@pytest.mark.parametrize("body", [{}, [], [[[]]], {"images": []}, {"images": "x"}, "x"])
def test_json_of_another_shape(client: httpx.Client, body: object) -> None:
    assert problem(client.post("/predict", json=body), 400, "invalid_field")["field"] == "images"


def test_json_with_an_unknown_member(client: httpx.Client) -> None:
    document = {"images": [base64.b64encode(PNG).decode()], "labels": "basic7"}
    assert problem(client.post("/predict", json=document), 400, "invalid_field")["field"] == "labels"
    assert problem(client.post("/predict", json={"image": ["x"]}), 400, "invalid_field")["field"] == "image"


@pytest.mark.parametrize("name", ["\\u00e9", "x" * 100_000])
def test_json_with_a_member_of_a_strange_name(client: httpx.Client, name: str) -> None:
    content = b'{"images": ["AAAA"], "%s": 1}' % name.encode()
    answer = client.post("/predict", content=content, headers={"content-type": "application/json"})
    assert problem(answer, 400, "invalid_field")["field"] in {"\\xe9", "x" * 40}


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b'{"images":' + b"[" * 200_000, b'{"images":["\\ud800"]}', b'{"\\ud800":1}', b""]
)
def test_broken_json(client: httpx.Client, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    problem(client.post("/predict", content=content, headers=headers), 400, "invalid_request")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "video/mp4"])
def test_an_unsupported_media_type(client: httpx.Client, kind: str) -> None:
    body = problem(client.post("/predict", content=PNG, headers={"content-type": kind}), 415, "unsupported_media")
    assert "multipart/form-data" in body["detail"]


def test_a_body_of_200_megabytes_is_refused_and_the_client_sees_why(client: httpx.Client) -> None:
    body = problem(client.post("/predict", content=b"\0" * 200_000_000), 413, "too_large")
    assert (body["limit"], body["bound"]) == ("max_body_bytes", 64 << 20)


@pytest.mark.parametrize("kind", ["image/png", "application/json", "multipart/form-data; boundary=b"])
def test_a_large_body_of_unknown_length_is_refused(kind: str) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    chunks = (part for part in (head, *(b"x" * 65536 for _ in range(64))))
    with serving_fake(max_body_bytes=1 << 20) as client:
        body = problem(client.post("/predict", content=chunks, headers={"content-type": kind}), 413, "too_large")
    assert body["limit"] == "max_body_bytes"


def test_too_many_pictures() -> None:
    with serving_fake(max_pictures=2) as client:
        many = client.post("/predict", files=[("file", ("a.png", PNG))] * 3)
        assert problem(many, 413, "too_large")["limit"] == "max_pictures"
        for images in ([base64.b64encode(PNG).decode()] * 3, [1] * 200_000, [""] * 200_000, [[]] * 200_000):
            many = client.post("/predict", json={"images": images})
            assert problem(many, 413, "too_large")["limit"] == "max_pictures"


def test_a_full_disk(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Upload) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Full:
        write = staticmethod(full)
        tell = staticmethod(lambda: 0)
        close = staticmethod(lambda: None)

    with monkeypatch.context() as patch:
        patch.setattr("mien.api.uploads.spool.SpooledTemporaryFile", lambda **_: Full)
        problem(client.post("/predict", content=PNG), 507, "storage_full")
        problem(client.post("/predict", files={"file": PNG}), 507, "storage_full")


def test_unknown_address_and_method(client: httpx.Client) -> None:
    problem(client.get("/nothing"), 404, "not_found")
    response = client.get("/predict")
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"
