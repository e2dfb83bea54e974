"""Decoded video frame -> upright BGR pixels, reduced to the size needed."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av import VideoFrame
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import Interpolation, VideoReformatter

from mien.domain import U8Array
from mien.video.codecs import pixel_access


def _display_matrix(frame: VideoFrame) -> bytes | None:
    # PyAV 18.1 knows 28 of the types of side data that its FFmpeg attaches to a frame. With any other (the EXIF of a
    # JPEG is one) it cannot even list the frame's side data, and there is no other way to the display matrix. The enum
    # stays lenient from then on: other threads may be listing theirs.
    SideDataType._missing_ = classmethod(_unknown_type)  # type: ignore[assignment]
    for data in cast("SideDataContainer", frame.side_data):  # the stub of av.frame describes another type
        if data.type == SideDataType.DISPLAYMATRIX:
            return bytes(data)
    return None


def _unknown_type(kind: type[SideDataType], value: Any) -> SideDataType:
    member = object.__new__(kind)
    member._name_, member._value_ = f"UNKNOWN_{value}", value
    return member


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the coded picture is turned to stand upright: transposed first, then mirrored along either axis."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether left and right change places, beyond a rotation."""
        return (self.transpose + self.flip_x + self.flip_y) % 2 == 1

    @property
    def rotation(self) -> int:
        """The clockwise turn in degrees; of a mirrored picture, the turn before it is mirrored left to right."""
        if not self.transpose:
            return 180 if self.flip_y else 0
        return 270 if self.flip_y else 90

    def apply(self, pixels: U8Array) -> U8Array:
        """Turn ``[h, w, 3]`` pixels upright; the result is contiguous."""
        if self.transpose:
            pixels = pixels.transpose(1, 0, 2)
        if self.flip_x:
            pixels = pixels[:, ::-1]
        if self.flip_y:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


class OrientationReader:
    """Reads the display matrix of a stream's frames, and again only when their rotation changes.

    Side data refers back to its frame: reading it of every frame would keep each one's pixels in memory until the
    garbage collector comes by, some 70 MiB of a small clip's.
    """

    def __init__(self) -> None:
        self._rotation: int | None = None
        self._orientation = Orientation()

    def of(self, frame: VideoFrame) -> Orientation:
        """How to turn ``frame`` upright."""
        if frame.rotation != self._rotation:
            self._rotation, self._orientation = frame.rotation, orientation_of(frame)
        return self._orientation


def orientation_of(frame: VideoFrame) -> Orientation:
    """The frame's display matrix as one of the eight upright orientations (other angles go to the nearest).

    The matrix is nine int32 ``a b u / c d v / x y w`` that map coded (x, y) to shown (ax + cy, bx + dy); see
    ISO/IEC 14496-12, 6.2.2.
    """
    matrix = _display_matrix(frame)
    return Orientation() if matrix is None else _orientation_from(matrix)


def _orientation_from(matrix: bytes) -> Orientation:
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)


def upright_size(frame: VideoFrame, aspect: Fraction, orientation: Orientation) -> tuple[int, int]:
    """Width and height of the picture as shown: pixels made square, then turned."""
    width = max(1, round(frame.width * aspect))
    return (frame.height, width) if orientation.transpose else (width, frame.height)


class UprightConverter:
    """Converts decoded frames to ``uint8 [h, w, 3]`` BGR, reduced if the long side exceeds ``long_side``.

    One pass of the scaler reads the coded planes, makes pixels square, reduces by area averaging and converts the
    colours by the matrix and range that the frame names; samples of more than 8 bits are rounded to 8, without tone
    mapping. Of an interlaced frame one field is kept and its lines interpolated: moving edges stay clean at half the
    vertical resolution.
    """

    def __init__(self, long_side: int | None = None) -> None:
        self._long_side = long_side
        self._scaler = VideoReformatter()

    def convert(self, frame: VideoFrame, aspect: Fraction, orientation: Orientation) -> U8Array:
        """The frame's pixels; ``aspect`` is its sample aspect ratio.

        Raises:
            UnsupportedMedia, CorruptMedia: its pixels cannot be read.
        """
        with pixel_access(frame):
            return self._converted(frame, aspect, orientation)

    def _converted(self, frame: VideoFrame, aspect: Fraction, orientation: Orientation) -> U8Array:
        width, height = max(1, round(frame.width * aspect)), frame.height
        if self._long_side is not None and max(width, height) > self._long_side:
            scale = self._long_side / max(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        if frame.interlaced_frame:
            lines = self._scale(frame, width, frame.height)
            field = cv2.resize(lines[0::2], (width, height), interpolation=cv2.INTER_LINEAR)
            return orientation.apply(field.astype(np.uint8, copy=False))
        return orientation.apply(self._scale(frame, width, height))

    def _scale(self, frame: VideoFrame, width: int, height: int) -> U8Array:
        # One thread: the scaler's own are started anew for every frame and cost more than they save.
        scaled = self._scaler.reformat(frame, width, height, "bgr24", interpolation=Interpolation.AREA, threads=1)
        return scaled.to_ndarray().astype(np.uint8, copy=False)
