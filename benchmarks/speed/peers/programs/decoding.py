"""OpenCV's decoder, as programs of one's own call it."""

from typing import Any

import cv2
import numpy as np


def decode(data: bytes) -> Any:
    """The picture of a JPEG file: uint8 [h, w, 3] BGR."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
