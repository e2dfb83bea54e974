import io
from pathlib import Path

import pytest
from PIL import Image

from mien.errors import CorruptMedia, UnsupportedMedia
from mien.video.clip import Clip
from mien.video.container import not_a_clip, open_container
from mien.video.model import ClipLimits, Sampling
from tests.clips import moving, steps, write_clip
from tests.permissions import open_folder, without_privileges


def picture(form: str, count: int) -> bytes:
    frames = [Image.new("RGB", (32, 24), (40 * k, 90, 90)) for k in range(count)]
    file = io.BytesIO()
    frames[0].save(file, form, **({"save_all": True, "append_images": frames[1:]} if count > 1 else {}))
    return file.getvalue()


@pytest.mark.parametrize(
    ("form", "count", "name"),
    [
        ("WEBP", 3, "an animated WebP picture"),
        ("PNG", 3, "an animated PNG picture"),
        ("WEBP", 1, "a WebP picture and not a clip"),
        ("PNG", 1, "a PNG picture and not a clip"),
        ("JPEG", 1, "a JPEG picture and not a clip"),
        ("BMP", 1, "a BMP picture and not a clip"),
        ("TIFF", 1, "a TIFF picture and not a clip"),
    ],
)
def test_the_error_for_a_picture_names_its_format(tmp_path: Path, form: str, count: int, name: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(picture(form, count))
    with pytest.raises(UnsupportedMedia, match=f"This is {name}") as refused:
        Clip(path, Sampling(), ClipLimits())
    assert "/predict" in str(refused.value)


def test_an_animated_avif_is_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "clip.avif"
    frames = [Image.new("RGB", (64, 48), (40 * k, 90, 90)) for k in range(4)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    with Clip(path, Sampling(None), ClipLimits()) as clip:
        assert [frame.time for frame in clip.frames()] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert clip.duration == pytest.approx(0.4)
    assert clip.warnings == ()


@pytest.mark.parametrize(
    "head",
    [b"\0\0\0\x20ftypisom", b"\0\0\0\x20ftypavis" + bytes(8), b"RIFF\x10\0\0\0AVI LIST", b"\x1a\x45\xdf\xa3\x80"],
)
def test_a_clip_container_that_cannot_be_opened_is_corrupt(head: bytes) -> None:
    assert isinstance(not_a_clip(head), CorruptMedia)


@pytest.mark.parametrize("head", [b"", b"hello", b"RIFF\x10\0\0\0RMIDdata", b"%PDF-1.7"])
def test_anything_else_is_unsupported(head: bytes) -> None:
    refusal = not_a_clip(head)
    assert isinstance(refusal, UnsupportedMedia)
    assert "in MP4" in str(refusal)


def test_a_missing_or_unreadable_file_is_not_a_corrupt_clip(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_container(tmp_path / "clip.mp4", 1_000_000)
    with open_folder() as folder:
        closed = write_clip(folder / "clip.mp4", steps(5), moving(5))
        closed.chmod(0)
        with without_privileges(), pytest.raises(PermissionError) as caught:
            open_container(closed, 1_000_000)
    assert caught.value.__context__ is None  # raised directly
