"""The decoder processes of one program: for everything that libav reads, and the rarer picture formats."""

import logging

from mien.images import picture_task
from mien.sandbox.pool import SUPPORTED, DecoderPool
from mien.video import clip_task

_LOG = logging.getLogger(__name__)


def open_decoders(size: int) -> DecoderPool | None:
    """Up to ``size`` processes; ``None`` on systems other than Linux, where files are decoded in this process."""
    if not SUPPORTED:
        _LOG.warning("files are decoded in the service's own process: decoder processes need Linux")
        return None
    return DecoderPool((clip_task.__name__, picture_task.__name__), size)
