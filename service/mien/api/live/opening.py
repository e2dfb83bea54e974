"""How a connection to ``/live`` begins: its key, and its options in the first message."""

from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import WebSocket
from pydantic import Field, ValidationError
from starlette.types import Message

from mien.api.live.limits import FRAME_SECONDS, MAX_OPTION_BYTES
from mien.api.queries import AnalysisQuery, option_error
from mien.errors import InvalidRequest, TooLarge
from mien.usecases.analyze_video import Smoothing
from mien.usecases.live_session import LiveOptions

_SECRET_FIELDS = frozenset({"key", "person_state"})


class LiveQuery(AnalysisQuery):
    """The first message: the options of ``POST /predict`` that concern analysis, and what a connection adds."""

    smoothing: Smoothing = Field(Smoothing.EMA, description="ema: scores averaged over a quarter of a second; none")
    key: str | None = Field(None, max_length=4096, description="the API key, for browsers, which cannot send a header")
    person_state: str | None = Field(None, description="from a reply of an earlier connection: its numbers go on")

    def to_live(self) -> LiveOptions:
        """The options for the use case."""
        return LiveOptions(self.to_domain(), self.smoothing)

    def seconds(self) -> float:
        """From the arrival of a frame: what takes longer fails."""
        return FRAME_SECONDS if self.deadline_ms is None else min(FRAME_SECONDS, self.deadline_ms / 1000)

    def applied(self) -> dict[str, Any]:
        """The options as JSON values, without the key and the state."""
        return self.model_dump(mode="json", exclude=set(_SECRET_FIELDS))


@dataclass(frozen=True, slots=True)
class Opening:
    """The first message: options in ``query``, or the first frame if the client sent no options."""

    query: LiveQuery
    frame: bytes | None = None


def header_key(websocket: WebSocket) -> str | None:
    """The API key in the handshake's headers, which only programs can set."""
    scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else websocket.headers.get("x-api-key")


def read_opening(message: Message) -> Opening:
    """The options in the first message.

    Raises:
        InvalidRequest: it is text, but no JSON object.
        InvalidOption: an option is unknown or wrong.
        TooLarge: it is longer than options are.
    """
    if (frame := message.get("bytes")) is not None:
        return Opening(LiveQuery.model_validate({}), frame)
    text = message["text"]
    if len(text) > MAX_OPTION_BYTES:
        raise TooLarge("max_option_bytes", MAX_OPTION_BYTES, f"the options are over {MAX_OPTION_BYTES:,} bytes")
    try:
        # Flat, so that no nesting can exhaust the stack.
        values = msgspec.json.decode(text, type=dict[str, str | float | bool | None])
    except msgspec.ValidationError:
        raise InvalidRequest('the first message must be a JSON object of options, as {"labels": "basic7"}') from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the first message is neither a frame nor JSON ({error}); send options as text") from None
    try:
        return Opening(LiveQuery.model_validate(values))
    except ValidationError as error:
        raise option_error(error.errors(include_url=False)[0]) from None
