"""Answers to requests that are refused before they reach the app."""

import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus

from mien.api.response_headers import CONTENT_POLICY, HEADERS

MAX_HEAD_BYTES = 16 << 10
"""In a request's head, or in the trailers after its body. The parser has no bound, and keeps twenty times as much."""
MAX_URL_BYTES = 8 << 10
MAX_HEADERS = 100
"""Including trailers."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer after which the connection is closed: a problem document (RFC 9457), as the app's own are."""

    status: HTTPStatus
    code: str
    detail: str
    retry_seconds: int | None = None

    def response(self) -> bytes:
        """The whole answer as it goes over the wire."""
        request_id = uuid.uuid4().hex
        problem = {
            "type": f"urn:mien:problem:{self.code}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {int(self.status)} {self.status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\nconnection: close\r\n"
        )
        if self.retry_seconds is not None:
            head += f"retry-after: {self.retry_seconds}\r\n"
        common = {**HEADERS, "content-security-policy": CONTENT_POLICY}
        lines = "".join(f"{name}: {value}\r\n" for name, value in common.items())
        return f"{head}{lines}\r\n".encode() + body


NOT_HTTP = Refusal(HTTPStatus.BAD_REQUEST, "invalid_request", "This is not a valid HTTP/1.1 request.")
NO_HANDSHAKE = Refusal(
    HTTPStatus.BAD_REQUEST,
    "invalid_request",
    "This is not a WebSocket handshake; send it without a body, and no header over 8 KiB.",
)
STOPPING = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "engine_closed",
    "The service is stopping; connect to another instance, or later.",
    retry_seconds=1,
)
HEAD_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head_too_large",
    f"The request's head is larger than {MAX_HEAD_BYTES:,} bytes; send fewer or shorter headers.",
)
TOO_MANY_HEADERS = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head_too_large",
    f"The request has more than {MAX_HEADERS} headers; send fewer.",
)
URL_TOO_LONG = Refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG, "url_too_long", f"The URL is longer than {MAX_URL_BYTES:,} bytes; shorten it."
)
