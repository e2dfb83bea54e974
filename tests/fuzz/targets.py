"""One function per parser, and inputs to begin with. What a parser may raise for bad input is its documented error;
anything else is a finding.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from PIL import ExifTags, Image
from pydantic import ValidationError

from benchmarks.hostile_files import clips, pictures
from mien.access.key_file import read_keys, write_keys
from mien.access.keys import Key
from mien.api.callers import cost_of, name_caller
from mien.api.direct_route import predict_query
from mien.api.hosts import HostRule
from mien.api.live.opening import read_opening
from mien.api.live.signed_state import StateSigner
from mien.api.negotiation import choose
from mien.api.queries import VideoQuery, option_error
from mien.api.uploads.json_body import JsonPictures
from mien.api.uploads.multipart import read_multipart
from mien.api.uploads.spool import Spool, SpoolSettings
from mien.errors import MienError
from mien.images import remote_pictures
from mien.images.decoder import PictureDecoder
from mien.images.formats import PictureFormat, sniff
from mien.images.jpeg_scans import has_more_scans, is_stored_by_component
from mien.images.limits import DecodeLimits
from mien.images.orientation import Orientation
from mien.images.pillow_readers import READ_ERRORS, exif_orientation
from mien.images.tiff import read_tiff_header
from mien.jobs.webhooks import WebhookSender
from mien.sandbox.messages import FromServer, FromWorker, ToServer, ToWorker
from mien.store import ModelStore, default_store
from mien.usecases.person_state import NEW_SESSION, pack, unpack
from mien.video import clip_messages
from mien.video.file_structure import file_structure
from mien.video.matroska import check_elements
from mien.video.mp4_index import check_index
from mien.vision.classifier import ClassifierSpec
from mien.vision.detector import DetectorSpec
from tests.fuzz.connection import serve_bytes

_TEXT = "latin-1"  # every byte is a character
_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "mpegts")
_LIMITS = DecodeLimits(max_bytes=1 << 20, max_pixels=200_000)
_BOUNDARY = "edge"


@dataclass(frozen=True)
class Target:
    """``parse`` raises nothing but what it lets through as an answer to bad input; ``seeds`` are made when needed."""

    parse: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]


def _options(data: bytes) -> None:
    with suppress(MienError):
        predict_query(data).to_domain()
    with suppress(MienError):
        try:
            video = VideoQuery.model_validate(dict(parse_qsl(data.decode(_TEXT), keep_blank_values=True)))
        except ValidationError as error:
            raise option_error(dict(error.errors()[0])) from None
        video.to_video()
        WebhookSender("whsec_" + 32 * "A").check(video.webhook or "")


def _headers(data: bytes) -> None:
    lines = data.split(b"\n")
    text = lines[0].decode(_TEXT)
    with suppress(MienError):
        choose(text, ("application/json", "text/csv", "image/png"))
    for rule in (
        HostRule(frozenset({"*.example.org", "mien"}), addresses=True),
        HostRule(frozenset(), addresses=False),
    ):
        rule.allows(text)
    headers = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in lines[1:])]
    scope: dict[str, Any] = {"type": "http", "headers": headers, "query_string": lines[0], "client": ("::1", 1)}
    name_caller(scope, keyed=True)
    cost_of(scope)


def _multipart(data: bytes) -> None:
    async def read() -> None:
        async def chunks() -> Any:
            for at in range(0, len(data), 97):  # so that everything is split somewhere
                yield data[at : at + 97]

        media_type, spool = f"multipart/form-data; boundary={_BOUNDARY}", Spool(SpoolSettings())
        with suppress(MienError):
            for upload in await read_multipart(chunks(), media_type, "file", 4, spool):
                upload.read()
        await spool.close()

    asyncio.run(read())


def _json(data: bytes) -> None:
    with suppress(MienError):
        JsonPictures(4).read(data)


def _live(data: bytes) -> None:
    with suppress(MienError):
        read_opening({"type": "websocket.receive", "text": data.decode("utf-8", "replace")})
    with suppress(MienError):
        StateSigner("a secret of the tests").read(data.decode(_TEXT))
    with suppress(ValueError):
        unpack(data)


def _keys(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file, suppress(MienError):
        file.write(data)
        file.flush()
        read_keys(Path(file.name))


def _manifest(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name, suppress(MienError):
        folder = Path(name, "model", "1")
        folder.mkdir(parents=True)
        (folder / "manifest.toml").write_bytes(data)
        (model,) = ModelStore(Path(name)).models
        with suppress(MienError):
            DetectorSpec.from_manifest(model.section("detector"))
        ClassifierSpec.from_manifest(model.section("heads"))


def _exif(data: bytes) -> None:
    image = Image.new("L", (2, 2))
    image.info["exif"] = data
    exif_orientation(image)
    del image.info["exif"]
    image.info["Raw profile type exif"] = data.decode(_TEXT)
    exif_orientation(image)
    Orientation.from_display_matrix(data[:36].ljust(36, b"\0"))


def _tiff(data: bytes) -> None:
    if len(data) > 4:
        with suppress(MienError, *READ_ERRORS):
            read_tiff_header((b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b")[data[0] % 4] + data[4:])


def _jpeg(data: bytes) -> None:
    has_more_scans(data, 3, lambda: None)
    is_stored_by_component(data, 3, lambda: None)


def _picture(data: bytes) -> None:
    """What the service decodes itself; the decoders of other formats run in processes that are replaced."""
    with suppress(MienError):
        if sniff(data) not in remote_pictures.FORMATS:
            PictureDecoder(_LIMITS, 1).decode(data).release()


def _clip(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        path = Path(file.name)
        for check in (check_index, check_elements):
            with suppress(MienError):
                check(path)
        for container in _CONTAINERS:
            file_structure(path, container)


def _messages(data: bytes) -> None:
    for kind in (FromWorker, ToWorker, FromServer, ToServer):
        with suppress(msgspec.MsgspecError, ValueError):
            msgspec.msgpack.decode(data, type=kind)
    for notes in (clip_messages.Order, clip_messages.ToTask, clip_messages.FromTask):
        with suppress(msgspec.MsgspecError, ValueError):
            clip_messages.decoder(notes).decode(data)


def _query_seeds() -> Sequence[bytes]:
    return (
        *(b"detector=accurate&labels=basic7&min_face=8&min_confidence=0.5&max_faces=3", b"explain=yes&deadline_ms=900"),
        *(b"fps=native&start=1.5&end=2&mode=async&redact=1", b"webhook=https://example.org/hook&smoothing=none"),
        *(b"fps=30000/1001", b"min_face=%38", b"max_faces=1e3&max_faces=2"),
    )


def _header_seeds() -> Sequence[bytes]:
    return (
        b"text/csv;q=0.5, image/*, */*;q=0\nHost: [::1]:8000\nContent-Length: 12",
        b"127.0.0.1:80\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/eu/rekognition/aws4_request",
        b"a.example.org.\nX-API-Key: key\nAuthorization: Bearer token",
    )


def _part(disposition: str, content: bytes) -> bytes:
    return f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


def _multipart_seeds() -> Sequence[bytes]:
    end = f"--{_BOUNDARY}--\r\n".encode()
    named = _part('name="file"; filename="a.png"', b"content")
    return named + end, named + _part("name=file; filename*=utf-8''%e2%82%ac", b"\r\n--edg") + end, named


def _json_seeds() -> Sequence[bytes]:
    return b'{"images": ["aGVsbG8=", "data:image/png;base64,aGVsbG8="]}', b'\xef\xbb\xbf{"images": ["\\u0061GVsbG8"]}'


def _live_seeds() -> Sequence[bytes]:
    return (
        *(b'{"labels": "basic7", "min_face": 8, "smoothing": "none"}', pack(NEW_SESSION)),
        StateSigner("a secret of the tests").sign(NEW_SESSION).encode(),
    )


def _key_seeds() -> Sequence[bytes]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "keys.json")
        write_keys(path, (Key("id", "name", 64 * "0", datetime(2026, 11, 28, tzinfo=UTC), rate="10/second"),))
        return (path.read_bytes(),)


def _manifest_seeds() -> Sequence[bytes]:
    return [path.read_bytes() for path in default_store().glob("*/*/manifest.toml")]


def _exif_seeds() -> Sequence[bytes]:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    raw = exif.tobytes()
    matrix = b"".join(value.to_bytes(4, "little") for value in (0, 65536, 0, 2**32 - 65536, 0, 0, 0, 0, 1 << 30))
    return raw, matrix, b"\nexif\n  42\n" + raw.hex().encode()


def _picture_seeds(*formats: PictureFormat) -> Sequence[bytes]:
    small = {name: data for name, data in pictures().items() if len(data) < 1 << 16}
    return [data for name, data in small.items() if any(str(form).lower() in name.lower() for form in formats)]


def _message_seeds() -> Sequence[bytes]:
    made: Sequence[Any] = (
        *(clip_messages.Free(1), clip_messages.Write(1, 2, 3, 0.5), clip_messages.Written(1)),
        clip_messages.Finished("a warning"),
    )
    return [clip_messages.encode(message) for message in made]


def _connection_seeds() -> Sequence[bytes]:
    get = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
    chunked = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    upgrade = b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    return get, get + get + body, chunked + get, b"GET / HTTP/1.0\r\n\r\n", upgrade, body + chunked + body


TARGETS: Mapping[str, Target] = {
    "connection": Target(serve_bytes, _connection_seeds),
    "options": Target(_options, _query_seeds),
    "headers": Target(_headers, _header_seeds),
    "multipart": Target(_multipart, _multipart_seeds),
    "json": Target(_json, _json_seeds),
    "live": Target(_live, _live_seeds),
    "keys": Target(_keys, _key_seeds),
    "manifest": Target(_manifest, _manifest_seeds),
    "exif": Target(_exif, _exif_seeds),
    "tiff": Target(_tiff, lambda: _picture_seeds(PictureFormat.TIFF)),
    "jpeg": Target(_jpeg, lambda: _picture_seeds(PictureFormat.JPEG)),
    "picture": Target(_picture, lambda: _picture_seeds(PictureFormat.JPEG, PictureFormat.PNG, PictureFormat.WEBP)),
    "clip": Target(_clip, lambda: [data for data in clips().values() if len(data) < 1 << 16]),
    "messages": Target(_messages, _message_seeds),
}
"""By name."""
