"""How a picture will be decoded, and what that takes: known from its header, before any pixel is decoded."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from mien.domain import Frame
from mien.errors import TooLarge
from mien.images import turbo_jpeg
from mien.images.formats import PictureFormat, jpeg_start
from mien.images.jpeg_scans import has_more_scans, is_stored_by_component
from mien.images.limits import DecodeLimits, decode_memory, deep_tiff_memory, jpeg_memory
from mien.images.orientation import Orientation
from mien.images.partial import Part, load
from mien.images.pillow_readers import exif_orientation, is_run_length_bmp, open_picture, read_run_length_bmp
from mien.images.pixel_formats import Allocate, new_pixels, reduction_factor, to_frame
from mien.images.tiff import read_deep_tiff, read_tiff_header

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a picture will be decoded, and the ``memory`` in bytes that it will take; known from its header."""

    memory: int
    decode: Callable[[], Frame]


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans decodes within ``limits``."""

    limits: DecodeLimits

    def plan(
        self,
        data: bytes,
        picture_format: PictureFormat,
        min_side: int | None,
        check: Check,
        allocate: Allocate = new_pixels,
    ) -> Plan:
        """Read the header of ``data``. Call this, and the plan's ``decode``, within ``only_mien_errors``.

        ``min_side`` in pixels is what the long side keeps at least if the picture is reduced; ``None``: it is not.
        ``check`` is called often, then and while decoding; what it raises ends either. ``allocate``
        makes the array for the pixels, given their shape.

        Raises:
            TooLarge: over one of the limits.
            UnsupportedMedia: a kind of the format that is not read.
        """
        if picture_format is PictureFormat.JPEG:
            return self._plan_jpeg(data, min_side, check, allocate)
        pixels = 0
        if picture_format is PictureFormat.TIFF:
            header = read_tiff_header(data)
            self.limits.check_size(*header.size)
            self.limits.check_size(*header.tile)
            pixels = header.decoded_pixels
            if header.is_deep:
                memory = deep_tiff_memory(pixels, header.pixel_bytes)
                cause, remedy = f"of {header.pixel_bytes} bytes each", "save it with 8 bits a sample"
                self.limits.check_memory(*header.size, memory, cause=cause, remedy=remedy)
                return Plan(
                    memory, lambda: to_frame(read_deep_tiff(data), Orientation(), min_side, check, allocate=allocate)
                )
        reopen = partial(open_picture, data, picture_format, check)
        image = reopen()
        self.limits.check_size(*image.size)
        memory = decode_memory(picture_format, max(pixels, math.prod(image.size)))
        if is_run_length_bmp(image):
            return Plan(
                memory, lambda: to_frame(read_run_length_bmp(data), Orientation(), min_side, check, allocate=allocate)
            )

        def decode() -> Frame:
            part = load(image, picture_format, reopen)
            orientation = exif_orientation(image)
            return part.mark(to_frame(image, orientation, min_side, check, allocate=allocate), orientation)

        return Plan(memory, decode)

    def _plan_jpeg(self, data: bytes, min_side: int | None, check: Check, allocate: Allocate) -> Plan:
        start = jpeg_start(data)
        data = data[start:]
        image = open_picture(data, PictureFormat.JPEG, check)
        width, height = image.size
        factor = reduction_factor(width, height, min_side)
        self.limits.check_size(width, height, factor)
        assert isinstance(image, JpegImageFile)  # noqa: S101  its reader's only kind
        keeps_coefficients = "progressive" in image.info or is_stored_by_component(data, len(image.layer), check)
        if keeps_coefficients:  # libjpeg refuses a second scan of any other
            self._check_scans(data, width * height, check)
        _reduce(image, factor)
        memory = jpeg_memory(width * height, math.prod(image.size), image.layer, keeps_coefficients)
        cause, remedy = "in several scans", "save it as a plain baseline JPEG"
        self.limits.check_memory(width, height, memory, cause=cause, remedy=remedy)

        def reopen() -> ImageFile:
            return _reduce(open_picture(data, PictureFormat.JPEG, check), factor)

        def decode() -> Frame:
            orientation, pixels = exif_orientation(image), None
            if turbo_jpeg.reads(image.mode, keeps_coefficients):
                check()
                pixels = turbo_jpeg.decode(data, image.size, allocate)
            if pixels is None:
                part = load(image, PictureFormat.JPEG, reopen, height)
                frame = to_frame(image, orientation, None, check, stored_size=(width, height), allocate=allocate)
            else:
                part = Part(0, height, height)
                frame = Frame(orientation.apply(pixels), *orientation.upright_size(width, height))
            if start:
                frame = replace(frame, warnings=(f"{start} bytes before the JPEG's start were skipped.",))
            return part.mark(frame, orientation)

        return Plan(memory, decode)

    def _check_scans(self, data: bytes, pixels: int, check: Check) -> None:
        bound = min(self.limits.max_scans, max(1, self.limits.max_scanned_pixels // pixels))
        if has_more_scans(data, bound, check):
            raise TooLarge("max_scans", bound, f"the JPEG has more than {bound} scans; save it again as a plain JPEG")


def _reduce(image: ImageFile, factor: int) -> ImageFile:
    """Have an opened JPEG decoded at 1 / ``factor`` of its size."""
    width, height = image.size
    image.draft(None, (max(1, width // factor), max(1, height // factor)))
    return image
