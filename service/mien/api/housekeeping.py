"""What a running server does beside its requests."""

import logging
from collections.abc import Callable
from pathlib import Path

from anyio import CancelScope, sleep, to_thread

from mien.api.uploads.clip_folder import sweep
from mien.memory import trimmer

_LOGGER = logging.getLogger("mien")
_PAUSE_SECONDS = 30.0


async def run(scope: CancelScope, spool_dir: Path | None) -> None:
    """Until ``scope`` is cancelled, now and then: remove what killed processes left, and give freed memory back."""
    trim = trimmer()
    with scope:
        while True:
            try:
                await to_thread.run_sync(_once, spool_dir, trim)
            except Exception:
                # It must not end the server, whose tasks end together; the next pass may find things better.
                _LOGGER.exception("a housekeeping pass failed")
            await sleep(_PAUSE_SECONDS)


def _once(spool_dir: Path | None, trim: Callable[[], object] | None) -> None:
    if left := sweep(spool_dir):
        _LOGGER.info("removed clips that a killed process left", extra={"fields": {"clips": left}})
    if trim is not None:
        trim()
