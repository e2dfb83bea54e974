"""Intact files of every format and container, small ones, for ``benchmarks.hostile`` to break."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
import pillow_heif
import tifffile
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image
from skimage.data import astronaut

_SIDE = 96
_FRAMES = 12


@dataclass(frozen=True)
class _Recipe:
    codec: str
    form: str
    pix_fmt: str = "yuv420p"
    sound: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


_QUIET = {"x265-params": "log-level=none"}
_CLIPS = {
    "mp4, H.264": _Recipe("libx264", "mp4", sound="aac"),
    "mp4, HEVC": _Recipe("libx265", "mp4", options=_QUIET),
    "mp4, AV1": _Recipe("libsvtav1", "mp4"),
    "mkv, HEVC": _Recipe("libx265", "matroska", options={"bf": "0", **_QUIET}),
    "mkv, MPEG-4": _Recipe("mpeg4", "matroska"),
    "mkv, FFV1": _Recipe("ffv1", "matroska"),
    "webm, VP8": _Recipe("libvpx", "webm"),
    "webm, VP9": _Recipe("libvpx-vp9", "webm", sound="libopus"),
    "avi, MPEG-4": _Recipe("mpeg4", "avi"),
    "avi, MJPEG": _Recipe("mjpeg", "avi", "yuvj420p"),
    "avi, raw": _Recipe("rawvideo", "avi"),
    "mov, ProRes": _Recipe("prores_ks", "mov", "yuv422p10le"),
    "ts, MPEG-2": _Recipe("mpeg2video", "mpegts"),
    "flv, FLV1": _Recipe("flv", "flv"),
    "gif": _Recipe("gif", "gif", "rgb8"),
}
# The container, and its options, of each that the first one is put into.
_REMUXED: dict[str, tuple[str, dict[str, str]]] = {
    "mp4, fragments": ("mp4", {"movflags": "frag_keyframe+empty_moov+delay_moov"}),
    "mov, H.264": ("mov", {}),
    "mkv, H.264": ("matroska", {}),
    "mkv, live": ("matroska", {"live": "1"}),
    "flv, H.264": ("flv", {}),
    "ts, H.264": ("mpegts", {}),
}


def pictures() -> Mapping[str, bytes]:
    """One of each format and of its more complicated kinds, by name."""
    colour = Image.fromarray(astronaut()).crop((150, 30, 310, 190)).resize((_SIDE, _SIDE))
    alpha = colour.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(colour.size))
    palette, grey = colour.quantize(64), colour.convert("L")
    turned = Image.Exif()
    turned[0x0112] = 6

    def saved(image: Image.Image, form: str, **options: Any) -> bytes:
        file = io.BytesIO()
        image.save(file, form, **options)
        return file.getvalue()

    def heif(image: Image.Image, **options: Any) -> bytes:
        file = io.BytesIO()
        pillow_heif.from_pillow(image).save(file, **options)
        return file.getvalue()

    def tiff(samples: np.ndarray[tuple[int, ...], np.dtype[np.generic]], **options: Any) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, samples, **options)
        return file.getvalue()

    pixels = np.asarray(colour)
    deep = pixels.astype(np.uint16) * 257
    return {
        "JPEG": saved(colour, "JPEG", exif=turned),
        "JPEG, progressive": saved(colour, "JPEG", progressive=True),
        "JPEG, CMYK": saved(colour.convert("CMYK"), "JPEG"),
        "PNG": saved(colour, "PNG", exif=turned),
        "PNG, alpha": saved(alpha, "PNG"),
        "PNG, palette": saved(palette, "PNG"),
        "PNG, 16 bits": saved(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"),
        "WebP": saved(colour, "WEBP", exif=turned),
        "WebP, lossless": saved(alpha, "WEBP", lossless=True),
        "WebP, animated": saved(colour, "WEBP", save_all=True, append_images=[colour.rotate(9)]),
        "BMP": saved(colour, "BMP"),
        "BMP, palette": saved(palette, "BMP"),
        "GIF": saved(palette, "GIF"),
        "GIF, animated": saved(colour, "GIF", save_all=True, append_images=[colour.rotate(9), colour.rotate(20)]),
        "TIFF": saved(colour, "TIFF"),
        "TIFF, LZW": saved(colour, "TIFF", compression="tiff_lzw"),
        "TIFF, JPEG": saved(colour, "TIFF", compression="jpeg"),
        "TIFF, fax": saved(colour.convert("1"), "TIFF", compression="group4"),
        "TIFF, tiles": tiff(pixels, photometric="rgb", tile=(32, 32), compression="zlib"),
        "TIFF, 16 bits": tiff(deep, photometric="rgb", compression="zlib"),
        "TIFF, floats": tiff(np.asarray(grey).astype(np.float32) / 255, photometric="minisblack"),
        "AVIF": saved(colour, "AVIF", quality=60),
        "AVIF, alpha": saved(alpha, "AVIF", quality=60),
        "HEIC": heif(colour, quality=60),
        "HEIC, alpha": heif(alpha, quality=60),
    }


def clips() -> Mapping[str, bytes]:
    """One of each container with its usual codecs, by name."""
    made = {name: _written(recipe) for name, recipe in _CLIPS.items()}
    first = made["mp4, H.264"]
    return made | {name: _remuxed(first, form, options) for name, (form, options) in _REMUXED.items()}


def _written(recipe: _Recipe) -> bytes:
    """A moving part of a photograph, 25 frames per second."""
    photo = np.ascontiguousarray(astronaut()[::3, ::3])
    file = io.BytesIO()
    with av.open(file, "w", format=recipe.form) as target:
        stream = cast("VideoStream", target.add_stream(recipe.codec, rate=25, options=dict(recipe.options)))
        stream.width, stream.height, stream.pix_fmt = 160, 120, recipe.pix_fmt
        sound = None if recipe.sound is None else cast("AudioStream", target.add_stream(recipe.sound, rate=48_000))
        for number in range(_FRAMES):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(photo[number : number + 120, :160]), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
        for number in range(_FRAMES * 2 if sound is not None else 0):
            assert sound is not None
            wave = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), "fltp", "mono")
            wave.sample_rate, wave.pts, wave.time_base = 48_000, 960 * number, Fraction(1, 48_000)
            target.mux(sound.encode(wave))
        if sound is not None:
            target.mux(sound.encode(None))
    return file.getvalue()


def _remuxed(content: bytes, form: str, options: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with av.open(io.BytesIO(content), "r") as source, av.open(file, "w", format=form, options=options) as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return file.getvalue()
