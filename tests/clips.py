"""Clips generated for the tests, and an engine that detects the coloured patch in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mien.domain import LABELS, AnalyzeOptions, Box, Frame, FrameResult, U8Array
from tests.fakes import FakeEngine, make_face

TICK = Fraction(1, 90_000)
GREY = 90
PATCH = (30, 30, 220)  # BGR: the only red in the clips


@dataclass(frozen=True)
class Recipe:
    """How to write a clip; by default plain H.264 in MP4."""

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    form: str | None = None
    rotation: float | None = None
    mirror: bool = False
    aspect: Fraction | None = None
    sound: str | None = None
    tick: Fraction = TICK
    options: tuple[tuple[str, str], ...] = ()
    gop: int = 12


PLAIN = Recipe()


def scene(width: int, height: int, patch: Box | None = None, grey: int = GREY) -> U8Array:
    """A grey picture, with a red patch if given."""
    pixels = np.full((height, width, 3), grey, np.uint8)
    if patch is not None:
        x, y = round(patch.x), round(patch.y)
        pixels[y : y + round(patch.height), x : x + round(patch.width)] = PATCH
    return pixels


def write_clip(path: Path, times: Sequence[float], pictures: Iterable[U8Array], recipe: Recipe = PLAIN) -> Path:
    """Write ``pictures`` (upright coded pixels) at ``times`` seconds."""
    with av.open(str(path), "w", format=recipe.form) as file:
        stream = file.add_stream(recipe.codec, rate=25, options=dict(recipe.options))
        stream.codec_context.thread_count = 2  # the encoder's output depends on it: the same file on every machine
        stream.codec_context.time_base = recipe.tick
        stream.codec_context.gop_size = recipe.gop
        stream.pix_fmt = recipe.pix_fmt
        if recipe.aspect is not None:
            stream.codec_context.sample_aspect_ratio = recipe.aspect
        if recipe.rotation is not None:
            stream.set_display_rotation(recipe.rotation, hflip=recipe.mirror)
        sound = file.add_stream(recipe.sound, rate=48_000) if recipe.sound else None
        for time, pixels in zip(times, pictures, strict=True):
            if not stream.codec_context.is_open:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(pixels, "bgr24")
            frame.pts, frame.time_base = round(Fraction(str(time)) / recipe.tick), recipe.tick
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if sound is not None:
            write_tone(file, sound, times[-1])
    return path


def wrap_pictures(path: Path, codec: str, pix_fmt: str, pictures: Sequence[bytes], side: int = 64) -> Path:
    """Encoded picture files as the frames, ten per second, of a clip that declares ``side`` x ``side``."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=10)
        stream.width = stream.height = side
        stream.pix_fmt = pix_fmt
        for at, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = at
            packet.duration, packet.is_keyframe = 1, True
            file.mux(packet)
    return path


def write_tone(file: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    """A soft tone of ``seconds``."""
    samples = np.arange(int(seconds * 48_000))
    wave = (0.1 * np.sin(samples * 2 * np.pi * 440 / 48_000)).astype(np.float32)
    for at in range(0, len(wave), 1024):
        piece = av.AudioFrame.from_ndarray(wave[None, at : at + 1024], "fltp", "mono")
        piece.sample_rate, piece.pts, piece.time_base = 48_000, at, Fraction(1, 48_000)
        file.mux(stream.encode(piece))
    file.mux(stream.encode(None))


def steps(count: int, rate: float = 25.0) -> list[float]:
    """``count`` times at a constant rate, from 0."""
    return [round(k / rate, 6) for k in range(count)]


def moving(count: int, width: int = 160, height: int = 120, side: int = 40) -> Iterator[U8Array]:
    """A patch that moves from left to right."""
    for k in range(count):
        yield scene(width, height, Box(10 + (width - side - 20) * k / max(1, count - 1), 30, side, side))


class PatchEngine(FakeEngine):
    """Detects the red patch, if there is one, as a happy face; passes shot boundaries on as the real engine does."""

    def _result(self, frame: Frame, options: AnalyzeOptions) -> FrameResult:
        red = (frame.pixels[..., 2] > 150) & (frame.pixels[..., 1] < 110)
        rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
        faces = ()
        if rows.size:
            scale_x, scale_y = frame.width / frame.pixels.shape[1], frame.height / frame.pixels.shape[0]
            box = Box(
                columns[0] * scale_x,
                rows[0] * scale_y,
                (columns[-1] + 1 - columns[0]) * scale_x,
                (rows[-1] + 1 - rows[0]) * scale_y,
            )
            faces = (make_face(box, labels=LABELS[options.labels]),)
        return replace(super()._result(frame, options), faces=faces, scene=frame.scene)


def growing(path: Path, first: U8Array, then: U8Array) -> Path:
    """A transport stream of a second of ``first`` and another of ``then``, in its own size."""
    parts = [
        write_clip(path.with_suffix(f".{n}"), steps(50)[25 * n : 25 * n + 25], [pixels] * 25, Recipe(form="mpegts"))
        for n, pixels in enumerate((first, then))
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path
