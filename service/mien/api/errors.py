"""Errors over HTTP: one table from error class to status, and one shape on the wire (RFC 9457)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Mount

from mien import errors
from mien.api.key_errors import KeyExpired, KeyNotAllowed, KeyRevoked, RateLimited, TooManyWrongKeys, Unauthorized
from mien.api.queries import option_error

MEDIA_TYPE = "application/problem+json"


class UnknownHost(errors.InputError):
    """The request names a host that this service does not answer to."""

    code = "unknown_host"


class UnknownOrigin(errors.InputError):
    """A web page of an origin that this service does not answer to."""

    code = "unknown_origin"


class NotFound(errors.InputError):
    """No such path or model."""

    code = "not_found"


class InvalidField(errors.InvalidRequest):
    """A part of the body is missing, unknown or unreadable. ``name`` is the field's name."""

    code = "invalid_field"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class UploadTimeout(errors.InvalidRequest):
    """The client sent the body too slowly, or stopped sending."""

    code = "upload_stalled"


class NoConnectionFree(errors.CapacityError):
    """All connections to ``/live`` are taken."""

    code = "too_many_connections"
    retry_after: ClassVar[float] = 5.0


class NotReady(errors.CapacityError):
    """The service runs but cannot analyse pictures yet (or any more)."""

    code = "not_ready"


STATUS: dict[type[errors.MienError], tuple[HTTPStatus, str]] = {
    errors.InvalidRequest: (HTTPStatus.BAD_REQUEST, "The request is malformed"),
    Unauthorized: (HTTPStatus.UNAUTHORIZED, "An API key is required"),
    KeyExpired: (HTTPStatus.FORBIDDEN, "The API key has expired"),
    KeyRevoked: (HTTPStatus.FORBIDDEN, "The API key was revoked"),
    KeyNotAllowed: (HTTPStatus.FORBIDDEN, "The API key does not allow this"),
    TooManyWrongKeys: (HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong API keys"),
    RateLimited: (HTTPStatus.TOO_MANY_REQUESTS, "The API key is over its limit"),
    NotFound: (HTTPStatus.NOT_FOUND, "Not found"),
    UnknownHost: (HTTPStatus.MISDIRECTED_REQUEST, "Unknown host"),
    UnknownOrigin: (HTTPStatus.FORBIDDEN, "Unknown origin"),
    UploadTimeout: (HTTPStatus.REQUEST_TIMEOUT, "The upload stalled"),
    errors.JobNotFound: (HTTPStatus.NOT_FOUND, "No such job"),
    errors.JobHasNoResult: (HTTPStatus.CONFLICT, "The job has no such result"),
    errors.KeyReused: (HTTPStatus.UNPROCESSABLE_ENTITY, "The idempotency key was used before"),
    errors.NotAcceptable: (HTTPStatus.NOT_ACCEPTABLE, "No acceptable response type"),
    errors.TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A limit was exceeded"),
    errors.UnsupportedMedia: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media"),
    errors.CorruptMedia: (HTTPStatus.UNPROCESSABLE_ENTITY, "The media cannot be decoded"),
    errors.DecoderFailed: (HTTPStatus.UNPROCESSABLE_ENTITY, "The decoder failed"),
    errors.NoVideoStream: (HTTPStatus.UNPROCESSABLE_ENTITY, "The clip has sound only"),
    errors.InvalidOption: (HTTPStatus.UNPROCESSABLE_ENTITY, "An option is wrong"),
    errors.InputError: (HTTPStatus.BAD_REQUEST, "The request cannot be used"),
    errors.Overloaded: (HTTPStatus.TOO_MANY_REQUESTS, "The service is busy"),
    errors.DeadlineExceeded: (HTTPStatus.SERVICE_UNAVAILABLE, "The deadline passed"),
    errors.JobsUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Jobs are unavailable"),
    errors.StorageFull: (HTTPStatus.INSUFFICIENT_STORAGE, "There is no room on the disk"),
    NotReady: (HTTPStatus.SERVICE_UNAVAILABLE, "Not ready"),
    NoConnectionFree: (HTTPStatus.SERVICE_UNAVAILABLE, "No connection is free"),
    errors.CapacityError: (HTTPStatus.SERVICE_UNAVAILABLE, "Unavailable"),
    errors.EngineClosed: (HTTPStatus.SERVICE_UNAVAILABLE, "The engine is not running"),
    errors.WorkerLost: (HTTPStatus.SERVICE_UNAVAILABLE, "A worker was lost"),
    errors.MienError: (HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed"),
}

HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}
"""For errors raised by the framework."""
_INTERNAL = "Something failed inside the service; it has been logged under the request id. Try again."


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as sent; ``extra`` holds the members beyond those of RFC 9457 (limit, field, ...)."""

    status: int
    title: str
    detail: str
    code: str
    extra: dict[str, Any]
    headers: dict[str, str]

    def members(self, request_id: str) -> dict[str, Any]:
        """The members beyond ``type``."""
        names = {"title": self.title, "status": self.status, "detail": self.detail, "code": self.code}
        return {**names, "request_id": request_id, **self.extra}

    def response(self, request_id: str) -> JSONResponse:
        """The response with this problem as its body."""
        body = {"type": f"urn:mien:problem:{self.code}", **self.members(request_id)}
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


class ProblemOut(BaseModel):
    """An error (RFC 9457). ``limit`` and ``bound`` say which limit was exceeded, ``field`` what is wrong."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="`urn:mien:problem:` and the code")
    title: str = Field(description="what kind of error it is, in a few words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what was wrong, and what to do about it")
    code: str = Field(description="a stable name of the kind of error, for programs")
    request_id: str = Field(description="the same as in the X-Request-ID header; the service's log has it")
    limit: str | None = Field(None, description="the limit that was exceeded (too_large)")
    bound: float | None = Field(None, description="its value")
    field: str | None = Field(None, description="the option or the part of the body that is wrong")


def problem_of(error: errors.MienError) -> Problem:
    """The problem that ``error`` is reported as."""
    status, title = next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)
    # The message of an engine error may reveal internals, and does not help the caller.
    detail = _INTERNAL if status is HTTPStatus.INTERNAL_SERVER_ERROR else _sentence(error)
    return Problem(int(status), title, detail, error.code, dict(_members(error)), _headers(error, status))


def _sentence(error: errors.MienError) -> str:
    """The message with a capital (unless it begins with the name of a field) and a full stop."""
    text = str(error)
    named = isinstance(error, errors.InvalidOption | InvalidField) and text.startswith(error.name)
    return (text if named else text[:1].upper() + text[1:]) + ("" if text.endswith(".") else ".")


def _members(error: errors.MienError) -> Iterator[tuple[str, Any]]:
    if isinstance(error, errors.TooLarge):
        yield "limit", error.limit
        yield "bound", int(error.bound) if float(error.bound).is_integer() else error.bound
    if isinstance(error, errors.InvalidOption | InvalidField):
        yield "field", error.name


def _headers(error: errors.MienError, status: HTTPStatus) -> dict[str, str]:
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return {"Retry-After": str(max(1, math.ceil(getattr(error, "retry_after", 1.0))))}
    return {}


def internal_problem() -> Problem:
    """For an unexpected error: its text goes to the log only."""
    return problem_of(errors.MienError())


def request_id_of(request: Request) -> str:
    """The id that ``RequestContext`` gave this request."""
    return cast("str", request.scope["state"]["request_id"])


async def _on_mien_error(request: Request, error: errors.MienError) -> JSONResponse:
    return problem_of(error).response(request_id_of(request))


async def _on_validation(request: Request, error: RequestValidationError) -> JSONResponse:
    return problem_of(option_error(error.errors()[0])).response(request_id_of(request))


async def _on_http_exception(request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    details = {
        404: f"There is nothing at {request.url.path}; /docs lists the endpoints.",
        405: f"{request.url.path} does not answer {request.method}.",
    }
    code = HTTP_CODES.get(status, status.name.lower())
    detail = details.get(status, str(error.detail))
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    return Problem(int(status), status.phrase, detail, code, {}, headers).response(request_id_of(request))


def _allowed(request: Request) -> list[str]:
    """The methods of every route at this path; Starlette names those of the first. Mounted files are read only."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    found = [
        method
        for method in ("DELETE", "GET", "HEAD", "POST")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return found or ["GET", "HEAD"]


async def _on_disconnect(request: Request, _: ClientDisconnect) -> JSONResponse:
    # Only for the access log and the metrics; 499 is nginx's status for this.
    return Problem(499, "Client Closed Request", "The client disconnected.", "client_closed_request", {}, {}).response(
        request_id_of(request)
    )


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` as a problem."""
    app.add_exception_handler(errors.MienError, _on_mien_error)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _on_validation)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _on_http_exception)  # type: ignore[arg-type]
    app.add_exception_handler(ClientDisconnect, _on_disconnect)  # type: ignore[arg-type]
