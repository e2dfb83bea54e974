"""Request bodies as files: every form in which pictures (or one clip) may come.

While a body arrives it holds a place at the gate behind which its work will be done; see ``AdmissionGate.arrival``.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from mien.api.admission import AdmissionGate
from mien.api.arrivals import Arrival
from mien.api.errors import InvalidField
from mien.api.uploads.body import UploadLimits, bounded
from mien.api.uploads.json_body import JsonPictures, JsonTurn
from mien.api.uploads.multipart import read_multipart
from mien.api.uploads.spool import SpoolSettings, Upload
from mien.errors import InvalidRequest, UnsupportedMedia
from mien.usecases.analyze_image import PictureInput

FIELD = "file"
_RAW = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Received:
    """Pictures that are here; ``turn`` is waited for before a thread is taken to ``load`` them."""

    load: Callable[[], list[PictureInput]]
    turn: JsonTurn | None = None


@asynccontextmanager
async def received_pictures(
    request: Request, limits: UploadLimits, gate: AdmissionGate, json_pictures: JsonPictures
) -> AsyncIterator[Received]:
    """The pictures of a request, in whichever form they came.

    ``load`` brings them into memory, so that a request that waits for a thread does not hold its pictures there. It
    must be called inside the block, in the thread; it raises ``InvalidRequest`` or ``TooLarge`` for JSON of another
    shape.
    """
    as_json = _media_type(request) == "application/json"
    with gate.arrival(request) as arrival:
        if as_json:
            uploads = await _read_raw(bounded(request, limits, arrival), limits.spool)
        else:
            uploads = await _read_files(request, limits, arrival, family="image")
    try:
        if as_json:
            turn = json_pictures.turn()
            yield Received(lambda: _read_json(json_pictures, turn, uploads[0]), turn)
        else:
            yield Received(lambda: [PictureInput(upload.name, upload.read()) for upload in uploads])
    finally:
        for upload in uploads:
            await upload.close()


@asynccontextmanager
async def received_file(
    request: Request, limits: UploadLimits, gate: AdmissionGate, family: str
) -> AsyncIterator[Upload]:
    """The one file of a request: a multipart ``file``, or the raw body with a ``<family>/*`` content type."""
    with gate.arrival(request) as arrival:
        uploads = await _read_files(request, limits, arrival, family)
    try:
        if len(uploads) > 1:
            raise InvalidField(FIELD, f"One file a request is read here, and {len(uploads)} came; send them singly.")
        yield uploads[0]
    finally:
        for upload in uploads:
            await upload.close()


def _read_json(json_pictures: JsonPictures, turn: JsonTurn, body: Upload) -> list[PictureInput]:
    try:
        return json_pictures.read(body.read)
    finally:
        turn.pass_on()


async def _read_files(request: Request, limits: UploadLimits, arrival: Arrival, family: str) -> list[Upload]:
    media_type = _media_type(request)
    chunks = bounded(request, limits, arrival)
    if media_type == "multipart/form-data":
        content_type = request.headers["content-type"]
        uploads = await read_multipart(chunks, content_type, FIELD, limits.files, limits.spool)
    elif media_type == _RAW or media_type.startswith(f"{family}/"):
        uploads = await _read_raw(chunks, limits.spool)
    else:
        raise UnsupportedMedia(
            f"A body of type {media_type} is not read here. Send multipart/form-data with the field {FIELD!r}, "
            f"or the file itself as the body with Content-Type {family}/* or {_RAW}."
        )
    if not uploads:
        raise InvalidField(FIELD, f"The form is empty; put at least one file into the field {FIELD!r}.")
    return uploads


async def _read_raw(chunks: AsyncIterator[bytes], spool: SpoolSettings) -> list[Upload]:
    upload = Upload(None, spool)
    try:
        async for chunk in chunks:
            await upload.write(chunk)
        if upload.size == 0:
            raise InvalidRequest(f"Nothing was sent; send a file as the body, or as the form field {FIELD!r}.")
    except BaseException:
        await upload.close()
        raise
    return [upload]


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", _RAW).partition(";")[0].strip().lower()
