"""What the OpenAPI document cannot tell schemathesis: what a picture is, how long a clip and how long an answer takes.

Everything else is generated.
"""

import base64
import io
from typing import Any

import schemathesis
import skimage.data
from hypothesis import strategies as st
from PIL import Image

LONG_MS = 60_000


def _animation() -> bytes:
    """A GIF of two frames with a face: a picture to one endpoint, a clip of 0.4 s to the other."""
    photo = Image.fromarray(skimage.data.astronaut())
    frames = [photo.crop((150, top, 310, top + 160)).resize((64, 64)) for top in (30, 40)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=200)
    return file.getvalue()


ANIMATION = _animation()
schemathesis.openapi.format("binary", st.just(ANIMATION))
schemathesis.openapi.format("byte", st.just(base64.b64encode(ANIMATION).decode()))
schemathesis.openapi.media_type("application/octet-stream", st.just(ANIMATION))


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Replace values that are refused though the schema allows them. What the schema forbids stays."""
    del context, kwargs
    query = case.query
    # A deadline that passes is answered 503, which is no failure of the server.
    if (deadline := _number(query.get("deadline_ms"))) is not None and 1 <= deadline < LONG_MS:
        query["deadline_ms"] = LONG_MS
    # A start after the end of the clip, or of the window, is refused.
    if (start := _number(query.get("start"))) is not None and start > 0:
        query["start"] = 0
    # Without a secret of the operator's, there are no webhooks.
    query.pop("webhook", None)


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except ValueError:
        return None
