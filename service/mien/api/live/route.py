"""``WS /live``: the frames of a camera in, one reply each out. docs/live.md describes the messages."""

from contextlib import ExitStack
from typing import cast

from anyio import move_on_after
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.types import Message

from mien.access.keys import KeyUse
from mien.api.access import count_bytes
from mien.api.dependencies import AppState
from mien.api.errors import NotFound, problem_of
from mien.api.key_errors import KeyExpired, KeyNotAllowed, KeyRevoked, RateLimited, Unauthorized
from mien.api.live.conversation import GOING_AWAY, OVERLOADED, POLICY, TIMEOUT, UNAUTHORIZED, Conversation
from mien.api.live.limits import MAX_FRAME_BYTES, MAX_PIXELS, OPENING_SECONDS, PATH
from mien.api.live.opening import Opening, header_key, read_opening
from mien.errors import CapacityError, EngineClosed, MienError
from mien.usecases.live_session import LiveSession
from mien.usecases.person_state import NEW_SESSION
from mien.usecases.picture_document import to_json

_NO_KEY = 'Send an API key: in the handshake\'s X-API-Key header, or as "key" in the first message.'
_NOT_ALLOWED = (Unauthorized, KeyExpired, KeyRevoked, KeyNotAllowed)

router = APIRouter()


@router.get(PATH, include_in_schema=False)
async def not_a_websocket() -> None:
    """For a browser's address bar, curl, and a proxy that does not pass the upgrade on."""
    raise NotFound("/live is a WebSocket, and this was a plain request. Connect to it as ws:// or wss://.")


@router.websocket(PATH)
async def live(websocket: WebSocket) -> None:
    """The frames of a camera in, their faces with people's numbers out."""
    state = cast("AppState", websocket.app.state.mien)
    await _Connection(websocket, state).serve()


class _Connection:
    """One connection, from its handshake to its end."""

    def __init__(self, websocket: WebSocket, state: AppState) -> None:
        self._websocket = websocket
        self._state = state
        self._request_id: str = websocket.scope["state"]["request_id"]
        self._fields: dict[str, object] = websocket.scope["state"]["log_fields"]

    async def serve(self) -> None:
        """A handshake that cannot lead to an answer is refused as HTTP; what is wrong later, with a close code."""
        key = header_key(self._websocket)
        place = ExitStack()
        with place:
            try:
                self._state.engine.get()
                # Browsers cannot send the header. Their key comes in the first message: an address is written into
                # logs, and so may be a subprotocol, which is a header that the service must repeat.
                if is_known := key is not None or not self._state.access.required:
                    self._admit(key, place)
                    place.enter_context(self._state.live.places.take())
            except MienError as error:
                response = problem_of(error).response(self._request_id)
                await self._websocket.send_denial_response(response)
                return
            await self._websocket.accept()
            try:
                opening = await (self._options() if is_known else self._keyed_options(place))
                if opening is not None:
                    await self._converse(opening)
            except WebSocketDisconnect:
                pass
            except MienError as error:
                await self._refuse(error)

    def _admit(self, key: str | None, place: ExitStack) -> None:
        place.enter_context(self._state.access.admitted(self._websocket, key, KeyUse.ANALYSIS))

    async def _keyed_options(self, place: ExitStack) -> Opening | None:
        with self._state.live.places.opening():
            with move_on_after(OPENING_SECONDS):
                opening = await self._first_message()
                if opening is not None and opening.query.key is None:
                    raise Unauthorized(_NO_KEY)
                self._admit(None if opening is None else opening.query.key, place)
                place.enter_context(self._state.live.places.take())
                return opening
        await self._close(TIMEOUT, "No key came in time, or its place was needed.")
        return None

    async def _options(self) -> Opening | None:
        with move_on_after(self._state.live.idle):
            return await self._first_message()
        await self._close(TIMEOUT, "No message came in time.")
        return None

    async def _first_message(self) -> Opening | None:
        message: Message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            if message.get("code") == GOING_AWAY:
                raise EngineClosed("The service is stopping; open another connection.")
            raise WebSocketDisconnect(message.get("code", 1006))
        return read_opening(message)

    async def _converse(self, opening: Opening) -> None:
        query, live = opening.query, self._state.live
        if opening.frame is not None:
            count_bytes(self._websocket, len(opening.frame))
        engine = self._state.engine.get()
        past = NEW_SESSION if query.person_state is None else live.signer.read(query.person_state)
        session = LiveSession(query.to_live(), engine=engine, state=past)
        if opening.frame is None:
            models = {model.name: model.version for model in engine.models() if model.active}
            start = {
                "type": "start",
                "request_id": self._request_id,
                "options": query.applied(),
                "continued": past is not NEW_SESSION,
                "models": models,
                "limits": {
                    "frame_bytes": MAX_FRAME_BYTES,
                    "pixels": MAX_PIXELS,
                    "frames_per_second": round(1 / live.interval, 3),
                    "idle_seconds": live.idle,
                },
            }
            await self._websocket.send_text(to_json(start))
        conversation = Conversation(self._websocket, session, query.seconds(), live, self._state.metrics)
        self._state.metrics.live_connection(+1)
        try:
            code = await conversation.run(opening.frame)
        finally:
            self._state.metrics.live_connection(-1)
            counts = conversation.counts
            self._fields |= {"answered": counts.answered, "dropped": counts.dropped, "failed": counts.failed}
        if code is not None:
            self._fields["code"] = code

    async def _refuse(self, error: MienError) -> None:
        """An error of the first message: said in words, then the connection is closed."""
        code = POLICY
        if isinstance(error, _NOT_ALLOWED):
            code = UNAUTHORIZED
        elif isinstance(error, EngineClosed):
            code = GOING_AWAY
        elif isinstance(error, CapacityError | RateLimited):
            code = OVERLOADED
        problem = problem_of(error)
        await self._websocket.send_text(to_json({"type": "error", **problem.members(self._request_id)}))
        await self._close(code, problem.title)

    async def _close(self, code: int, reason: str) -> None:
        self._fields["code"] = code
        await self._websocket.close(code, reason)
