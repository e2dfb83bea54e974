"""Files given to the wrong command."""

from contextlib import closing
from pathlib import Path

from mien.errors import MienError
from mien.images.formats import PictureFormat, sniff
from mien.video.demuxer import Demuxer
from mien.video.model import ClipLimits

_HEAD = 4096  # bytes; more than the formats are told by


def hint_for_clip(path: Path) -> str:
    """For a file that is no picture: where it should go if it is a clip, else nothing."""
    try:
        with closing(Demuxer(path, ClipLimits().max_pixels)):
            pass
    except (MienError, OSError):
        return ""
    return f"; use mien video {path}"


def hint_for_picture(path: Path) -> str:
    """For a file that is no clip: where it should go if it is a picture, else nothing."""
    try:
        with path.open("rb") as file:
            found = sniff(file.read(_HEAD))
    except (MienError, OSError):
        return ""
    # A GIF may be either, and has been tried as a clip.
    return "" if found == PictureFormat.GIF else f" It is a picture ({found}): use mien predict {path}"
