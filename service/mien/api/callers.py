"""Who sends a request and what it will cost, told from its head alone, before any of its body is read."""

import hashlib

from starlette.datastructures import Headers
from starlette.types import Scope

_UNIT_BYTES = 256 << 10
_UNKNOWN_BYTES = 1 << 20  # assumed of a body whose length is not declared
_ACCURATE = 4  # an accurate detection costs about as many fast ones
_CALLER = "caller"


def name_caller(scope: Scope, *, keyed: bool) -> str:
    """Whom the places and threads that a request takes count for: its key (a hash of it) if keys are required, or its
    address. Kept in the scope for ``caller_of``."""
    client = scope.get("client")
    caller = client[0] if client else ""
    if keyed:
        headers = Headers(scope=scope)
        key = headers.get("authorization", "").rpartition(" ")[2] or headers.get("x-api-key", "")
        caller = hashlib.blake2b(key.encode("latin-1"), digest_size=8).hexdigest() if key else caller
    scope.setdefault("state", {})[_CALLER] = caller
    return str(caller)


def caller_of(scope: Scope) -> str:
    """The caller that ``name_caller`` told."""
    known = scope.get("state", {}).get(_CALLER)
    return name_caller(scope, keyed=False) if known is None else str(known)


def cost_of(scope: Scope) -> float:
    """An estimate of the work in a request, in small pictures: by its declared size and the detector it asks for."""
    declared = Headers(scope=scope).get("content-length", "")
    size = int(declared) if declared.isdecimal() else _UNKNOWN_BYTES
    return (1 + size / _UNIT_BYTES) * (_ACCURATE if b"detector=accurate" in scope.get("query_string", b"") else 1)
