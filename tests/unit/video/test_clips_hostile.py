"""Clips that stopped the whole process, in a process of their own."""

import random
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import Cancelled, TooLarge, UnsupportedMedia
from mien.video.clip import Clip
from mien.video.codecs import is_convertible
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, wrap_pictures, write_clip

EVERY_FORMAT = """
import os
from fractions import Fraction

import av
import numpy as np

from mien.errors import CorruptMedia, UnsupportedMedia
from mien.video.codecs import is_convertible
from mien.video.shot_boundaries import ShotBoundaryDetector
from mien.video.frame_conversion import Orientation, UprightConverter

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
                assert not is_convertible(name), name  # it lies in a graphics card
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

OFTEN = """
import sys
from pathlib import Path

from mien.errors import CorruptMedia
from mien.video.model import ClipLimits, Sampling
from mien.video.clip import Clip

read = 0
for _ in range(1000):
    try:
        with Clip(Path(sys.argv[1]), Sampling(None), ClipLimits(), threads=3) as clip:
            list(clip.frames())
    except CorruptMedia:
        pass
    read += 1
print(read)
"""


def run(code: str, *arguments: str) -> str:
    """What ``code`` prints as a program of its own, which has a minute and must end by itself."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_no_pixel_format_at_any_height_stops_the_process() -> None:
    read = int(run(EVERY_FORMAT))
    assert read == 6 * sum(map(is_convertible, av.video.format.names)) > 600


@pytest.mark.parametrize("name", ["bayer_bggr8", "yaf32le", "rgb4", "gray32le", "v30xbe", "vaapi", "gbrpf32le", ""])
def test_what_cannot_be_converted_is_not_listed(name: str) -> None:
    assert not is_convertible(name)


# What the parts of a stream begin with: parameter sets, key pictures and others.
STARTS = {
    b"HEVC": (b"\x40\x01", b"\x42\x01", b"\x44\x01", b"\x26\x01", b"\x02\x01"),
    b"H264": (b"\x67", b"\x68", b"\x65", b"\x41"),
}


def rubbish(path: Path, codec: bytes) -> Path:
    """An AVI whose pictures are random bytes behind the start codes of ``codec``."""
    chance = random.Random(5)
    pictures = [
        b"".join(b"\0\0\0\1" + start + chance.randbytes(chance.randint(10, 40)) for start in STARTS[codec])
        for _ in range(4)
    ]
    # Long ones without any start code: a thread is still searching them when the clip is closed.
    pictures += [b"\1" * 60_000] * 2
    wrap_pictures(path, "h264", "yuv420p", pictures)
    path.write_bytes(path.read_bytes().replace(b"H264", codec))
    return path


@pytest.mark.parametrize("codec", [b"HEVC", b"H264"])
def test_no_thread_of_libav_waits_for_the_interpreter(tmp_path: Path, codec: bytes) -> None:
    """Where one did, it and the caller waited for each other, within some ten clips."""
    assert run(OFTEN, str(rubbish(tmp_path / "clip.avi", codec))) == "1000"


def raw(path: Path, width: int = 64, height: int = 48) -> Path:
    """An uncompressed AVI, blue above red, whose lines are written from the bottom up as Windows writes them."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2], picture[height // 2 :] = (255, 0, 0), (0, 0, 255)
    with av.open(str(path), "w", format="avi") as file:
        stream = file.add_stream("rawvideo", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr24"
        for at in range(5):
            packet = av.Packet(picture[::-1].tobytes())
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = at
            packet.is_keyframe = True
            file.mux(packet)
    content = path.read_bytes()
    downwards, upwards = (struct.pack("<ii", width, lines) for lines in (-height, height))
    assert content.count(downwards) == 1
    path.write_bytes(content.replace(downwards, upwards))
    return path


def test_a_bottom_up_picture_is_read_the_right_way_up(tmp_path: Path) -> None:
    with Clip(raw(tmp_path / "clip.avi"), Sampling(None), ClipLimits()) as clip:
        frames = list(clip.frames())
    assert len(frames) == 5
    assert {frame.scene for frame in frames} == {0}
    assert np.array_equal(frames[0].pixels[10, 10], (255, 0, 0))
    assert np.array_equal(frames[0].pixels[40, 10], (0, 0, 255))


def test_a_codec_that_is_not_listed_is_named(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mov", steps(5), moving(5), Recipe(codec="png", pix_fmt="rgb24"))
    with pytest.raises(UnsupportedMedia, match="codec png"):
        Clip(path, Sampling(None), ClipLimits())


def test_a_pixel_format_that_is_not_listed_is_named(tmp_path: Path) -> None:
    """A Bayer pattern of one line, over which the scaler aborts."""

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


def test_gif_is_bounded_in_all_its_pixels(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.gif", steps(50, 10), moving(50), Recipe(codec="gif", pix_fmt="rgb8"))
    limits = ClipLimits(max_seconds=10, gif_pixel_rate=160 * 120 * 4)
    with Clip(path, Sampling(5.0), limits) as clip, pytest.raises(TooLarge, match="smaller frames") as caught:
        list(clip.frames())
    assert caught.value.limit == "max_decoded_pixels"
    assert clip.frames_decoded <= 40
    with Clip(path, Sampling(5.0), ClipLimits(max_seconds=10)) as clip:
        assert len(list(clip.frames())) == 25


def test_the_caller_is_watched_while_nothing_can_be_decoded(tmp_path: Path) -> None:
    calls: list[int] = []

    def leave_at_the_hundredth() -> None:
        calls.append(1)
        if len(calls) == 100:
            raise Cancelled("gone")

    path = wrap_pictures(tmp_path / "clip.avi", "mjpeg", "yuvj420p", [b"\xff\xd8" + bytes(20)] * 5000)
    with pytest.raises(Cancelled):
        Clip(path, Sampling(None), ClipLimits(), raise_if_cancelled=leave_at_the_hundredth)
