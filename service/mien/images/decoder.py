"""From the bytes of a picture file to an upright frame, bounded in memory and in time."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np

from mien.domain import Frame
from mien.images.formats import PictureFormat, sniff
from mien.images.limits import FRAME_BYTES_PER_PIXEL, DecodeLimits
from mien.images.pillow_readers import only_mien_errors
from mien.images.pixel_memory import PixelMemory
from mien.images.planning import Check, Plan, Planner
from mien.images.remote_pictures import FORMATS, RemotePictures
from mien.memory_budget import Lease, MemoryBudget
from mien.sandbox.pool import DecoderPool

DETECTOR_MARGIN = 3  # a face of 16 px at the detector's scale then has the 48 px that the classifier takes
_KEPT_BYTES = 64 << 20  # of free memory per decode at once: one or two photographs of a phone
_LARGE = 1 / 8  # of the memory that one decode may take; a large one takes more


def no_check() -> None:
    """Never cancels."""


class LargePicture(Exception):
    """A picture is to be decoded apart from small ones; a signal to the caller, not an error of the picture."""


class PictureDecoder:
    """Decodes pictures, bounded in memory for any number of callers. Thread-safe.

    Small decodes share one memory budget of at most ``concurrency`` slots, and large ones another with half as many:
    otherwise a few pictures that each take all the memory would block everyone else's. A decoded frame counts until it
    is released. Together they take at most one and a half times ``DecodeLimits.memory``.

    All formats but JPEG, PNG and WebP are decoded in a process of ``sandbox``, or in this one if that is ``None``.
    """

    def __init__(self, limits: DecodeLimits, concurrency: int, sandbox: DecoderPool | None = None) -> None:
        self._limits = limits
        self._planner = Planner(limits)
        self._remote = None if sandbox is None else RemotePictures(sandbox, limits)
        self._memory = PixelMemory(concurrency * _KEPT_BYTES)
        # As much per slot as one small decode may take: more results would only wait in memory for a worker.
        self._small = MemoryBudget(concurrency, min(limits.memory // 2, round(concurrency * limits.memory * _LARGE)))
        self._large: MemoryBudget | None = MemoryBudget(max(1, concurrency // 2), limits.memory)

    def without_large(self) -> "PictureDecoder":
        """A decoder with the same budgets that raises ``LargePicture`` for a large picture, before it is decoded."""
        other = copy.copy(self)
        other._large = None
        return other

    def release_memory(self) -> None:
        """Return the memory that is kept for the next large pictures to the system."""
        self._memory.forget()

    def decode(
        self,
        data: bytes,
        *,
        detector_side: int | None = None,
        deadline: float | None = None,
        check: Check = no_check,
    ) -> Frame:
        """Decode for analysis.

        Args:
            data: the file; animations give their first frame, multi-page files their first page.
            detector_side: the long side in pixels at which faces will be detected. A picture more than twice
                ``DETECTOR_MARGIN`` times as large is decoded at 1/2, 1/4 or 1/8. ``None`` means full resolution.
            deadline: a ``time.monotonic()`` instant, or ``None``.
            check: called between blocks of the file and strips of the picture; what it raises ends the decode.

        Returns:
            An upright frame, ``uint8 [h, w, 3]`` BGR; its ``width`` and ``height`` are those of the full picture.
            Its memory stays taken until ``release`` is called or the frame is garbage: a caller who keeps one frame
            while decoding another may wait for itself.

        Raises:
            InvalidRequest: no bytes.
            UnsupportedMedia: not a picture in a format that is read.
            TooLarge: over one of the limits; checked from the header, before any pixel is decoded.
            CorruptMedia: broken or cut short.
            DeadlineExceeded: ``deadline`` passed while waiting for memory, or in a decoder process.
            DecoderFailed: such a process crashed or hung over the picture, or took too much memory.
            LargePicture: see ``without_large``.
        """
        min_side = None if detector_side is None else detector_side * DETECTOR_MARGIN
        return self._decode(data, min_side, deadline, check)

    def decode_within(
        self, data: bytes, *, long_side: int, deadline: float | None = None, check: Check = no_check
    ) -> Frame:
        """Decode for display: no side of the frame's pixels exceeds ``long_side``. Raises as ``decode`` does."""
        frame = self._decode(data, long_side, deadline, check)
        frame.release()
        height, width = frame.pixels.shape[:2]
        scale = long_side / max(width, height)
        if scale >= 1:
            return frame
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return Frame(pixels, frame.width, frame.height)

    def _decode(self, data: bytes, min_side: int | None, deadline: float | None, check: Check) -> Frame:
        self._limits.check_bytes(len(data))
        with (
            self._planned(data, sniff(data), min_side, deadline, check) as plan,
            self._budget(plan.memory).take(plan.memory, deadline, check) as lease,
        ):
            return _with_lease(plan.decode(), lease)

    @contextmanager
    def _planned(
        self, data: bytes, picture_format: PictureFormat, min_side: int | None, deadline: float | None, check: Check
    ) -> Iterator[Plan]:
        if self._remote is not None and picture_format in FORMATS:
            with self._remote.plan(data, picture_format, min_side, deadline, check) as plan:
                yield plan
        else:
            with only_mien_errors(picture_format):
                yield self._planner.plan(data, picture_format, min_side, check, self._memory.array)

    def _budget(self, memory: int) -> MemoryBudget:
        if memory <= self._limits.memory * _LARGE:
            return self._small
        if self._large is None:
            raise LargePicture
        return self._large


def _with_lease(frame: Frame, lease: Lease) -> Frame:
    height, width = frame.pixels.shape[:2]
    lease.keep(FRAME_BYTES_PER_PIXEL * width * height)
    return replace(frame, release=lease.release)
