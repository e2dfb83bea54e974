"""Who sends a request and what it will cost, told from its head alone, before any of its body is read."""

import hashlib
import re
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Scope

_UNIT_BYTES = 256 << 10
_UNKNOWN_BYTES = 1 << 20  # assumed of a body whose length is not declared
_ACCURATE = 4  # an accurate detection costs about as many fast ones
_CALLER = "caller"
_AWS_KEY = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")  # the rest differs with every request


def name_caller(scope: Scope, *, keyed: bool) -> str:
    """Whom the places and threads that a request takes count for: its key (a hash of it) if keys are required, or its
    address. Kept in the scope for ``caller_of``."""
    client = scope.get("client")
    caller = client[0] if client else ""
    if keyed:
        key = _key_of(scope)
        caller = hashlib.blake2b(key.encode("latin-1"), digest_size=8).hexdigest() if key else caller
    scope.setdefault("state", {})[_CALLER] = caller
    return str(caller)


def caller_of(scope: Scope) -> str:
    """The caller that ``name_caller`` told."""
    known = scope.get("state", {}).get(_CALLER)
    return name_caller(scope, keyed=False) if known is None else str(known)


def _key_of(scope: Scope) -> str:
    """Wherever a client of Mien, Amazon's or Google's service puts it; empty if there is none."""
    headers = Headers(scope=scope)
    authorization = headers.get("authorization", "")
    aws = _AWS_KEY.match(authorization)
    given = str(aws[1]) if aws else authorization.rpartition(" ")[2]
    for key in (given, headers.get("x-api-key"), headers.get("x-goog-api-key")):
        if key:
            return key
    return parse_qs(str(scope.get("query_string", b""), "latin-1")).get("key", [""])[0]


def cost_of(scope: Scope) -> float:
    """An estimate of the work in a request, in small pictures: by its declared size and the detector it asks for."""
    declared = Headers(scope=scope).get("content-length", "")
    size = int(declared) if declared.isdecimal() else _UNKNOWN_BYTES
    return (1 + size / _UNIT_BYTES) * (_ACCURATE if b"detector=accurate" in scope.get("query_string", b"") else 1)
