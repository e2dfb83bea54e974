"""Request bodies as files: every form in which pictures (or one clip) may come.

While a body arrives it holds a place at the gate behind which its work will be done; see ``WorkGate.arrival``.
"""

import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from fastapi import Request

from service.api.bodies import UploadLimits, bounded
from service.api.errors import InvalidField
from service.api.multipart import read_multipart
from service.api.spool import SpoolSettings, Upload
from service.api.work import WorkGate
from service.errors import InputError, InvalidRequest, TooLarge, UnsupportedMedia
from service.usecases.pictures import PictureInput

FIELD = "file"
_RAW = "application/octet-stream"


@asynccontextmanager
async def received_pictures(
    request: Request, limits: UploadLimits, gate: WorkGate
) -> AsyncIterator[Callable[[], list[PictureInput]]]:
    """The pictures of a request, in whichever form they came.

    What is yielded loads them into memory, so that a request that waits for a thread does not hold its pictures there.
    It must be called inside the block; it raises ``InvalidRequest`` or ``TooLarge`` for JSON of another shape.
    """
    as_json = _media_type(request) == "application/json"
    with gate.arrival():
        if as_json:
            uploads = await _read_raw(bounded(request, limits), limits.spool)
        else:
            uploads = await _read_files(request, limits, family="image")
    try:
        if as_json:
            yield lambda: list(_decode_json(uploads[0].read(), limits.files))
        else:
            yield lambda: [PictureInput(upload.name, upload.read()) for upload in uploads]
    finally:
        for upload in uploads:
            upload.close()


@asynccontextmanager
async def received_file(request: Request, limits: UploadLimits, gate: WorkGate, family: str) -> AsyncIterator[Upload]:
    """The one file of a request: a multipart ``file``, or the raw body with a ``<family>/*`` content type."""
    with gate.arrival():
        uploads = await _read_files(request, limits, family)
    try:
        if len(uploads) > 1:
            raise InvalidField(FIELD, f"One file a request is read here, and {len(uploads)} came; send them singly.")
        yield uploads[0]
    finally:
        for upload in uploads:
            upload.close()


async def _read_files(request: Request, limits: UploadLimits, family: str) -> list[Upload]:
    media_type = _media_type(request)
    chunks = bounded(request, limits)
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
        upload.close()
        raise
    return [upload]


def _decode_json(body: bytes, max_pictures: int) -> Iterator[PictureInput]:
    expected = 'expected {"images": ["<base64 or data URI>", ...]}'
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"The body is not JSON ({str(error) or 'nested too deeply'}); {expected}.") from None
    images = document.get("images") if isinstance(document, dict) else None
    if not isinstance(images, list) or not images:
        raise InvalidField("images", f"The JSON body has no list of pictures in 'images'; {expected}.")
    if unknown := sorted(set(document) - {"images"}):
        raise InvalidField(unknown[0], f"The JSON body has an unknown member {unknown[0]!r}; {expected}.")
    if len(images) > max_pictures:
        raise TooLarge("max_pictures", max_pictures, f"At most {max_pictures} pictures are read at once; send fewer.")
    for index, image in enumerate(images):
        yield PictureInput(None, _decode_base64(f"images[{index}]", image))


def _decode_base64(name: str, value: object) -> bytes | InputError:
    """The bytes, or what is wrong with them: one bad picture does not fail the others."""
    if not isinstance(value, str):
        return InvalidField(name, f"{name} is not a string; put base64 or a data URI there.")
    if value.startswith("data:"):
        head, comma, value = value.partition(",")
        if not comma or not head.endswith(";base64"):
            return InvalidField(name, f"{name} is not a base64 data URI; write data:image/jpeg;base64,<base64>.")
    try:
        # Tools wrap base64 at 76 columns; the line ends are not part of it.
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        return InvalidField(name, f"{name} is not base64 ({error}); encode the file's bytes again.")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", _RAW).partition(";")[0].strip().lower()
