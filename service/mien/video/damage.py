"""What libav, its scaler and OpenCV raise over a bad clip, as Mien's own errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import av.error
import cv2
from av import VideoFrame

from mien.errors import CorruptMedia, UnsupportedMedia
from mien.video.codecs import is_convertible

# PyAV raises the scaler's as bare OSError, and IndexError, RuntimeError and ValueError over planes that it does not
# find.
BAD_MEDIA = (av.error.FFmpegError, cv2.error, OSError, ValueError, IndexError, RuntimeError)


@contextmanager
def readable(frame: VideoFrame) -> Iterator[None]:
    """Read the pixels of ``frame`` within this.

    Raises:
        UnsupportedMedia: its pixel format is none that is converted.
        CorruptMedia: they cannot be read.
    """
    name = frame.format.name
    if not is_convertible(name):
        raise UnsupportedMedia(f"The clip's pictures are in the pixel format {name}, which is not read; send yuv420p.")
    try:
        yield
    except BAD_MEDIA as error:
        message = f"A picture of the clip ({frame.width} x {frame.height}, {name}) cannot be converted; re-encode it."
        raise CorruptMedia(message) from error
