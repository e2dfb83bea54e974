"""Which decoders may be opened, which pixel formats may be converted, and the errors that bad media raise.

FFmpeg knows some 250 more codecs. Most are hardly maintained, a file selects its decoder by four bytes, and the output
can abort the process: FFmpeg's scaler does so on Bayer patterns of one line, for example.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import av.error
import cv2
from av import VideoFrame

from mien.errors import CorruptMedia, UnsupportedMedia

# FFmpeg's decoder names. VP8, VP9 and AV1 each have more than one.
_VIDEO = (
    *("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d"),
    # MPEG-1, 2 and 4; old AVI holds Microsoft's drafts of MPEG-4.
    *("mpeg1video", "mpeg2video", "mpegvideo", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4"),
    # H.263, with the variants of old telephones and of Flash.
    *("mjpeg", "h263", "h263i", "h263p", "flv", "theora"),
    *("prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "rawvideo", "gif"),
)
_AUDIO = (
    *("aac", "aac_fixed", "aac_latm", "ac3", "ac3_fixed", "eac3", "dca", "truehd", "mlp", "alac", "flac"),
    *("mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "opus", "libopus", "vorbis"),
    *("amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "speex", "nellymoser", "wmav1", "wmav2"),
    *("adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "pcm_alaw", "pcm_mulaw", "pcm_s8"),
    *("pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_u8", "pcm_s302m"),
    *("pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le", "pcm_bluray", "pcm_dvd"),
)

VIDEO_DECODERS, AUDIO_DECODERS = frozenset(_VIDEO), frozenset(_AUDIO)
VIDEO_WHITELIST, AUDIO_WHITELIST = ",".join(_VIDEO), ",".join(_AUDIO)
"""For the option ``codec_whitelist`` of a codec context: the container's option does not reach it."""
CONTAINER_WHITELIST = f"{VIDEO_WHITELIST},{AUDIO_WHITELIST}"
"""For the option of the container: what may be opened to find out what its tracks are."""

MEDIA_ERRORS = (av.error.FFmpegError, cv2.error, OSError, ValueError, IndexError, RuntimeError)
"""What bad media raise. PyAV passes on the scaler's errors as bare OSError, and raises IndexError, RuntimeError and
ValueError for missing planes."""

# Found by converting every format that PyAV names at many sizes: these families work. Left out are Bayer patterns and
# YAF32, on which swscale aborts, what it cannot read (4-bit packed RGB, samples of 32 bits), formats in GPU memory, and
# those that none of the decoders above produces.
_DEPTH = r"((9|10|12|14|16)[bl]e)?"
_PLANAR = re.compile(rf"yuvj?4(10|11|20|22|40|44)p{_DEPTH}|yuva4(20|22|44)p{_DEPTH}|gray{_DEPTH}|gbra?p{_DEPTH}")
_OTHER = re.compile(
    r"nv(12|16|20[bl]e|21|24|42)|p[024]1[026][bl]e|yuyv422|uyvy422|yvyu422|uyyvyy411|ya8|ya16[bl]e|pal8|mono[bw]"
    r"|(rgb|bgr)(8|24|4_byte|(444|555|565|48)[bl]e)|(rgba|bgra)(64[bl]e)?|argb|abgr|0rgb|0bgr|rgb0|bgr0"
)


def is_convertible(pixel_format: str) -> bool:
    """Whether frames of this format, by FFmpeg's name, may be passed to the scaler."""
    return is_planar(pixel_format) or _OTHER.fullmatch(pixel_format) is not None


def is_planar(pixel_format: str) -> bool:
    """Whether the first plane of a convertible format holds luma (or green) only, one sample after the other."""
    return _PLANAR.fullmatch(pixel_format) is not None


@contextmanager
def pixel_access(frame: VideoFrame) -> Iterator[None]:
    """Read or convert the pixels of ``frame`` inside this context.

    Raises:
        UnsupportedMedia: its pixel format is not on the list.
        CorruptMedia: they cannot be read.
    """
    name = frame.format.name
    if not is_convertible(name):
        raise UnsupportedMedia(
            f"The clip's pixel format {name} is not supported; re-encode it with pixel format yuv420p."
        )
    try:
        yield
    except MEDIA_ERRORS as error:
        message = f"A frame of the clip ({frame.width} x {frame.height}, {name}) cannot be converted; re-encode it."
        raise CorruptMedia(message) from error
