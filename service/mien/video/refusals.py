"""Why a file could not be opened as a clip: what it is instead, or that it is broken."""

from mien.errors import CorruptMedia, InputError, InvalidRequest, UnsupportedMedia
from mien.images.formats import PictureFormat, sniff

HEAD = 4096
"""Bytes from the beginning of a file that tell what it is."""

# (offset, bytes) that open the containers of clips: such a file that cannot be opened is broken.
_CLIPS: tuple[tuple[int, bytes], ...] = (
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (4, b"free"),
    (0, b"\x1a\x45\xdf\xa3"),
    (8, b"AVI "),
    (8, b"WAVE"),
    (0, b"GIF8"),
    (0, b"FLV\x01"),
    (0, b"OggS"),
)
_READ = "Send a clip in MP4, MOV, MKV, WebM, AVI or GIF."


def no_clip(head: bytes) -> InputError:
    """The error for a file that begins with ``head`` (``HEAD`` bytes of it) and could not be opened."""
    picture = _picture(head)
    if picture is not None and _is_animated(picture, head):
        return UnsupportedMedia(
            f"This is an animated {picture} picture, which is not read as a clip; "
            "send it to /predict for its first frame, or convert it to MP4 or GIF."
        )
    if picture is not None:
        return UnsupportedMedia(f"This is a {picture} picture and not a clip; send it to /predict. {_READ}")
    if any(head[at : at + len(mark)] == mark for at, mark in _CLIPS):
        return CorruptMedia("The clip's container is damaged or was cut off before its index; send the whole file.")
    return UnsupportedMedia(f"The file is not a clip that Mien reads. {_READ}")


def _picture(head: bytes) -> PictureFormat | None:
    """The format of a picture that is never a clip."""
    try:
        found = sniff(head)
    except (InvalidRequest, UnsupportedMedia):
        return None
    # GIFs are clips, and the containers of AVIF and HEIC those of MP4: one that cannot be opened is broken.
    return None if found in {PictureFormat.GIF, PictureFormat.AVIF, PictureFormat.HEIC} else found


def _is_animated(picture: PictureFormat, head: bytes) -> bool:
    if picture is PictureFormat.WEBP:
        return head[12:16] == b"VP8X" and len(head) > 20 and head[20] & 2 != 0
    return picture is PictureFormat.PNG and b"acTL" in head.partition(b"IDAT")[0]
