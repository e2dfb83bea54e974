"""Pictures whose files break off or are damaged on the way: as much of them as was decoded, and which rows that is."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from mien.errors import CorruptMedia
from mien.images.formats import PictureFormat
from mien.images.read_errors import READ_ERRORS

_END_OF_IMAGE = b"\xff\xd9"
# Their readers decode row by row into an image that is there beforehand. The others decode all or nothing.
_BY_ROWS = frozenset({PictureFormat.JPEG, PictureFormat.PNG, PictureFormat.GIF, PictureFormat.BMP})
_STRIP_ROWS = 256
_INTERLACE = 8  # rows from one to the next of the first pass of an interlaced picture
_GREY, _GREY_ERROR = 128, 1  # what libjpeg makes of coefficients that never came; colour conversion rounds it


@dataclass(frozen=True, slots=True)
class Part:
    """What was decoded: rows ``first`` up to (not with) ``end`` of ``height``, from the top as the file stores them.

    ``missing`` is the share of all rows that were not, 0 to 1: some may be missing in between as well. ``warnings`` are
    sentences for the caller; none where the file is whole.
    """

    first: int
    end: int
    height: int
    missing: float = 0.0
    warnings: tuple[str, ...] = ()


class EndedJpeg(JpegImageFile):
    """A JPEG that is decoded to the end of its file, whether or not there is an end marker.

    ``ended_early``: there was none, and every pixel whose data never came is grey.
    """

    ended_early = False

    def load_read(self, read_bytes: int) -> bytes:
        """Overrides Pillow's, which does this only where a setting of the whole process asks for it."""
        assert self.fp is not None  # noqa: S101  open until it is loaded
        data = self.fp.read(read_bytes)
        if data or self.ended_early:
            return data
        self.ended_early = True
        return _END_OF_IMAGE


def load(
    image: ImageFile, picture_format: PictureFormat, reopen: Callable[[], ImageFile], stored_height: int | None = None
) -> Part:
    """Decode ``image`` in place, as far as its file goes.

    Args:
        image: opened, not yet decoded.
        picture_format: its format.
        reopen: opens the same file anew, with the same reduction.
        stored_height: rows of the picture in the file, where it is decoded at a reduced size.

    Returns:
        The rows that were decoded, and what to say of those that were not.

    Raises:
        CorruptMedia: not a row could be decoded.
        READ_ERRORS: what the reader raises, of formats that are decoded all or nothing.
    """
    stored_height = image.height if stored_height is None else stored_height
    try:
        image.load()
    except READ_ERRORS:
        if picture_format not in _BY_ROWS:
            raise
        return _described(_decoded_twice(image, reopen()), picture_format)
    if isinstance(image, EndedJpeg) and image.ended_early:
        part = _not_grey(image, stored_height)
        return _described(part, picture_format) if part.missing else replace(part, warnings=(_no_end(image),))
    return Part(0, image.height, image.height)


def _decoded_twice(first: ImageFile, second: ImageFile) -> Part:
    """The rows of ``first``, whose decoding failed, that come out alike over two different backgrounds."""
    second.load_prepare = _filled(second)  # type: ignore[method-assign]
    with suppress(*READ_ERRORS):  # it fails as the first did
        second.load()
    for image in (first, second):
        image.tile = []  # nothing is left to decode: what is there is the picture
    decoded = np.concatenate([_alike(first, second, top) for top in range(0, first.height, _STRIP_ROWS)])
    return replace(_run_at_an_end(_interlaced(first, decoded)), missing=1 - float(decoded.mean()))


def _alike(first: ImageFile, second: ImageFile, top: int) -> NDArray[np.bool_]:
    """Which rows of a strip from ``top`` on are the same in both; a strip, since the arrays are copies."""
    strip = (0, top, first.width, min(top + _STRIP_ROWS, first.height))
    same = np.asarray(first.crop(strip)) == np.asarray(second.crop(strip))
    return np.asarray(same.reshape(len(same), -1).all(axis=1), dtype=np.bool_)


def _interlaced(image: ImageFile, decoded: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fills the rows between those of an interlaced picture from the row above, as browsers do; the rows then there."""
    there = decoded.copy()
    at = np.flatnonzero(decoded)
    for above, below in zip(at[:-1].tolist(), at[1:].tolist(), strict=True):
        if 1 < below - above <= _INTERLACE:
            row = image.crop((0, above, image.width, above + 1))
            for between in range(above + 1, below):
                image.paste(row, (0, between))
            there[above + 1 : below] = True
    return there


def _filled(image: ImageFile) -> Callable[[], None]:
    """The image's own preparation, over white in place of black."""
    prepare = image.load_prepare

    def prepare_white() -> None:
        prepare()
        bands = len(image.getbands())
        image.im.paste(255 if bands == 1 else (255,) * bands, (0, 0, *image.size))

    return prepare_white


def _not_grey(image: JpegImageFile, stored_height: int) -> Part:
    """The rows of blocks that came whole: grey ones at the end never came, and one that ends in grey came in part."""
    pixels = np.asarray(image)
    samples = pixels.reshape(len(pixels), -1)
    edge = pixels[:, -1:].reshape(len(pixels), -1)
    height = image.height
    # One component by itself comes block by block, whatever its sampling; a reduced decode makes the blocks smaller.
    rows = 8 if len(image.layer) == 1 else 8 * max(layer[2] for layer in image.layer)
    block = max(1, round(rows * height / stored_height))
    grey = _is_grey(samples)
    end = -(-int(np.flatnonzero(~grey).max(initial=-1)) // block) * block
    # Its lower half: colours are interpolated from the blocks above.
    ends_in_grey = _is_grey(edge[end - (block + 1) // 2 : end]).all()
    if ends_in_grey and (end <= block or not _is_grey(edge[: end - block]).all()):
        end -= block
    if end <= 0:
        raise _no_row()
    end = min(end, height)
    return Part(0, end, height, missing=1 - end / height)


def _is_grey(rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Of each of the ``rows`` ``[n, m]`` whether all of its samples are what libjpeg makes of nothing."""
    # Bounds, and no differences: those would be a second copy of the picture.
    grey = (rows.min(axis=1) >= _GREY - _GREY_ERROR) & (rows.max(axis=1) <= _GREY + _GREY_ERROR)
    return np.asarray(grey, dtype=np.bool_)


def _run_at_an_end(decoded: NDArray[np.bool_]) -> Part:
    """The decoded rows from the top on; of a file that stores the bottom first, from the bottom on."""
    height = len(decoded)
    if not decoded[0] and not decoded[-1]:
        raise _no_row()
    run = decoded if decoded[0] else decoded[::-1]
    length = height if run.all() else int(np.argmin(run))
    return Part(0, length, height) if decoded[0] else Part(height - length, height, height)


def _no_row() -> CorruptMedia:
    return CorruptMedia("the file breaks off before the first row of its picture; send the whole file")


def _described(part: Part, picture_format: PictureFormat) -> Part:
    share = 100 * part.missing
    shown = "Less than 0.1" if share < 0.1 else f"{share:.1f}" if share < 10 else f"{share:.0f}"
    sentence = (
        f"{shown} % of the picture's rows are missing: the {picture_format} file breaks off or is damaged. Nothing is "
        "reported from the missing part; send the whole file."
    )
    return replace(part, warnings=(sentence,))


def _no_end(image: EndedJpeg) -> str:
    if image.info.get("progressive"):
        return "The JPEG file breaks off: 0 % of its rows are missing, but its last, finest details may be."
    return "The JPEG file has no end marker; 0 % of its rows are missing."
