"""Reading a clip, and the same clip in another container, cut, joined or with another length in its header."""

import subprocess
import sys
from pathlib import Path

import av

from mien.domain import Frame
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+delay_moov"}  # MP4 from recorders that cannot seek back
LIVE = {"live": "1"}  # Matroska from such recorders, without lengths

NATIVE = Sampling(None)
NO_LIMITS = ClipLimits()


def plain(path: Path, count: int = 50, sound: str | None = None) -> Path:
    """``count`` frames at 25 per second, without reordering."""
    return write_clip(path, steps(count), moving(count), Recipe(options=(("bf", "0"),), sound=sound))


def remuxed(path: Path, form: str, options: dict[str, str]) -> Path:
    """All tracks of the clip in another container."""
    target = path.with_name(f"remuxed.{form}")
    with av.open(str(path)) as source, av.open(str(target), "w", format=form, options=options) as file:
        streams = {stream.index: file.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                file.mux(packet)
    return target


def joined(path: Path, times: int = 2) -> Path:
    """The file repeated, as ``cat`` joins recordings."""
    target = path.with_stem("joined")
    target.write_bytes(path.read_bytes() * times)
    return target


def cut(path: Path, share: float) -> Path:
    """The first part of the file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def mp4_declaring(path: Path, factor: float) -> Path:
    """Multiply the length in every header of an MP4 (boxes of version 0) by ``factor``."""
    content = bytearray(path.read_bytes())
    for name, offset in ((b"mdhd", 16), (b"mvhd", 16), (b"tkhd", 20)):
        at = content.index(name) + 4 + offset
        content[at : at + 4] = round(int.from_bytes(content[at : at + 4]) * factor).to_bytes(4)
    path.write_bytes(content)
    return path


def matroska_declaring(path: Path, seconds: float) -> Path:
    """Change the length in a Matroska's tags."""
    content = path.read_bytes()
    with av.open(str(path)) as file:
        tag = file.streams.video[0].metadata["DURATION"].encode()
    minutes, rest = divmod(seconds, 60)
    path.write_bytes(content.replace(tag, f"00:{minutes:02.0f}:{rest:012.9f}".encode()))
    return path


def run(code: str, *arguments: str) -> str:
    """What ``code`` prints as a program of its own, which has a minute and must end by itself."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def read(path: Path, sampling: Sampling = NATIVE, limits: ClipLimits = NO_LIMITS) -> list[Frame]:
    with Clip(path, sampling, limits) as clip:
        return list(clip.frames())


def moved(path: Path, form: str, ticks: int, options: dict[str, str]) -> Path:
    """The clip in another container, all times later by ``ticks`` of 1/90,000 s."""
    target = path.with_suffix(f".{form}")
    with av.open(str(path)) as source, av.open(str(target), "w", format=form, options=options) as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
                file.mux(packet)
    return target
