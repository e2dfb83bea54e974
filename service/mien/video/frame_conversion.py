"""Decoded video frame -> upright BGR pixels, reduced to the size needed."""

from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av import VideoFrame
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import Interpolation, VideoReformatter

from mien.domain import U8Array
from mien.images.orientation import Orientation
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


class OrientationReader:
    """Reads the orientation of a stream's frames, and again only when their rotation changes.

    Side data refers back to its frame: reading it for every frame would keep each frame's pixels in memory until the
    next garbage collection, some 70 MiB for a small clip.
    """

    def __init__(self) -> None:
        self._rotation: int | None = None
        self._orientation = Orientation()

    def of(self, frame: VideoFrame) -> Orientation:
        """The orientation in the display matrix of ``frame``; upright if it has none."""
        if frame.rotation != self._rotation:
            self._rotation, self._orientation = frame.rotation, _orientation_of(frame)
        return self._orientation


def _orientation_of(frame: VideoFrame) -> Orientation:
    matrix = _display_matrix(frame)
    return Orientation() if matrix is None else Orientation.from_display_matrix(matrix)


def square_pixel_size(frame: VideoFrame, aspect: Fraction) -> tuple[int, int]:
    """Stored width and height once pixels of ``aspect`` (width / height) are made square."""
    return max(1, round(frame.width * aspect)), frame.height


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
        width, height = square_pixel_size(frame, aspect)
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
