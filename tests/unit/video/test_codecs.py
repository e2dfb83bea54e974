from pathlib import Path

import av
import pytest

from mien.errors import UnsupportedMedia
from mien.video.clip import Clip
from mien.video.codecs import is_convertible
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip
from tests.unit.video.helpers import run

EVERY_FORMAT = """
import os
from fractions import Fraction

import av
import numpy as np

from mien.errors import CorruptMedia, UnsupportedMedia
from mien.video.codecs import is_convertible
from mien.video.shot_boundaries import ShotBoundaryDetector
from mien.images.orientation import Orientation
from mien.video.frame_conversion import UprightConverter

noise = np.random.default_rng(1).integers(0, 256, 1 << 16, np.uint8)
read = 0
for name in sorted(av.video.format.names):
    for height in (1, 2, 17):
        for width in (1, 33):
            try:
                frame = av.VideoFrame(width, height, name)
                for plane in frame.planes:
                    plane.update(noise[: plane.buffer_size].tobytes())
            except (ValueError, av.error.FFmpegError):
                assert not is_convertible(name), name  # in GPU memory
                continue
            try:
                shots = ShotBoundaryDetector()
                assert shots.scene_of(frame) == shots.scene_of(frame) == 0
                for aspect in (Fraction(1), Fraction(4, 3)):
                    for long_side in (None, 8):
                        pixels = UprightConverter(long_side).convert(frame, aspect, Orientation())
                        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
            except (CorruptMedia, UnsupportedMedia):
                assert not is_convertible(name), name
            else:
                read += 1
print(read)
"""


def test_no_pixel_format_of_any_height_aborts_the_process() -> None:
    read = int(run(EVERY_FORMAT))
    assert read == 6 * sum(map(is_convertible, av.video.format.names)) > 600


@pytest.mark.parametrize("name", ["bayer_bggr8", "yaf32le", "rgb4", "gray32le", "v30xbe", "vaapi", "gbrpf32le", ""])
def test_inconvertible_pixel_formats_are_not_listed(name: str) -> None:
    assert not is_convertible(name)


def test_an_unlisted_codec_is_named_in_the_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mov", steps(5), moving(5), Recipe(codec="png", pix_fmt="rgb24"))
    with pytest.raises(UnsupportedMedia, match="codec png"):
        Clip(path, Sampling(None), ClipLimits())


def test_an_unlisted_pixel_format_is_named_in_the_error(tmp_path: Path) -> None:
    """A Bayer pattern of one line, on which the scaler aborts."""

    def element(name: str, body: bytes) -> bytes:
        return bytes.fromhex(name) + (1 << 14 | len(body)).to_bytes(2, "big") + body

    video = element("B0", b"\1") + element("BA", b"\1") + element("2EB524", b"\xbaBG\x08")
    track = element("D7", b"\1") + element("83", b"\1") + element("86", b"V_UNCOMPRESSED") + element("E0", video)
    cluster = element("E7", b"\0") + element("A3", b"\x81\0\0\x80\0")
    head = element("1A45DFA3", element("4282", b"matroska"))
    path = tmp_path / "clip.mkv"
    path.write_bytes(
        head + element("18538067", element("1654AE6B", element("AE", track)) + element("1F43B675", cluster))
    )
    with Clip(path, Sampling(None), ClipLimits()) as clip, pytest.raises(UnsupportedMedia, match="bayer_bggr8"):
        list(clip.frames())
