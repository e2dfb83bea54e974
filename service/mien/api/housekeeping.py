"""Periodic work of a running server."""

import logging
from collections.abc import Callable
from pathlib import Path

from anyio import CancelScope, sleep, to_thread

from mien.access.key_ring import KeyRing
from mien.api.uploads.clip_folder import sweep
from mien.images.decoder import PictureDecoder
from mien.memory import trimmer

_LOGGER = logging.getLogger("mien")
# Under load, free memory is used all over the heap: what comes into use between two returns grows as the heap spreads.
_INTERVAL_SECONDS = 10.0
_KEYS_SECONDS = 1.0


async def run(scope: CancelScope, spool_dir: Path | None, decoder: PictureDecoder) -> None:
    """Remove what killed processes left, and return freed memory to the system, until ``scope`` is cancelled."""
    trim = trimmer()
    with scope:
        while True:
            try:
                await to_thread.run_sync(_once, spool_dir, decoder, trim)
            except Exception:
                # It must not end the server, whose tasks end together; the next pass may succeed.
                _LOGGER.exception("a housekeeping pass failed")
            await sleep(_INTERVAL_SECONDS)


async def reread_keys(scope: CancelScope, ring: KeyRing) -> None:
    """Read the file of keys again when it changes, until ``scope`` is cancelled. In a thread, as a disk may be slow."""
    with scope:
        while True:
            await sleep(_KEYS_SECONDS)
            try:
                await to_thread.run_sync(ring.refresh)
            except Exception:
                _LOGGER.exception("the keys could not be read again")


def _once(spool_dir: Path | None, decoder: PictureDecoder, trim: Callable[[], object] | None) -> None:
    if removed := sweep(spool_dir):
        _LOGGER.info("removed clips of killed processes", extra={"fields": {"clips": removed}})
    decoder.release_memory()
    if trim is not None:
        trim()
