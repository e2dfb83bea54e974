"""What a request to a server can fail with; every error carries what the server said of it."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from mien.errors import CapacityError, InputError, MienError

_BUSY = frozenset({408, 429, 502, 503, 504, 507})
# The same request would take as long again, or is refused again.
_FINAL_CODES = frozenset({"deadline_exceeded", "caller_gone", "upload_stalled", "storage_full"})
_MAX_SHOWN = 200


class ServerError(MienError):
    """The server answered with an error, or did not answer.

    ``code`` is stable (``docs/api.md`` lists them all), ``detail`` says what was wrong and what to do, ``status`` is
    the HTTP status (``None`` without an answer), ``request_id`` the id in the server's log. ``retry_after`` is in
    seconds, ``problem`` all members of the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        title: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code  # type: ignore[misc]  # of the class elsewhere
        self.detail = detail
        self.status = status
        self.title = title
        self.request_id = request_id
        self.retry_after = retry_after
        self.problem = dict(problem or {})


class RequestRefused(ServerError, InputError):
    """The caller can fix it: a wrong option, a file that cannot be read, a missing key."""


class ServerBusy(ServerError, CapacityError):
    """Try again later: the queue is full, or the server is starting or stopping."""


class ServerUnreachable(ServerError, CapacityError):
    """No answer: the server is down, the address is wrong, or the connection broke off."""


class JobFailed(ServerError):
    """A job ended without a result."""


def error_of(response: httpx.Response) -> ServerError:
    """The error that ``response``, whose body has been read, is."""
    problem = _problem(response.content)
    status = response.status_code
    return problem_error(
        {"status": status, "request_id": response.headers.get("x-request-id"), **problem},
        fallback=f"The server answered {status} {response.reason_phrase}: {response.text[:_MAX_SHOWN]}",
        retry_after=_seconds(response.headers.get("retry-after")),
    )


def problem_error(problem: Mapping[str, Any], fallback: str, retry_after: float | None = None) -> ServerError:
    """The error that a problem document describes; ``fallback`` is its detail if it has none."""
    status = problem.get("status")
    if status in _BUSY:
        kind: type[ServerError] = ServerBusy
    else:
        kind = RequestRefused if isinstance(status, int) and 400 <= status < 500 else ServerError
    return kind(
        str(problem.get("code", "http_error")),
        str(problem.get("detail", fallback)),
        status=status,
        title=problem.get("title"),
        request_id=problem.get("request_id"),
        retry_after=retry_after,
        problem=problem,
    )


def unreachable(error: httpx.TransportError, url: str) -> ServerError:
    """No answer came, or only a part of one."""
    if isinstance(error, httpx.TimeoutException):
        return ServerUnreachable("timeout", f"{url} did not answer in time; allow more with timeout=, or use jobs.")
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx.UnsupportedProtocol):
        return RequestRefused("bad_url", f"{url!r} is not an address; write it as http://127.0.0.1:8000.")
    return ServerUnreachable("unreachable", f"{url} cannot be reached ({reason}); is the server running?")


def backoff(error: Exception) -> bool | float:
    """Whether to try again after ``error``: the seconds to wait that the server names, ``True`` for a growing time."""
    if not isinstance(error, ServerBusy | ServerUnreachable) or error.code in {*_FINAL_CODES, "timeout"}:
        return False
    return True if error.retry_after is None else error.retry_after


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None
