"""The state of ``/live``, from the settings."""

import math

from anyio import CapacityLimiter, Semaphore

from mien.api.live.limits import MAX_FRAME_BYTES, MAX_PIXELS, LiveState, Places
from mien.api.live.signed_state import StateSigner
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.settings import Settings


def live_state(settings: Settings) -> LiveState:
    """What the connections of one app share."""
    limits = DecodeLimits(max_bytes=MAX_FRAME_BYTES, max_pixels=min(MAX_PIXELS, settings.max_pixels))
    return LiveState(
        places=Places(settings.live_connections),
        gate=Semaphore(settings.workers, fast_acquire=True),
        threads=CapacityLimiter(math.inf),
        signer=StateSigner(None if settings.secret is None else settings.secret.get_secret_value()),
        decoder=PictureDecoder(limits, concurrency=settings.workers),
        interval=1 / settings.live_fps,
        idle=settings.live_idle_seconds,
        send=settings.upload_idle_seconds,
    )
