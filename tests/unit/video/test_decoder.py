"""Clips made to exhaust or to stop the process that decodes them."""

import random
import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.errors import Cancelled, TooLarge
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, wrap_pictures, write_clip
from tests.unit.video.helpers import run

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


# What the parts of a stream begin with: parameter sets, key pictures and others.
STARTS = {
    b"HEVC": (b"\x40\x01", b"\x42\x01", b"\x44\x01", b"\x26\x01", b"\x02\x01"),
    b"H264": (b"\x67", b"\x68", b"\x65", b"\x41"),
}


def random_clip(path: Path, codec: bytes) -> Path:
    """An AVI whose frames are random bytes after the start codes of ``codec``."""
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
def test_libav_threads_never_wait_for_the_interpreter_lock(tmp_path: Path, codec: bytes) -> None:
    """When one did, it deadlocked with the caller within some ten clips."""
    assert run(OFTEN, str(random_clip(tmp_path / "clip.avi", codec))) == "1000"


def raw(path: Path, width: int = 64, height: int = 48) -> Path:
    """An uncompressed AVI, blue above red, with lines from the bottom up as Windows writes them."""
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


def test_a_bottom_up_frame_is_upright(tmp_path: Path) -> None:
    with Clip(raw(tmp_path / "clip.avi"), Sampling(None), ClipLimits()) as clip:
        frames = list(clip.frames())
    assert len(frames) == 5
    assert {frame.scene for frame in frames} == {0}
    assert np.array_equal(frames[0].pixels[10, 10], (255, 0, 0))
    assert np.array_equal(frames[0].pixels[40, 10], (0, 0, 255))


def test_the_total_pixels_of_a_gif_are_bounded(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.gif", steps(50, 10), moving(50), Recipe(codec="gif", pix_fmt="rgb8"))
    limits = ClipLimits(max_seconds=10, gif_pixel_rate=160 * 120 * 4)
    with Clip(path, Sampling(5.0), limits) as clip, pytest.raises(TooLarge, match="smaller frames") as caught:
        list(clip.frames())
    assert caught.value.limit == "max_decoded_pixels"
    assert clip.frames_decoded <= 40
    with Clip(path, Sampling(5.0), ClipLimits(max_seconds=10)) as clip:
        assert len(list(clip.frames())) == 25


def test_cancellation_is_checked_while_nothing_can_be_decoded(tmp_path: Path) -> None:
    calls: list[int] = []

    def cancel_at_the_hundredth() -> None:
        calls.append(1)
        if len(calls) == 100:
            raise Cancelled("gone")

    path = wrap_pictures(tmp_path / "clip.avi", "mjpeg", "yuvj420p", [b"\xff\xd8" + bytes(20)] * 5000)
    with pytest.raises(Cancelled):
        Clip(path, Sampling(None), ClipLimits(), raise_if_cancelled=cancel_at_the_hundredth)


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
    """Three frames as an elementary stream of ``codec``."""
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
def test_the_decoder_refuses_frames_that_grow_too_large(
    tmp_path: Path, codec: str, pix_fmt: str, form: str, options: dict[str, str]
) -> None:
    # Enough small ones that opening the file, which reads ahead, does not reach the large ones.
    pictures = encoded(codec, pix_fmt, 64, options) * 40 + encoded(codec, pix_fmt, 2304, options)
    path = wrap_pictures(tmp_path / f"clip.{form}", codec, pix_fmt, pictures)
    with Clip(path, Sampling(None), LIMITS) as clip, pytest.raises(TooLarge, match="pixels per frame") as caught:
        list(clip.frames())
    assert caught.value.limit == "max_pixels"
    assert isinstance(caught.value.__context__, av.error.FFmpegError)  # not decoded first


def jpeg(side: int) -> bytes:
    """A black picture that declares to be ``side`` x ``side``."""
    small = cv2.imencode(".jpg", np.zeros((64, 64), np.uint8))[1].tobytes()
    at = small.index(b"\xff\xc0") + 5
    # libav rejects a size for which there are too few bytes.
    return small[:at] + side.to_bytes(2, "big") * 2 + small[at + 4 :] + bytes(side**2 // 256)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read on Linux only")
@pytest.mark.parametrize("small", [5, 0])
def test_no_memory_is_allocated_for_a_frame_that_is_too_large(tmp_path: Path, small: int) -> None:
    path = wrap_pictures(tmp_path / "clip.mov", "mjpeg", "yuvj420p", [jpeg(64)] * small + [jpeg(16_000)] * 3)
    limit, grown = run(OPEN, str(path)).split()
    assert limit == "max_pixels"
    assert int(grown) < 100, f"{grown} MiB"
