"""What a live analysis reads: a camera of this machine, a network stream, or a clip played at its own speed."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import av
import av.error
from av.container import InputContainer

from mien.errors import CorruptMedia, InvalidOption
from mien.video.codecs import CONTAINER_WHITELIST, MEDIA_ERRORS
from mien.video.container import open_container, pixel_bound

MAX_PIXELS = 3840 * 2160
_TIMEOUT = 5.0  # s, to open a stream and for each read of it

# libav's formats of cameras, and what they call the first one.
_CAMERAS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"linux": ("video4linux2,v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}"), "win32": ("dshow", "video={}")}
)
_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "udp", "tcp")
_STREAM_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        # The address is the user's own, but a playlist behind it must not lead to files of this machine.
        "protocol_whitelist": ",".join((*_SCHEMES, "tls", "rtp", "crypto")),
        "format_whitelist": "rtsp,mpegts,flv,matroska,webm,mpjpeg,mjpeg,hls,mov,mp4,m4a,3gp,3g2,mj2,rtp,sdp,h264,hevc",
        "codec_whitelist": CONTAINER_WHITELIST,
        "max_streams": "100",
        "rtsp_transport": "tcp",  # it passes firewalls and loses no packets
        "seekable": "0",  # libav would look for the end of what has none
    }
)


class Kind(Enum):
    """Where pictures come from."""

    CAMERA = auto()
    STREAM = auto()
    CLIP = auto()


@dataclass(frozen=True, slots=True)
class LiveSource:
    """One source. ``address`` is the camera's number or device (on Windows, its name), a URL or a path; ``name`` is for
    messages, without a password."""

    kind: Kind
    address: str

    @property
    def name(self) -> str:
        if self.kind is Kind.CAMERA:
            return f"camera {self.address}"
        if self.kind is Kind.STREAM:
            parts = urlsplit(self.address)
            return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        return self.address

    @property
    def reconnects(self) -> bool:
        """Whether it is opened again when it ends: a clip has an end, other sources only fail."""
        return self.kind is not Kind.CLIP

    def check(self) -> None:
        """Raises ``InvalidOption`` for a URL that cannot be that of a stream."""
        if self.kind is Kind.STREAM and urlsplit(self.address).scheme not in _SCHEMES:
            raise InvalidOption(
                "url", f"{self.name} is not the address of a stream; it begins with rtsp:// or http://."
            )

    def open(self) -> InputContainer:
        """Connect to it.

        Raises:
            CorruptMedia: it cannot be opened; the message is a sentence without the source's name.
        """
        try:
            if self.kind is Kind.CLIP:
                return open_container(Path(self.address), MAX_PIXELS)
            if self.kind is Kind.CAMERA:
                form, pattern = _CAMERAS.get(sys.platform, _CAMERAS["linux"])
                device = self.address if "/" in self.address else pattern.format(self.address)
                return av.open(device, format=form, options={"codec_whitelist": CONTAINER_WHITELIST})
            options = {**_STREAM_OPTIONS, **pixel_bound(MAX_PIXELS)}
            return av.open(self.address, options=options, timeout=_TIMEOUT, metadata_errors="replace")
        except MEDIA_ERRORS as error:
            raise CorruptMedia(f"it cannot be opened ({reason_of(error)})") from error


def reason_of(error: Exception) -> str:
    """What libav says of a source, without its address, in which there may be a password."""
    if isinstance(error, av.error.ExitError):
        return f"nothing came for {_TIMEOUT:g} s"
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"{reason[:1].lower()}{reason[1:]}"
