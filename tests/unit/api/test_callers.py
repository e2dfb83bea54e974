"""Who sends a request, as places and threads count for them."""

import pytest
from starlette.types import Scope

from mien.api.callers import caller_of, name_caller

ADDRESS = "192.0.2.7"
SIGNED = "AWS4-HMAC-SHA256 Credential={}/20261128/eu-west-1/rekognition/aws4_request, Signature={}"


def scope(query: str = "", **headers: str) -> Scope:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": pairs, "query_string": query.encode(), "client": (ADDRESS, 50000)}


@pytest.mark.parametrize(
    "request_scope",
    [
        scope(authorization="Bearer one"),
        scope(x_api_key="one"),
        scope(x_goog_api_key="one"),
        scope("detector=fast&key=one"),
        scope(authorization=SIGNED.format("one", "3f2a")),
        scope(authorization=SIGNED.format("one", "99b0")),
    ],
)
def test_a_key_is_one_caller_wherever_it_stands(request_scope: Scope) -> None:
    expected = name_caller(scope(x_api_key="one"), keyed=True)
    assert name_caller(request_scope, keyed=True) == caller_of(request_scope) == expected
    assert expected not in ("one", ADDRESS, name_caller(scope(x_api_key="two"), keyed=True))


def test_without_keys_callers_are_addresses() -> None:
    assert name_caller(scope(x_api_key="one"), keyed=False) == ADDRESS
    assert name_caller(scope(), keyed=True) == ADDRESS
