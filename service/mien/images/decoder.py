"""From the bytes of a picture file to an upright frame, bounded in memory and in time."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from mien.domain import Frame
from mien.errors import TooLarge
from mien.images.formats import PictureFormat, jpeg_start, sniff
from mien.images.jpeg_scans import has_more_scans, is_stored_by_component
from mien.images.limits import FRAME_BYTES_PER_PIXEL, DecodeLimits, decode_memory, deep_tiff_memory, jpeg_memory
from mien.images.orientation import Orientation
from mien.images.partial import load
from mien.images.pillow_readers import (
    exif_orientation,
    is_run_length_bmp,
    only_mien_errors,
    open_picture,
    read_run_length_bmp,
)
from mien.images.pixel_formats import reduction_factor, to_frame
from mien.images.tiff import read_deep_tiff, read_tiff_header
from mien.memory_budget import Lease, MemoryBudget

Check = Callable[[], None]

DETECTOR_MARGIN = 3  # a face of 16 px at the detector's scale then has the 48 px that the classifier takes
_LARGE_FRACTION = 1 / 8  # of the memory that one decode may take; a large one takes more


def no_check() -> None:
    """Never cancels."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a picture will be decoded, and the ``memory`` in bytes that it will take; known from its header."""

    memory: int
    decode: Callable[[], Frame]


class LargePicture(Exception):
    """A picture is to be decoded apart from small ones; a signal to the caller, not an error of the picture."""


class PictureDecoder:
    """Decodes pictures, bounded in memory for any number of callers. Thread-safe.

    Small decodes share one memory budget of at most ``concurrency`` slots, and large ones another with half as many:
    otherwise a few pictures that each take all the memory would block everyone else's. A decoded frame counts until it
    is released. Together they take one and a half times ``DecodeLimits.memory``.
    """

    def __init__(self, limits: DecodeLimits, concurrency: int) -> None:
        self._limits = limits
        self._small = MemoryBudget(concurrency, limits.memory // 2)
        self._large: MemoryBudget | None = MemoryBudget(max(1, concurrency // 2), limits.memory)

    def without_large(self) -> "PictureDecoder":
        """A decoder with the same budgets that raises ``LargePicture`` for a large picture, before it is decoded."""
        other = copy.copy(self)
        other._large = None
        return other

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
            DeadlineExceeded: ``deadline`` passed while waiting for memory.
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
        picture_format = sniff(data)
        with only_mien_errors(picture_format):
            plan = self._plan(data, picture_format, min_side, check)
            with self._budget(plan.memory).take(plan.memory, deadline, check) as lease:
                return _with_lease(plan.decode(), lease)

    def _budget(self, memory: int) -> MemoryBudget:
        if memory <= self._limits.memory * _LARGE_FRACTION:
            return self._small
        if self._large is None:
            raise LargePicture
        return self._large

    def _plan(self, data: bytes, picture_format: PictureFormat, min_side: int | None, check: Check) -> _Plan:
        if picture_format is PictureFormat.JPEG:
            return self._plan_jpeg(data, min_side, check)
        pixels = 0
        if picture_format is PictureFormat.TIFF:
            header = read_tiff_header(data)
            self._limits.check_size(*header.size)
            self._limits.check_size(*header.tile)
            pixels = header.decoded_pixels
            if header.is_deep:
                memory = deep_tiff_memory(pixels, header.pixel_bytes)
                cause, remedy = f"of {header.pixel_bytes} bytes each", "save it with 8 bits a sample"
                self._limits.check_memory(*header.size, memory, cause=cause, remedy=remedy)
                return _Plan(memory, lambda: to_frame(read_deep_tiff(data), Orientation(), min_side, check))
        reopen = partial(open_picture, data, picture_format, check)
        image = reopen()
        self._limits.check_size(*image.size)
        memory = decode_memory(picture_format, max(pixels, math.prod(image.size)))
        if is_run_length_bmp(image):
            return _Plan(memory, lambda: to_frame(read_run_length_bmp(data), Orientation(), min_side, check))

        def decode() -> Frame:
            part = load(image, picture_format, reopen)
            orientation = exif_orientation(image)
            return part.mark(to_frame(image, orientation, min_side, check), orientation)

        return _Plan(memory, decode)

    def _plan_jpeg(self, data: bytes, min_side: int | None, check: Check) -> _Plan:
        start = jpeg_start(data)
        data = data[start:]
        image = open_picture(data, PictureFormat.JPEG, check)
        width, height = image.size
        factor = reduction_factor(width, height, min_side)
        self._limits.check_size(width, height, factor)
        self._check_scans(data, width * height, check)
        _reduce(image, factor)
        assert isinstance(image, JpegImageFile)  # noqa: S101  its reader's only kind
        keeps_coefficients = "progressive" in image.info or is_stored_by_component(data, len(image.layer), check)
        memory = jpeg_memory(width * height, math.prod(image.size), image.layer, keeps_coefficients)
        cause, remedy = "in several scans", "save it as a plain baseline JPEG"
        self._limits.check_memory(width, height, memory, cause=cause, remedy=remedy)

        def reopen() -> ImageFile:
            return _reduce(open_picture(data, PictureFormat.JPEG, check), factor)

        def decode() -> Frame:
            part = load(image, PictureFormat.JPEG, reopen, height)
            orientation = exif_orientation(image)
            frame = to_frame(image, orientation, None, check, stored_size=(width, height))
            if start:
                frame = replace(frame, warnings=(f"{start} bytes before the JPEG's start were skipped.",))
            return part.mark(frame, orientation)

        return _Plan(memory, decode)

    def _check_scans(self, data: bytes, pixels: int, check: Check) -> None:
        bound = min(self._limits.max_scans, max(1, self._limits.max_scanned_pixels // pixels))
        if has_more_scans(data, bound, check):
            raise TooLarge("max_scans", bound, f"the JPEG has more than {bound} scans; save it again as a plain JPEG")


def _with_lease(frame: Frame, lease: Lease) -> Frame:
    height, width = frame.pixels.shape[:2]
    lease.keep(FRAME_BYTES_PER_PIXEL * width * height)
    return replace(frame, release=lease.release)


def _reduce(image: ImageFile, factor: int) -> ImageFile:
    """Have an opened JPEG decoded at 1 / ``factor`` of its size."""
    width, height = image.size
    image.draft(None, (max(1, width // factor), max(1, height // factor)))
    return image
