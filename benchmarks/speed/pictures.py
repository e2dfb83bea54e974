"""The pictures that every program here is measured with, made from scikit-image's astronaut (public domain)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.http_latency import photograph
from benchmarks.search.scenes import Image, call, crowd
from tests.group import astronaut_head
from training.detector.data import load_photographs, read_picture

MIXED = 500


@dataclass(frozen=True)
class Picture:
    """A JPEG file and how many faces it shows."""

    name: str
    data: bytes
    faces: int


def pictures() -> list[Picture]:
    """A portrait, a group, a photograph of 12 megapixels and a video call."""
    heads, rng = [astronaut_head()], np.random.default_rng(33)
    return [
        Picture("640 x 480, 1 face", photograph(), 1),
        _made("1080p, 7 faces", crowd(heads, (1920, 1080), 180, 7, rng).picture, 7),
        _made("12 megapixels, 2 faces", crowd(heads, (4000, 3000), 700, 2, rng).picture, 2),
        _made("call of 25, 1080p", call(heads, 25, rng).picture, 25),
    ]


def many_faces(count: int) -> Picture:
    """A 1080p picture of ``count`` faces."""
    heads, rng = [astronaut_head()], np.random.default_rng(count)
    return _made(f"{count} faces", crowd(heads, (1920, 1080), 60, count, rng).picture, count)


def mixed(data: Path) -> Iterator[bytes]:
    """``MIXED`` held-out photographs as JPEG files; none if they are not here."""
    if (data / "faces").exists():
        held_out = [photograph for photograph in load_photographs(data) if photograph.held_out]
        for one in held_out[:: max(1, len(held_out) // MIXED)][:MIXED]:
            yield _jpeg(read_picture(data, one))


def _made(name: str, picture: Image, faces: int) -> Picture:
    return Picture(name, _jpeg(picture), faces)


def _jpeg(picture: Image) -> bytes:
    return cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()
