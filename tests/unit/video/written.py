"""The same clip in another container, cut, joined or with another length in its header."""

from pathlib import Path

import av

from tests.clips import Recipe, moving, steps, write_clip

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+delay_moov"}
"""MP4 as recorders write it that cannot go back to its beginning."""
LIVE = {"live": "1"}
"""Matroska as such recorders write it: without lengths."""


def plain(path: Path, count: int = 50, sound: str | None = None) -> Path:
    """``count`` frames at 25 a second, shown in the order in which they are decoded."""
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
    """The file so many times over, as ``cat`` joins recordings."""
    target = path.with_stem("joined")
    target.write_bytes(path.read_bytes() * times)
    return target


def cut(path: Path, share: float) -> Path:
    """The first part of the file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def mp4_claiming(path: Path, factor: float) -> Path:
    """The length in every header of an MP4 (boxes of version 0), ``factor`` times what it is."""
    content = bytearray(path.read_bytes())
    for name, offset in ((b"mdhd", 16), (b"mvhd", 16), (b"tkhd", 20)):
        at = content.index(name) + 4 + offset
        content[at : at + 4] = round(int.from_bytes(content[at : at + 4]) * factor).to_bytes(4)
    path.write_bytes(content)
    return path


def matroska_claiming(path: Path, seconds: float) -> Path:
    """Another length in a Matroska's header and, hours first, in its tags."""
    content = path.read_bytes()
    with av.open(str(path)) as file:
        told = file.streams.video[0].metadata["DURATION"].encode()
    minutes, rest = divmod(seconds, 60)
    path.write_bytes(content.replace(told, f"00:{minutes:02.0f}:{rest:012.9f}".encode()))
    return path
