"""The route of pictures, without FastAPI's solving of dependencies: it took a third of the time that the service adds
to a small picture."""

from functools import lru_cache

from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import ValidationError
from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from mien.access.keys import KeyUse
from mien.api.dependencies import AppState
from mien.api.queries import PredictQuery, option_error

_KNOWN_QUERIES = 256


class DirectRoute(APIRoute):
    """Calls its endpoint with the request, its options and the app's state, once the caller's key is admitted.

    The endpoint declares the same to FastAPI, which describes it in the OpenAPI document.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ``starlette.routing.Route``."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)  # refuses it
            return
        request, state = Request(scope, receive, send), state_of(scope)
        with state.access.admitted(request, given_key(request.headers), KeyUse.ANALYSIS):
            response = await self.endpoint(request, predict_query(scope["query_string"]), state)
            await response(scope, receive, send)


def state_of(scope: Scope) -> AppState:
    """The long-lived objects of the app that answers."""
    state: AppState = scope["app"].state.mien
    return state


def given_key(headers: Headers) -> str | None:
    """The API key that a request carries, as ``HTTPBearer`` and ``APIKeyHeader`` read it."""
    scheme, credentials = get_authorization_scheme_param(headers.get("authorization"))
    return credentials if credentials and scheme.lower() == "bearer" else headers.get("x-api-key") or None


@lru_cache(_KNOWN_QUERIES)
def predict_query(query: bytes) -> PredictQuery:
    """The options in a query string; of one that is given twice the last counts.

    Raises:
        InvalidOption: one is unknown or wrong.
    """
    try:
        return PredictQuery.model_validate(dict(QueryParams(query)))
    except ValidationError as error:
        raise option_error(dict(error.errors()[0])) from None
