"""Clips that say that their pictures are small, and then bring large ones."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.errors import TooLarge
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import wrap_pictures

LIMITS = ClipLimits(max_pixels=1_000_000)

OPEN = """
import re
import sys
from pathlib import Path

from mien.errors import TooLarge
from mien.video.model import ClipLimits, Sampling
from mien.video.clip import Clip

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))

before = peak()
try:
    with Clip(Path(sys.argv[1]), Sampling(None), ClipLimits()) as clip:
        list(clip.frames())
except TooLarge as error:
    print(error.limit, (peak() - before) // 1024)
"""


def encoded(codec: str, pix_fmt: str, side: int, options: dict[str, str]) -> list[bytes]:
    """Three pictures, in the elementary stream of ``codec``."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width = encoder.height = side
    encoder.pix_fmt, encoder.time_base, encoder.framerate = pix_fmt, Fraction(1, 10), Fraction(10)
    encoder.options = options
    packets = []
    for at in range(3):
        frame = av.VideoFrame.from_ndarray(np.full((side, side, 3), 40 * at, np.uint8), "bgr24")
        frame = frame.reformat(format=pix_fmt)
        frame.pts = at
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "form", "options"),
    [
        ("mjpeg", "yuvj420p", "avi", {}),
        ("libvpx-vp9", "yuv420p", "webm", {}),
        ("libx264", "yuv420p", "avi", {"preset": "ultrafast", "tune": "zerolatency"}),
        ("libsvtav1", "yuv420p", "mkv", {"preset": "12"}),
    ],
)
def test_the_decoder_refuses_pictures_that_grow_too_large(
    tmp_path: Path, codec: str, pix_fmt: str, form: str, options: dict[str, str]
) -> None:
    # So many small ones that opening the file, which looks ahead, does not come to the large ones.
    pictures = encoded(codec, pix_fmt, 64, options) * 40 + encoded(codec, pix_fmt, 2304, options)
    path = wrap_pictures(tmp_path / f"clip.{form}", codec, pix_fmt, pictures)
    with Clip(path, Sampling(None), LIMITS) as clip, pytest.raises(TooLarge, match="pixels per frame") as caught:
        list(clip.frames())
    assert caught.value.limit == "max_pixels"
    assert isinstance(caught.value.__context__, av.error.FFmpegError)  # it was not decoded first


def jpeg(side: int) -> bytes:
    """A black picture that says that it is ``side`` x ``side``."""
    small = cv2.imencode(".jpg", np.zeros((64, 64), np.uint8))[1].tobytes()
    at = small.index(b"\xff\xc0") + 5
    # libav believes no size of which there are too few bytes.
    return small[:at] + side.to_bytes(2, "big") * 2 + small[at + 4 :] + bytes(side**2 // 256)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read on Linux only")
@pytest.mark.parametrize("small", [5, 0])
def test_no_memory_is_taken_for_a_picture_that_is_too_large(tmp_path: Path, small: int) -> None:
    path = wrap_pictures(tmp_path / "clip.mov", "mjpeg", "yuvj420p", [jpeg(64)] * small + [jpeg(16_000)] * 3)
    done = subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True)
    limit, grown = done.stdout.split()
    assert limit == "max_pixels"
    assert int(grown) < 100, f"{grown} MiB"
