"""From a decoded picture to the frame that is analysed: reduced, composited, converted and turned upright."""

from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from mien.domain import Box, Frame
from mien.images.orientation import upright, upright_box, upright_size
from mien.images.partial import Part
from mien.images.pixel_formats import to_bgr, to_eight_bit
from mien.images.reduction import reduction_factor


def after_others(frame: Frame, count: int) -> Frame:
    """``frame`` of a file with ``count`` bytes before its picture."""
    if not count:
        return frame
    return replace(frame, warnings=(f"{count} bytes before the JPEG's start were passed over.",))


def with_part(frame: Frame, part: Part, orientation: int) -> Frame:
    """``frame`` with what could be decoded of its file."""
    warnings = (*frame.warnings, *part.warnings)
    if not part.missing:
        return replace(frame, warnings=warnings)
    stored = upright_size(frame.width, frame.height, orientation)
    scale = stored[1] / part.height
    rows = Box(0, part.first * scale, stored[0], (part.end - part.first) * scale)
    return replace(frame, readable=upright_box(rows, *stored, orientation), warnings=warnings)


def finish(
    image: Image.Image,
    orientation: int,
    min_side: int | None,
    check: Callable[[], None],
    stored: tuple[int, int] | None = None,
) -> Frame:
    """Reduce, composite, convert and turn a loaded ``image``, whose full size is ``stored`` where it is not its own."""
    width, height = upright_size(*(stored or image.size), orientation)
    check()
    image = to_eight_bit(image)
    factor = reduction_factor(*image.size, min_side)
    if factor > 1:
        image = image.reduce(factor)
    return Frame(upright(to_bgr(image, check), orientation), width, height)
