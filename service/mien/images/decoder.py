"""From the bytes of a picture file to an upright frame, bounded in memory and in time."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from mien.domain import Frame
from mien.errors import TooLarge
from mien.images.bmp import is_run_length_encoded, read_run_lengths
from mien.images.checked_file import no_check
from mien.images.cost import FRAME_BYTES_PER_PIXEL, decode_cost, deep_tiff_cost, jpeg_cost
from mien.images.finish import after_others, finish, with_part
from mien.images.formats import PictureFormat, jpeg_start, sniff
from mien.images.jpeg_scans import has_more_scans, is_stored_by_component
from mien.images.limits import DecodeLimits
from mien.images.orientation import UPRIGHT, read_orientation
from mien.images.partial import load
from mien.images.pillow_readers import only_mien_errors, open_picture
from mien.images.reduction import DETECTOR_MARGIN, reduction_factor
from mien.images.tiff import read_deep_tiff, read_tiff_header
from mien.memory_budget import Lease, MemoryBudget

Check = Callable[[], None]

_SMALL_SHARE = 8  # the part of what one decode may take up to which it is a small one


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of a decode from the header: the bytes that it ``cost``s, and how it is done."""

    cost: int
    decode: Callable[[], Frame]


class LargePicture(Exception):
    """A picture is to be decoded apart from small ones; a sign to the caller, and no error of the picture's."""


class PictureDecoder:
    """Decodes pictures, bounded in memory whatever the number of callers. Thread-safe.

    Small decodes share one budget, at most ``concurrency`` at once, and large ones another, half as many: a few
    pictures that each take all the memory there is would otherwise hold up everybody else's. What is decoded counts
    until its frame is released. Together they take one and a half times ``DecodeLimits.memory``.
    """

    def __init__(self, limits: DecodeLimits, concurrency: int) -> None:
        self._limits = limits
        self._small = MemoryBudget(concurrency, limits.memory // 2)
        self._large: MemoryBudget | None = MemoryBudget(max(1, concurrency // 2), limits.memory)

    def without_large(self) -> "PictureDecoder":
        """One with the same budgets that raises ``LargePicture`` over a large picture, before it is decoded."""
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
            detector_side: the long side in pixels at which faces will be looked for. A picture more than twice
                ``DETECTOR_MARGIN`` times as large is decoded at 1/2, 1/4 or 1/8. ``None`` means full resolution.
            deadline: a ``time.monotonic()`` instant, or ``None``.
            check: called between blocks of the file and strips of the picture; what it raises ends the decode.

        Returns:
            An upright frame, ``uint8 [h, w, 3]`` BGR; its ``width`` and ``height`` are those of the full picture.
            Until its ``release`` is called, or nothing refers to it any more, its memory counts as taken: a caller who
            holds one and waits for another decode without letting go of it may wait for itself.

        Raises:
            InvalidRequest: no bytes.
            UnsupportedMedia: not a picture that is read.
            TooLarge: over one of the limits; pixels are counted in the header, before any is decoded.
            CorruptMedia: broken or cut short.
            DeadlineExceeded: ``deadline`` passed while waiting for memory.
            LargePicture: see ``without_large``.
        """
        side = None if detector_side is None else detector_side * DETECTOR_MARGIN
        return self._decode(data, side, deadline, check)

    def decode_within(
        self, data: bytes, *, long_side: int, deadline: float | None = None, check: Check = no_check
    ) -> Frame:
        """Decode to be looked at: no side of the frame's pixels passes ``long_side``. Raises as ``decode`` does."""
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
            if picture_format is PictureFormat.JPEG:
                plan = self._plan_jpeg(data, min_side, check)
            else:
                plan = self._plan(data, picture_format, min_side, check)
            with self._lane(plan.cost).take(plan.cost, deadline, check) as lease:
                return _kept(lease, plan.decode())

    def _lane(self, cost: int) -> MemoryBudget:
        if cost * _SMALL_SHARE <= self._limits.memory:
            return self._small
        if self._large is None:
            raise LargePicture
        return self._large

    def _plan(self, data: bytes, picture_format: PictureFormat, min_side: int | None, check: Check) -> _Plan:
        pixels = 0
        if picture_format is PictureFormat.TIFF:
            header = read_tiff_header(data)
            self._limits.check_size(*header.size)
            self._limits.check_size(*header.tile)
            pixels = header.decoded_pixels
            if header.is_deep:
                cost = deep_tiff_cost(pixels, header.pixel_bytes)
                kind = f"of {header.pixel_bytes} bytes each"
                self._limits.check_cost(*header.size, cost, kind=kind, mend="save it with 8 bits a sample")
                return _Plan(cost, lambda: finish(read_deep_tiff(data), UPRIGHT, min_side, check))
        image = open_picture(data, picture_format, check)
        self._limits.check_size(*image.size)
        cost = decode_cost(picture_format, max(pixels, math.prod(image.size)))
        if isinstance(image, BmpImageFile) and is_run_length_encoded(image):
            return _Plan(cost, lambda: finish(read_run_lengths(data), UPRIGHT, min_side, check))

        def decode() -> Frame:
            part = load(image, picture_format, lambda: open_picture(data, picture_format, check))
            orientation = read_orientation(image)
            return with_part(finish(image, orientation, min_side, check), part, orientation)

        return _Plan(cost, decode)

    def _plan_jpeg(self, data: bytes, min_side: int | None, check: Check) -> _Plan:
        start = max(0, jpeg_start(data))
        if start:
            data = data[start:]
        image = open_picture(data, PictureFormat.JPEG, check)
        width, height = image.size
        factor = reduction_factor(width, height, min_side)
        self._limits.check_size(width, height, factor)
        self._check_scans(data, width * height, check)
        _reduce(image, factor)
        assert isinstance(image, JpegImageFile)  # noqa: S101  its reader's only kind
        is_kept = "progressive" in image.info or is_stored_by_component(data, len(image.layer), check)
        cost = jpeg_cost(width * height, math.prod(image.size), image.layer, is_kept)
        self._limits.check_cost(width, height, cost, kind="in several scans", mend="save it as a plain baseline JPEG")

        def reopen() -> ImageFile:
            again = open_picture(data, PictureFormat.JPEG, check)
            _reduce(again, factor)
            return again

        def decode() -> Frame:
            part = load(image, PictureFormat.JPEG, reopen, height)
            orientation = read_orientation(image)
            frame = finish(image, orientation, None, check, stored=(width, height))
            return with_part(after_others(frame, start), part, orientation)

        return _Plan(cost, decode)

    def _check_scans(self, data: bytes, pixels: int, check: Check) -> None:
        bound = min(self._limits.max_scans, max(1, self._limits.max_scanned_pixels // pixels))
        if has_more_scans(data, bound, check):
            raise TooLarge("max_scans", bound, f"the JPEG has more than {bound} scans; save it again as a plain JPEG")


def _kept(lease: Lease, frame: Frame) -> Frame:
    height, width = frame.pixels.shape[:2]
    lease.keep(FRAME_BYTES_PER_PIXEL * width * height)
    return replace(frame, release=lease.release)


def _reduce(image: ImageFile, factor: int) -> None:
    """Have an opened JPEG decoded at 1 / ``factor`` of its size."""
    width, height = image.size
    image.draft(None, (max(1, width // factor), max(1, height // factor)))
