"""Request bodies, bounded in bytes and in time, in every form in which pictures or a clip may be sent.

While a body is read it holds an upload slot of the gate that its work will pass.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from fastapi import Request

from mien.api.admission import AdmissionGate
from mien.api.errors import InvalidField
from mien.api.upload_slots import UploadSlot
from mien.api.uploads.clip_folder import clip_folder
from mien.api.uploads.json_body import JsonPictures
from mien.api.uploads.multipart import read_multipart
from mien.api.uploads.spool import Spool, SpoolSettings, Upload
from mien.errors import InvalidRequest, TooLarge, UnsupportedMedia
from mien.usecases.analyze_image import PictureInput

FIELD = "file"
_JSON = "application/json"
_RAW = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Bounds on one request; ``setting`` is the operator's name for ``body_bytes``."""

    body_bytes: int = 64 << 20
    files: int = 64
    idle_seconds: float = 30.0
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    setting: str = "max_body_bytes"


@dataclass(frozen=True, slots=True)
class UploadedPictures:
    """The pictures of a request: files, or one file of JSON, which ``json`` reads. Valid until the request ends."""

    uploads: list[Upload]
    json: JsonPictures | None = None

    def read(self) -> list[PictureInput]:
        """Bring them into memory. To be called in the worker thread: waiting requests hold no pictures in memory.

        Raises:
            InvalidRequest, TooLarge: see ``JsonPictures.read``.
        """
        if self.json is not None:
            return self.json.read(self.uploads[0].read())
        return [PictureInput(upload.name, upload.read()) for upload in self.uploads]


@asynccontextmanager
async def received_pictures(
    request: Request, limits: UploadLimits, gate: AdmissionGate, json: JsonPictures
) -> AsyncIterator[UploadedPictures]:
    """The pictures of a request, in whichever form they are sent."""
    is_json = _media_type(request) == _JSON
    async with _received(request, limits, gate, (_JSON,) if is_json else ("image/*", _RAW)) as uploads:
        yield UploadedPictures(uploads, json if is_json else None)


@asynccontextmanager
async def received_body(
    request: Request, limits: UploadLimits, gate: AdmissionGate, media_types: Sequence[str]
) -> AsyncIterator[Upload]:
    """The whole body of a request, which must be of one of ``media_types``."""
    async with _received(request, limits, gate, media_types) as uploads:
        yield uploads[0]


@asynccontextmanager
async def received_clip(request: Request, limits: UploadLimits, gate: AdmissionGate) -> AsyncIterator[Path]:
    """The clip of a request, in a folder of its own that is removed at the end with everything in it."""
    async with clip_folder(limits.spool.folder) as folder:
        # The decoder seeks, and the pictures and the sound are read side by side: it needs a file with a name.
        limits = replace(limits, spool=SpoolSettings(folder=folder, named=True))
        async with _received(request, limits, gate, ("video/*", _RAW)) as uploads:
            if len(uploads) > 1:
                raise InvalidField(FIELD, f"The form has {len(uploads)} files; send one file per request.")
            yield await uploads[0].spool.path()


@asynccontextmanager
async def _received(
    request: Request, limits: UploadLimits, gate: AdmissionGate, raw_types: Sequence[str]
) -> AsyncIterator[list[Upload]]:
    spool = Spool(limits.spool)
    try:
        with gate.upload_slot(request, limits.idle_seconds) as slot:
            uploads = await _read(request, limits, slot, spool, raw_types)
        yield uploads
    finally:
        await spool.close()


async def _read(
    request: Request, limits: UploadLimits, slot: UploadSlot, spool: Spool, raw_types: Sequence[str]
) -> list[Upload]:
    media_type = _media_type(request)
    chunks = _chunks(request, limits, slot)
    if media_type == "multipart/form-data":
        uploads = await read_multipart(chunks, request.headers["content-type"], FIELD, limits.files, spool)
        if not uploads:
            raise InvalidField(FIELD, f"The form is empty; put at least one file into the field {FIELD!r}.")
        return uploads
    if not any(fnmatchcase(media_type, pattern) for pattern in raw_types):
        raise UnsupportedMedia(
            f"A body of type {media_type} is not supported. Send multipart/form-data with the field {FIELD!r}, "
            f"or the file itself as the body with Content-Type {' or '.join(raw_types)}."
        )
    upload = Upload(None, spool)
    async for chunk in chunks:
        await upload.write(chunk)
    if upload.size == 0:
        raise InvalidRequest(f"The body is empty; send a file as the body, or as the form field {FIELD!r}.")
    return [upload]


async def _chunks(request: Request, limits: UploadLimits, slot: UploadSlot) -> AsyncIterator[bytes]:
    """The body as it arrives. A declared length is checked first, so that a huge body is refused before it is sent.

    Raises:
        TooLarge: past the bound on bytes.
        UploadTimeout, ClientDisconnect: see ``UploadSlot.receive``.
    """
    bound = limits.body_bytes
    error = TooLarge(limits.setting, bound, f"The request body is larger than {bound:,} bytes; send less at once.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > bound:
        raise error
    received, more = 0, True
    while more:
        message = await slot.receive()
        chunk, more = message.get("body", b""), message.get("more_body", False)
        received += len(chunk)
        if received > bound:
            raise error
        if chunk:
            yield chunk


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", _RAW).partition(";")[0].strip().lower()
