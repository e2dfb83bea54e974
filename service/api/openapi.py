"""What the OpenAPI page says beyond what FastAPI derives by itself."""

from typing import Any

from service.api.errors import MEDIA_TYPE, ProblemOut
from service.api.schemas import PredictOut

Responses = dict[int | str, dict[str, Any]]

_BINARY = {"schema": {"type": "string", "format": "binary"}}

_WHEN: dict[int | str, str] = {
    400: "The request is malformed, a field has a wrong name, or the JSON body holds bad base64.",
    401: "An API key is needed.",
    404: "There is no such model, or none of that name serves.",
    406: "The Accept header allows no form in which this is answered.",
    408: "The upload stopped coming, or all but.",
    413: "A limit was passed: bytes, pixels or number of files.",
    415: "Not a picture that is read.",
    422: "An option is wrong, or the file is broken.",
    429: "The queue is full, or too many uploads are on their way; see Retry-After.",
    500: "The service failed; the log knows the request id.",
    503: "The service is starting, stopping or not well, or the caller's deadline passed.",
    507: "No room on the disk for the upload or the answer.",
    "default": "Any other failure.",
}


def problems(*statuses: int) -> Responses:
    """The error answers that an endpoint may give."""
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    # Without the default, FastAPI adds a 422 of its own shape, which nobody here answers.
    answers: tuple[int | str, ...] = (*statuses, "default")
    return {status: {"description": _WHEN[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in answers}


PREDICT_RESPONSES: Responses = {
    200: {
        "model": PredictOut,
        "description": "The faces of every picture, or the one picture with its faces drawn.",
        "content": {"image/png": _BINARY, "image/jpeg": _BINARY},
    },
    **problems(400, 401, 406, 408, 413, 415, 422, 429, 500, 503, 507),
}

PREDICT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            "image/*": _BINARY,
            "application/octet-stream": _BINARY,
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {"images": {"type": "array", "items": {"type": "string"}}},
                    "additionalProperties": False,
                    "example": {"images": ["data:image/jpeg;base64,/9j/4AAQ..."]},
                }
            },
        },
    }
}
