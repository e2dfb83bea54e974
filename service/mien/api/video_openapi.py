"""What the OpenAPI page says of ``POST /analyze-video`` beyond what FastAPI derives by itself."""

from typing import Any

from mien.api.openapi import UPLOAD_STATUSES, Responses, problems
from mien.api.schemas import AnalyzeVideoOut

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TEXT = {"schema": {"type": "string"}}

_OF_CLIPS: dict[int | str, str] = {
    400: "The request is malformed, a form field has a wrong name, or more than one clip was sent.",
    413: "A limit was passed: bytes, pixels of a frame, or seconds.",
    415: "Not a clip that is read, or its codec is not.",
    422: "An option is wrong, the clip is broken, or it has sound only.",
}

VIDEO_RESPONSES: Responses = {
    200: {
        "model": AnalyzeVideoOut,
        "description": "The timeline; as a table, as lines while frames come, as a plot, or drawn into the clip.",
        "content": {
            "text/csv": _TEXT,
            "application/x-ndjson": _TEXT,
            "image/png": _BINARY,
            "video/mp4": _BINARY,
        },
    },
    **problems(*UPLOAD_STATUSES, words=_OF_CLIPS),
}

VIDEO_BODY: dict[str, Any] = {
    "summary": "Follow people through a clip",
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "One clip, as a file."}
                    },
                    "additionalProperties": False,
                }
            },
            "video/*": _BINARY,
            "application/octet-stream": _BINARY,
        },
    },
}
