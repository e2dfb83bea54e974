"""The log of a live service: JSON, whatever is sent, and without pictures, names or keys, even at the level debug."""

import io
import json
import struct
import warnings
from urllib.parse import quote

import pytest
from PIL import Image, TiffImagePlugin

from tests.api.live import KEY
from tests.e2e.server import Server

SECRETS = ("holiday-of-ada", "Ada Lovelace", "ada-s-address", "wrong-key-of-ada", KEY, "0.0.0.0/0")
FORGED = '\n{"level": "info", "message": "forged"}'


def picture() -> bytes:
    """A TIFF whose metadata name a person."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = tags[315] = "Ada Lovelace"  # description, artist
    data = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 90, 90)).save(data, "TIFF", tiffinfo=tags)
    return data.getvalue()


def broken_tags(picture_format: str) -> bytes:
    """A picture with 500 tags in its EXIF data that are larger than the file."""
    entries = b"".join(struct.pack("<HHII", 1000 + tag, 1, 1 << 20, 0) for tag in range(500))
    exif = b"Exif\0\0" + struct.pack("<2sHIH", b"II", 42, 8, 500) + entries + bytes(4)
    data = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        Image.new("RGB", (64, 48), (90, 90, 90)).save(data, picture_format, exif=exif)
    return data.getvalue()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The log of all sorts of requests."""
    environment = {"MIEN_LOG_LEVEL": "debug", "MIEN_API_KEYS": KEY, "MIEN_SPOOL_MEMORY_BYTES": "100"}
    with Server(tmp_path_factory.mktemp("server"), environment) as server:
        client = server.client
        key = {"X-API-Key": KEY}
        form = {"file": ("holiday-of-ada.tif", picture())}
        client.post("/predict", files=form, headers=key).raise_for_status()
        for picture_format in ("JPEG", "PNG", "AVIF"):
            client.post("/predict", content=broken_tags(picture_format), headers=key).raise_for_status()
        client.post("/predict", files={"file": (f"holiday-of-ada{FORGED}.jpg", b"no picture")}, headers=key)
        client.post("/analyze-video", files={"file": ("holiday-of-ada.mp4", b"no clip")}, headers=key)
        client.get(f"/{quote('Ada Lovelace' + FORGED)}", params={"key": KEY})
        client.get("/models", params={"who": "ada-s-address"}, headers={"X-API-Key": "wrong-key-of-ada"})
        client.get("/v2/models/holiday-of-ada", headers={"User-Agent": "Ada Lovelace", "Referer": "ada-s-address"})
        client.get("/health/live", headers={"X-Request-ID": "ada-s-address " + "x" * 200})
        client.request("ADA-S-ADDRESS", "/predict")
        return server.log.read_text()


def test_every_line_is_one_object(log: str) -> None:
    lines = [json.loads(line) for line in log.splitlines()]
    assert len([line for line in lines if line["message"] == "request"]) >= 8
    assert "forged" not in {line["message"] for line in lines}
    for line in lines:
        if line["message"] == "request":
            assert {"time", "level", "request_id", "method", "route", "status", "ms"} <= set(line)
            assert {"route", "status"} & set(line)


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_that_was_sent_is_in_it(log: str, secret: str) -> None:
    assert secret not in log


def test_a_picture_cannot_fill_it_with_warnings(log: str) -> None:
    assert "Warning" not in log
