"""What the OpenAPI page says beyond what FastAPI derives by itself."""

from collections.abc import Mapping
from typing import Any

from mien.api.errors import MEDIA_TYPE, ProblemOut
from mien.api.schemas import PredictOut

Responses = dict[int | str, dict[str, Any]]

_BINARY = {"schema": {"type": "string", "format": "binary"}}
# 16 x 16 pixels of grey: enough to be answered.
_PICTURE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAEUlEQVR42mNsYEAFTAwjWgAAmZAAoFDIQrAAAAAASUVORK5CYII="
)

_WHEN: dict[int | str, str] = {
    400: "The request is malformed.",
    401: "An API key is needed.",
    404: "There is no such model, or none of that name serves.",
    406: "The Accept header allows no form in which this is answered.",
    408: "The upload stopped coming, or all but.",
    421: "The Host header names a host that the service does not answer to.",
    422: "An option is wrong.",
    429: "The queue is full, or too many uploads are on their way; see Retry-After.",
    500: "The service failed; the log knows the request id.",
    503: "Unavailable (starting, stopping or not well), or the request's deadline passed.",
    507: "No room on the disk for the upload or the answer.",
    "default": "Any other failure.",
}
_OF_PICTURES: dict[int | str, str] = {
    400: "The request is malformed, a field has a wrong name, or the JSON body holds bad base64.",
    413: "A limit was passed: bytes, pixels or number of files.",
    415: "Not a picture that is read.",
    422: "An option is wrong, or the picture is broken.",
}
# Whatever a body is sent to answers these.
UPLOAD_STATUSES = (400, 401, 406, 408, 413, 415, 421, 422, 429, 500, 503, 507)


def problems(*statuses: int, words: Mapping[int | str, str] | None = None) -> Responses:
    """The error answers that an endpoint may give; ``words`` are the endpoint's own for some of them."""
    when = {**_WHEN, **(words or {})}
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    # Without the default, FastAPI adds a 422 of its own shape, which nobody here answers.
    answers: tuple[int | str, ...] = (*statuses, "default")
    return {status: {"description": when[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in answers}


PREDICT_RESPONSES: Responses = {
    200: {
        "model": PredictOut,
        "description": "The faces of every picture, or the one picture with its faces drawn.",
        "content": {"image/png": _BINARY, "image/jpeg": _BINARY},
    },
    **problems(*UPLOAD_STATUSES, words=_OF_PICTURES),
}

PREDICT_BODY: dict[str, Any] = {
    "summary": "Find the faces in pictures",
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "One or many picture files.",
                        }
                    },
                    "additionalProperties": False,
                }
            },
            "image/*": _BINARY,
            "application/octet-stream": _BINARY,
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {
                        "images": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "byte"},
                            "description": "Picture files, each as base64 or as a base64 data URI.",
                        }
                    },
                    "additionalProperties": False,
                    "example": {"images": [_PICTURE]},
                }
            },
        },
    },
}
