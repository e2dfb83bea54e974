"""From the bytes of a picture file to an upright frame, bounded in memory and in time."""

import math
from contextlib import AbstractContextManager
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from service.domain import Box, Frame
from service.errors import TooLarge
from service.media.formats import PictureFormat, jpeg_start, sniff
from service.media.jpeg_scans import has_more_scans
from service.media.limits import FRAME_BYTES_A_PIXEL, WORST_BYTES_A_PIXEL, DecodeLimits
from service.media.orientation import UPRIGHT, read_orientation, upright, upright_box, upright_size
from service.media.partial import Part, load
from service.media.reading import only_mien_errors, open_picture
from service.media.reduction import DETECTOR_MARGIN, reduction_factor
from service.media.samples import to_bgr, to_eight_bit
from service.media.tiff import read_deep_tiff, read_tiff_header
from service.media.turns import DecodeTurns, Share


class PictureDecoder:
    """Decodes pictures, at most ``concurrency`` at once. All decodes, and the frames of which nobody has said that they
    are no longer needed, together hold no more memory than one picture may, whatever the number of callers.
    Thread-safe."""

    def __init__(self, limits: DecodeLimits, concurrency: int) -> None:
        self._limits = limits
        self._turns = DecodeTurns(concurrency, limits.memory)

    def decode(self, data: bytes, *, detector_side: int | None = None, deadline: float | None = None) -> Frame:
        """Decode for analysis.

        Args:
            data: the file; animations give their first frame, multi-page files their first page.
            detector_side: the long side in pixels at which faces will be looked for. A picture more than twice
                ``DETECTOR_MARGIN`` times as large is decoded at 1/2, 1/4 or 1/8. ``None`` means full resolution.
            deadline: a ``time.monotonic()`` instant, or ``None``.

        Returns:
            An upright frame, ``uint8 [h, w, 3]`` BGR; its ``width`` and ``height`` are those of the full picture.
            Until its ``release`` is called, or nothing refers to it any more, its memory counts as taken: whoever
            holds one and waits for another decode without letting go of it may wait for itself.

        Raises:
            InvalidRequest: no bytes.
            UnsupportedMedia: not a picture that is read.
            TooLarge: over one of the limits; pixels are counted in the header, before any is decoded.
            CorruptMedia: broken or cut short.
            DeadlineExceeded: ``deadline`` passed while waiting for a turn.
        """
        return self._decode(data, None if detector_side is None else detector_side * DETECTOR_MARGIN, deadline)

    def decode_within(self, data: bytes, *, long_side: int, deadline: float | None = None) -> Frame:
        """Decode to be looked at: no side of the frame's pixels passes ``long_side``. Raises as ``decode`` does."""
        frame = self._decode(data, long_side, deadline)
        frame.release()
        height, width = frame.pixels.shape[:2]
        scale = long_side / max(width, height)
        if scale >= 1:
            return frame
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return Frame(pixels, frame.width, frame.height)

    def _decode(self, data: bytes, min_side: int | None, deadline: float | None) -> Frame:
        self._limits.check_bytes(len(data))
        picture_format = sniff(data)
        with only_mien_errors(picture_format):
            if picture_format is PictureFormat.TIFF:
                header = read_tiff_header(data)
                self._limits.check_size(*header.size)
                # A tile is decoded as a whole, and may be larger than the picture.
                self._limits.check_size(*header.tile)
                if header.is_deep:
                    with self._turn(math.prod(header.size), deadline) as share:
                        return _kept(share, _finish(read_deep_tiff(data), UPRIGHT, min_side))
            if picture_format is PictureFormat.JPEG:
                start = max(0, jpeg_start(data))
                frame = self._decode_jpeg(data[start:], min_side, deadline)
                return _after_others(frame, start) if start else frame
            image = open_picture(data, picture_format)
            self._limits.check_size(*image.size)
            with self._turn(math.prod(image.size), deadline) as share:
                part = load(image, picture_format, lambda: open_picture(data, picture_format))
                orientation = read_orientation(image)
                return _kept(share, _with_part(_finish(image, orientation, min_side), part, orientation))

    def _decode_jpeg(self, data: bytes, min_side: int | None, deadline: float | None) -> Frame:
        if has_more_scans(data, self._limits.max_scans):
            bound = self._limits.max_scans
            raise TooLarge("max_scans", bound, f"the JPEG has more than {bound} scans; save it again as a plain JPEG")
        width, height = open_picture(data, PictureFormat.JPEG).size
        self._limits.check_size(width, height)
        factor = reduction_factor(width, height, min_side)
        # Reduced while it is decoded, it needs at most the coefficients of a progressive file at full size.
        pixels = width * height if factor == 1 else width * height // 2
        with self._turn(pixels, deadline) as share:
            image = _open_jpeg(data, factor)
            part = load(image, PictureFormat.JPEG, lambda: _open_jpeg(data, factor), height)
            orientation = read_orientation(image)
            frame = _finish(image, orientation, min_side=None, stored=(width, height))
            return _kept(share, _with_part(frame, part, orientation))

    def _turn(self, pixels: int, deadline: float | None) -> AbstractContextManager[Share]:
        return self._turns.take(WORST_BYTES_A_PIXEL * pixels, deadline)


def _kept(share: Share, frame: Frame) -> Frame:
    height, width = frame.pixels.shape[:2]
    share.keep(FRAME_BYTES_A_PIXEL * width * height)
    return replace(frame, release=share.give_back)


def _open_jpeg(data: bytes, factor: int) -> ImageFile:
    """A JPEG that is going to be decoded at 1 / ``factor`` of its size."""
    image = open_picture(data, PictureFormat.JPEG)
    width, height = image.size
    image.draft(None, (max(1, width // factor), max(1, height // factor)))
    return image


def _after_others(frame: Frame, count: int) -> Frame:
    return replace(frame, warnings=(f"{count} bytes before the JPEG's start were passed over.", *frame.warnings))


def _with_part(frame: Frame, part: Part, orientation: int) -> Frame:
    """``frame`` with what could be decoded of its file."""
    if not part.missing:
        return replace(frame, warnings=part.warnings)
    stored = upright_size(frame.width, frame.height, orientation)
    scale = stored[1] / part.height
    rows = Box(0, part.first * scale, stored[0], (part.end - part.first) * scale)
    return replace(frame, readable=upright_box(rows, *stored, orientation), warnings=part.warnings)


def _finish(image: Image.Image, orientation: int, min_side: int | None, stored: tuple[int, int] | None = None) -> Frame:
    """Reduce, composite, convert and turn a loaded ``image``, whose full size is ``stored`` where it is not its own."""
    width, height = upright_size(*(stored or image.size), orientation)
    image = to_eight_bit(image)
    factor = reduction_factor(*image.size, min_side)
    if factor > 1:
        image = image.reduce(factor)
    return Frame(upright(to_bgr(image), orientation), width, height)
