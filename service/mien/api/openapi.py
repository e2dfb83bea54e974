"""The parts of the OpenAPI document that FastAPI does not derive by itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from mien.api.errors import MEDIA_TYPE, ProblemOut
from mien.api.job_schemas import JobOut
from mien.api.schemas import AnalyzeVideoOut, PredictOut

Responses = dict[int | str, dict[str, Any]]

_TAGS = {
    "pictures": "Faces in still pictures.",
    "clips": "People tracked through a clip.",
    "jobs": "Clips analysed in the background.",
    "models": "What the models say of themselves.",
    "privacy": "What is kept.",
    "health": "Probes and metrics.",
}
_FILE = {"type": "string", "format": "binary"}
_BINARY = {"schema": _FILE}
_TEXT = {"schema": {"type": "string"}}
# 16 x 16 grey pixels: enough to be answered.
_PICTURE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAEUlEQVR42mNsYEAFTAwjWgAAmZAAoFDIQrAAAAAASUVORK5CYII="
)

_DESCRIPTIONS: dict[int | str, str] = {
    400: "The request is malformed.",
    401: "An API key is required.",
    403: "The API key has expired, was revoked, or is for something else.",
    404: "There is no such model, or no version of it is being served.",
    406: "The Accept header allows none of the response types.",
    409: "The job has no such result: it has not succeeded, or was not asked for it.",
    408: "The upload stalled.",
    421: "The Host header names a host that the service does not answer to.",
    422: "An option is wrong.",
    429: "The queue is full, too many uploads are in progress, or a key is over its limit; see Retry-After.",
    500: "The service failed; its log has the request id.",
    503: "Unavailable (starting, stopping or unhealthy), or the request's deadline expired.",
    507: "No room on the disk for the upload or the response.",
    "default": "Any other failure.",
}
_PICTURE_DESCRIPTIONS: dict[int | str, str] = {
    400: "The request is malformed, a field has a wrong name, or the JSON body holds bad base64.",
    413: "A limit was exceeded: bytes, pixels or number of files.",
    415: "Not a supported picture format.",
    422: "An option is wrong, or the picture is corrupt.",
}
_VIDEO_DESCRIPTIONS: dict[int | str, str] = {
    400: "The request is malformed, a form field has a wrong name, or more than one clip was sent.",
    413: "A limit was exceeded: bytes, pixels per frame, or seconds.",
    415: "Not a supported clip format or codec.",
    422: "An option is wrong, the clip is corrupt, or it has no video track.",
}
_JOB_DESCRIPTIONS: dict[int | str, str] = {404: "There is no such job, or not any more."}
_UPLOAD_STATUSES = (400, 401, 403, 406, 408, 413, 415, 421, 422, 429, 500, 503, 507)


def problems(*statuses: int, descriptions: Mapping[int | str, str] | None = None) -> Responses:
    """The error responses of an endpoint; ``descriptions`` replace the general ones for some of them."""
    texts = {**_DESCRIPTIONS, **(descriptions or {})}
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    # Without the default, FastAPI adds a 422 of its own shape, which is never sent.
    keys: tuple[int | str, ...] = (*statuses, "default")
    return {status: {"description": texts[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in keys}


def _body(summary: str, file: Mapping[str, Any], **others: Mapping[str, Any]) -> dict[str, Any]:
    """An operation that takes a multipart ``file``, the raw file, or the media types ``others``.

    A raw file may also be sent as ``image/*`` or ``video/*``; generators of clients understand no ranges.
    """
    return {
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _object(file=file)},
                "application/octet-stream": _BINARY,
                **others,
            },
        },
    }


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _array(items: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items, "description": description}


PREDICT_RESPONSES: Responses = {
    200: {
        "model": PredictOut,
        "description": "The faces of every picture, as JSON or a table, or the one picture with its faces drawn.",
        "content": {"text/csv": _TEXT, "image/png": _BINARY, "image/jpeg": _BINARY},
    },
    **problems(*_UPLOAD_STATUSES, descriptions=_PICTURE_DESCRIPTIONS),
}
PREDICT_BODY = _body(
    "Find the faces in pictures",
    _array(_FILE, "One or more picture files."),
    **{
        "application/json": {
            "schema": {
                **_object(
                    images=_array(
                        {"type": "string", "format": "byte"}, "Picture files, each as base64 or as a base64 data URI."
                    )
                ),
                "example": {"images": [_PICTURE]},
            }
        }
    },
)

VIDEO_RESPONSES_OK: dict[str, Any] = {
    "model": AnalyzeVideoOut,
    "description": "The timeline; as a table, as lines during the analysis, as a plot, or drawn into the clip.",
    "content": {
        "text/csv": _TEXT,
        "application/x-ndjson": _TEXT,
        "image/png": _BINARY,
        "video/mp4": _BINARY,
        "text/x-eaf+xml": _TEXT,
        "text/tab-separated-values": _TEXT,
        "text/vtt": _TEXT,
        "application/vnd.apache.parquet": _BINARY,
    },
}
VIDEO_RESPONSES: Responses = {
    200: VIDEO_RESPONSES_OK,
    202: {
        "model": JobOut,
        "description": "The clip became a job, to which Location leads.",
        "headers": {"Location": {"description": "the path of the job", "schema": {"type": "string"}}},
    },
    **problems(*_UPLOAD_STATUSES, descriptions=_VIDEO_DESCRIPTIONS),
}
RESULT_RESPONSES: Responses = {
    200: VIDEO_RESPONSES_OK,
    **problems(401, 403, 404, 406, 409, 421, 422, 429, 500, 503, 507, descriptions=_JOB_DESCRIPTIONS),
}
_JOB_EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["progress", "end"], "description": "whether the job goes on"},
        "data": {
            "type": "string",
            "description": "the job, as GET /jobs/{job} answers",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/JobOut"},
        },
    },
}
EVENT_RESPONSES: Responses = {
    200: {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": _JOB_EVENT}}},
    **problems(401, 403, 404, 421, 422, 429, 503, descriptions=_JOB_DESCRIPTIONS),
}
VIDEO_BODY = _body("Follow people through a clip", {**_FILE, "description": "One clip, as a file."})


def aggregate_responses(model: type[BaseModel], usual: Responses) -> Responses:
    """The ``usual`` responses of an endpoint, with counts of the form ``model`` in place of its answers."""
    success = {
        "model": model,
        "description": "The counts, or none over fewer than five people.",
        "content": {"text/csv": _TEXT},
    }
    return {**usual, 200: success}


def operation_id(route: APIRoute) -> str:
    """The name of an operation in generated clients: that of its function."""
    return route.name


def complete_openapi(app: FastAPI, keyed: bool, max_pictures: int) -> None:
    """Complete the document of ``app``, whose ``openapi`` is wrapped.

    Args:
        app: has all of its routes.
        keyed: API keys are required; otherwise the document says that requests need none.
        max_pictures: the bound on pictures per request.
    """
    openapi = app.openapi

    def document() -> dict[str, Any]:
        found = openapi()
        if "tags" in found:  # FastAPI keeps the document: it is complete already
            return found
        # FastAPI lists models of its own media type only.
        found["components"]["schemas"][ProblemOut.__name__] = ProblemOut.model_json_schema()
        for operation in _operations(found):
            if "security" in operation and not keyed:
                operation["security"].append({})
            for parameter in operation.get("parameters", ()):
                _remove_null(parameter["schema"])
            for body in operation.get("requestBody", {}).get("content", {}).values():
                for field in body["schema"].get("properties", {}).values():
                    if field["type"] == "array":
                        field["maxItems"] = max_pictures
        found["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
        return found

    app.openapi = document  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def _remove_null(schema: dict[str, Any]) -> None:
    """An option that may be left out is null inside, but a query string cannot say so."""
    forms = [form for form in schema.get("anyOf", ()) if form != {"type": "null"}]
    if len(forms) == 1:
        del schema["anyOf"]
        schema.update(forms[0])
