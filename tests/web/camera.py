"""What the fake camera of the tests' browser shows."""

from pathlib import Path

import cv2

from tests.clips import moving


def write_camera(path: Path) -> Path:
    """Two seconds in which a red patch moves, as Motion JPEG, which Chromium repeats."""
    with path.open("wb") as file:
        for pixels in moving(50, 640, 480, 160):
            file.write(cv2.imencode(".jpg", pixels)[1].tobytes())
    return path
