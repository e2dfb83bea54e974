"""``mien`` whose detector never returns from a picture of one certain size, and whose decoder never does from another,
as if a native call were stuck.

    python -m tests.e2e.hanging serve

Everything else is the service itself.
"""

import os
import sys
import threading
from typing import Any

import cv2
import numpy as np

from mien.cli.main import main
from mien.domain import AnalyzeOptions, Frame
from mien.images.decoder import PictureDecoder
from mien.vision.pipeline import FoundFaces, Pipeline

COMMAND = (sys.executable, "-m", "tests.e2e.hanging")
SECONDS = "HANGING_SECONDS"
"""The environment variable that ends a hang after so many seconds; without, none ends."""
_DETECT, _DECODE = 97, 98  # pixels


def stuck_picture(*, decoding: bool = False) -> bytes:
    """The picture that a worker never comes back from, or a decoder, as PNG."""
    side = _DECODE if decoding else _DETECT
    return cv2.imencode(".png", np.full((side, side, 3), 128, np.uint8))[1].tobytes()


def _hang() -> None:
    seconds = os.environ.get(SECONDS)
    threading.Event().wait(None if seconds is None else float(seconds))


def _install() -> None:
    detect, decode = Pipeline.detect, PictureDecoder.decode

    def stuck_detect(self: Pipeline, frame: Frame, options: AnalyzeOptions) -> FoundFaces:
        if frame.width == frame.height == _DETECT:
            _hang()
        return detect(self, frame, options)

    def stuck_decode(self: PictureDecoder, data: bytes, **options: Any) -> Frame:
        if data == stuck_picture(decoding=True):
            _hang()
        return decode(self, data, **options)

    Pipeline.detect = stuck_detect  # type: ignore[method-assign]
    PictureDecoder.decode = stuck_decode  # type: ignore[method-assign]


if __name__ == "__main__":
    _install()
    sys.exit(main())
