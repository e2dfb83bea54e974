"""What the OpenAPI page says of ``POST /analyze-video`` beyond what FastAPI derives by itself."""

from typing import Any

from service.api.openapi import Responses, problems
from service.api.video_schemas import AnalyzeVideoOut

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TEXT = {"schema": {"type": "string"}}

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
    **problems(400, 401, 406, 408, 413, 415, 422, 429, 500, 503, 507),
}

VIDEO_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "video/*": _BINARY,
            "application/octet-stream": _BINARY,
        },
    }
}
