"""Files that break off or are damaged: as much of the picture as can be decoded, and which rows those are."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from mien.domain import Box, Frame
from mien.errors import CorruptMedia
from mien.images.formats import PictureFormat
from mien.images.orientation import Orientation
from mien.images.pillow_readers import READ_ERRORS, EndedJpeg

# Their readers decode row by row into an image that exists beforehand. The others decode all or nothing.
_BY_ROWS = frozenset({PictureFormat.JPEG, PictureFormat.PNG, PictureFormat.GIF, PictureFormat.BMP})
_STRIP_ROWS = 256
_INTERLACE = 8  # rows between those of the first pass of an interlaced picture
_GREY, _GREY_ERROR = 128, 1  # what libjpeg makes of missing coefficients, and the rounding of colour conversion


@dataclass(frozen=True, slots=True)
class Part:
    """The decoded rows: ``first`` up to (excluding) ``end`` of ``height``, from the top as the file stores them.

    ``missing`` is the share of all rows that were not decoded, 0 to 1: some may be missing in between as well.
    ``warnings`` are sentences for the caller; none if the file is whole.
    """

    first: int
    end: int
    height: int
    missing: float = 0.0
    warnings: tuple[str, ...] = ()

    def mark(self, frame: Frame, orientation: Orientation) -> Frame:
        """``frame``, which was rotated by ``orientation``, with its readable part and the warnings."""
        frame = replace(frame, warnings=(*frame.warnings, *self.warnings))
        if not self.missing:
            return frame
        width, height = orientation.upright_size(frame.width, frame.height)  # as stored
        scale = height / self.height
        rows = Box(0, self.first * scale, width, (self.end - self.first) * scale)
        return replace(frame, readable=orientation.upright_box(rows, width, height))


def load(
    image: ImageFile, picture_format: PictureFormat, reopen: Callable[[], ImageFile], stored_height: int | None = None
) -> Part:
    """Decode an opened ``image`` in place, as far as its file goes.

    ``reopen`` opens the same file again, with the same reduction; ``stored_height`` is the number of rows in the file,
    if it is decoded at a reduced size.

    Raises:
        CorruptMedia: no row could be decoded.
        READ_ERRORS: what the reader raises, for formats that are decoded all or nothing.
    """
    try:
        image.load()
    except READ_ERRORS:
        if picture_format not in _BY_ROWS:
            raise
        part = _rows_decoded_alike(image, reopen())
    else:
        if not (isinstance(image, EndedJpeg) and image.ended_early):
            return Part(0, image.height, image.height)
        part = _rows_above_grey(image, stored_height or image.height)
        if not part.missing:
            return replace(part, warnings=(_no_end_marker(image),))
    return replace(part, warnings=(_rows_missing(100 * part.missing, picture_format),))


def _rows_decoded_alike(first: ImageFile, second: ImageFile) -> Part:
    """The rows of ``first``, whose decoding failed, that are the same when decoded over another background."""
    prepare = second.load_prepare

    def prepare_white() -> None:
        prepare()
        bands = len(second.getbands())
        second.im.paste(255 if bands == 1 else (255,) * bands, (0, 0, *second.size))

    second.load_prepare = prepare_white  # type: ignore[method-assign]
    try:
        with suppress(*READ_ERRORS):  # it fails as the first did
            second.load()
    finally:
        # Else the picture refers to itself, and its pixels stay until Python looks for such garbage.
        del second.load_prepare
    for image in (first, second):
        image.tile = []  # nothing more to decode
    decoded = np.concatenate([_equal_rows(first, second, top) for top in range(0, first.height, _STRIP_ROWS)])
    missing = 1 - float(decoded.mean())
    _fill_interlaced(first, decoded)
    height = len(decoded)
    if not decoded[0] and not decoded[-1]:
        raise _no_row()
    # A file that stores the bottom row first has its rows at the bottom.
    run = decoded if decoded[0] else decoded[::-1]
    length = height if run.all() else int(np.argmin(run))
    return Part(0, length, height, missing) if decoded[0] else Part(height - length, height, height, missing)


def _equal_rows(first: ImageFile, second: ImageFile, top: int) -> NDArray[np.bool_]:
    """Which rows of the strip at ``top`` are the same in both; a strip, because the arrays are copies."""
    strip = (0, top, first.width, min(top + _STRIP_ROWS, first.height))
    same = np.asarray(first.crop(strip)) == np.asarray(second.crop(strip))
    return np.asarray(same.reshape(len(same), -1).all(axis=1), dtype=np.bool_)


def _fill_interlaced(image: ImageFile, decoded: NDArray[np.bool_]) -> None:
    """Fill the rows between those of an interlaced picture from the row above, as browsers do, and mark them."""
    at = np.flatnonzero(decoded)
    for above, below in zip(at[:-1].tolist(), at[1:].tolist(), strict=True):
        if 1 < below - above <= _INTERLACE:
            row = image.crop((0, above, image.width, above + 1))
            for between in range(above + 1, below):
                image.paste(row, (0, between))
            decoded[above + 1 : below] = True


def _rows_above_grey(image: JpegImageFile, stored_height: int) -> Part:
    """The rows of complete blocks: all grey rows at the end are missing, and a row that ends in grey is incomplete."""
    pixels, height = np.asarray(image), image.height
    edge = pixels[:, -1:].reshape(height, -1)
    # One component by itself comes block by block, whatever its sampling; a reduced decode makes the blocks smaller.
    rows = 8 if len(image.layer) == 1 else 8 * max(layer[2] for layer in image.layer)
    block = max(1, round(rows * height / stored_height))
    grey = _is_grey(pixels.reshape(height, -1))
    end = -(-int(np.flatnonzero(~grey).max(initial=-1)) // block) * block
    # The lower half of the block: colours are interpolated from the blocks above.
    ends_in_grey = _is_grey(edge[end - (block + 1) // 2 : end]).all()
    if ends_in_grey and (end <= block or not _is_grey(edge[: end - block]).all()):
        end -= block
    if end <= 0:
        raise _no_row()
    end = min(end, height)
    return Part(0, end, height, missing=1 - end / height)


def _is_grey(samples: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For each row of ``samples`` ``[h, n]``, whether all of it is what libjpeg makes of missing data."""
    # Bounds instead of differences, which would be a second copy of the picture.
    grey = (samples.min(axis=1) >= _GREY - _GREY_ERROR) & (samples.max(axis=1) <= _GREY + _GREY_ERROR)
    return np.asarray(grey, dtype=np.bool_)


def _no_row() -> CorruptMedia:
    return CorruptMedia("the file breaks off before the first row of its picture; send the whole file")


def _rows_missing(percent: float, picture_format: PictureFormat) -> str:
    shown = "Less than 0.1" if percent < 0.1 else f"{percent:.1f}" if percent < 10 else f"{percent:.0f}"
    return (
        f"{shown} % of the picture's rows are missing: the {picture_format} file breaks off or is damaged. Nothing is "
        "reported from the missing part; send the whole file."
    )


def _no_end_marker(image: EndedJpeg) -> str:
    if image.info.get("progressive"):
        return "The JPEG file breaks off: 0 % of its rows are missing, but its last, finest details may be."
    return "The JPEG file has no end marker; 0 % of its rows are missing."
