"""API keys: asked for only where the operator has set some."""

import hmac
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from mien.api.dependencies import ServicesDep
from mien.api.errors import Unauthorized

_BEARER = HTTPBearer(auto_error=False, description="An API key, where the operator asks for one.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key in a header of its own.")


def matches(given: str, keys: Sequence[str]) -> bool:
    """Whether ``given``, a header's value, is one of ``keys``; the time taken tells nothing about how nearly it was.

    The server decodes headers as Latin-1, whatever a client meant. Clients that speak UTF-8 and those that speak
    Latin-1 both find their key.
    """
    readings = (given.encode("latin-1"), given.encode())
    hits = [hmac.compare_digest(reading, key.encode()) for key in keys for reading in readings]
    return any(hits)


async def require_key(
    services: ServicesDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    header: Annotated[str | None, Security(_HEADER)],
) -> None:
    """Raises ``Unauthorized`` unless the caller sent a key of ours, or none is asked for."""
    if not services.api_keys:
        return
    given = bearer.credentials if bearer is not None else header
    if given is None:
        raise Unauthorized("Send an API key, as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'.")
    if not matches(given, services.api_keys):
        raise Unauthorized("The API key is not one that this service knows; ask its operator for one.")


KEY_NEEDED = Depends(require_key)
