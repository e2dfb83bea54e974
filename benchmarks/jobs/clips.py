"""Clips of any length: a photograph that moves, encoded once and then repeated by copying packets."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data

from mien.domain import U8Array

_FPS = 25
_SECONDS = 10  # of the part that is repeated


def write_clip(path: Path, seconds: int, width: int = 640, gop: int = 2 * _FPS) -> Path:
    """One face, H.264 in MP4, 25 frames per second; a key frame every ``gop`` frames."""
    part = path.with_name(f"part-{width}-{gop}.mp4")
    if not part.exists():
        _encode(part, width, gop)
    with av.open(str(part)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as target:
        video = source.streams.video[0]
        assert video.time_base is not None
        copied = target.add_stream_from_template(video)
        packets = [packet for packet in source.demux(video) if packet.dts is not None]
        length = int(Fraction(_SECONDS) / video.time_base)
        for repeat in range(-(-seconds // _SECONDS)):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                assert packet.pts is not None
                assert packet.dts is not None
                copy.pts, copy.dts = packet.pts + repeat * length, packet.dts + repeat * length
                copy.time_base, copy.duration = video.time_base, packet.duration
                copy.is_keyframe, copy.stream = packet.is_keyframe, copied
                target.mux(copy)
    return path


def _encode(path: Path, width: int, gop: int) -> None:
    height = width * 3 // 4
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=_FPS, options={"sc_threshold": "0", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = gop
        for pixels in _pictures(width, height):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        file.mux(stream.encode())


def _pictures(width: int, height: int) -> Iterator[U8Array]:
    photo = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    count = _FPS * _SECONDS
    for at in range(count):
        shift = round(60 - abs(120 * at / count - 60))  # there and back
        part = photo[0:360, shift : shift + 480 - 60]
        yield np.ascontiguousarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA))
