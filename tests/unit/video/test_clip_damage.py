from fractions import Fraction
from pathlib import Path

import pytest

from mien.errors import CorruptMedia, UnsupportedMedia
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip
from tests.unit.video.helpers import cut, remuxed


@pytest.mark.parametrize(("form", "options"), [("mov", {"movflags": "faststart"}), ("matroska", {})])
def test_a_truncated_clip_is_read_as_far_as_possible(tmp_path: Path, form: str, options: dict[str, str]) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(150), moving(150, 320, 240, 80))
    with Clip(cut(remuxed(path, form, options), 0.6), Sampling(5.0), ClipLimits()) as clip:
        frames = list(clip.frames())
    assert 1.0 < frames[-1].time < 5.0
    until = f"{clip.read_until:.3f}"
    assert any(f"until {until} s" in warning for warning in clip.warnings)
    assert clip.read_until == pytest.approx(frames[-1].time, abs=0.25)


def test_a_whole_clip_has_no_warnings(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(50), moving(50), Recipe(sound="aac"))
    with Clip(path, Sampling(5.0), ClipLimits()) as clip:
        assert len(list(clip.frames())) == 10
    assert clip.warnings == ()
    with Clip(path, Sampling(5.0, 0.0, 1.0), ClipLimits()) as clip:
        assert len(list(clip.frames())) == 5
    assert clip.warnings == ()


def test_damage_in_the_middle_does_not_end_the_clip(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(100), moving(100, 320, 240, 80), Recipe(gop=10))
    content = bytearray(path.read_bytes())
    begin = content.find(b"mdat") + 4
    middle = begin + (len(content) - begin) // 4
    content[middle : middle + 600] = b"\xff" * 600
    path.write_bytes(content)
    with Clip(path, Sampling(None), ClipLimits()) as clip:
        times = [frame.time for frame in clip.frames()]
    assert times == sorted(times)
    assert len(times) > 60
    assert times[-1] == pytest.approx(99 / 25, abs=0.05)


def test_a_missing_index_is_corrupt(tmp_path: Path) -> None:
    path = cut(write_clip(tmp_path / "clip.mp4", steps(50), moving(50)), 0.5)
    with pytest.raises(CorruptMedia):
        Clip(path, Sampling(), ClipLimits())


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_header_without_frames_is_corrupt(tmp_path: Path, start: float) -> None:
    """The initialisation segment of a stream, without any media segment."""
    whole = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    segmented = remuxed(whole, "mov", {"movflags": "frag_keyframe+empty_moov"})
    segmented.write_bytes(segmented.read_bytes().partition(b"moof")[0][:-4])
    with pytest.raises(CorruptMedia):
        Clip(segmented, Sampling(5.0, start), ClipLimits())


@pytest.mark.parametrize("start", [0.0, 11.0])
def test_a_track_that_appears_late_is_ignored(tmp_path: Path, start: float) -> None:
    path = write_clip(tmp_path / "clip.flv", steps(300), moving(300), Recipe(form="flv", tick=Fraction(1, 1000)))
    sound = b"\x2f" + bytes(200)
    tag = b"\x08" + len(sound).to_bytes(3, "big") + (11_000).to_bytes(3, "big") + bytes(4) + sound
    path.write_bytes(path.read_bytes() + tag + len(tag).to_bytes(4, "big"))
    with Clip(path, Sampling(None, start), ClipLimits()) as clip:
        assert [frame.index for frame in clip.frames()] == list(range(round(start * 25), 300))
    assert clip.warnings == ()


def test_frames_of_noise_are_corrupt(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", steps(20), moving(20), Recipe(form="matroska"))
    content = bytearray(path.read_bytes())
    begin = content.find(b"\x1f\x43\xb6\x75")  # the first cluster
    content[begin + 12 :] = bytes(i * 37 % 251 for i in range(len(content) - begin - 12))
    path.write_bytes(content)
    with pytest.raises(CorruptMedia):
        Clip(path, Sampling(), ClipLimits())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello, this is text",
        b"\xff\xd8\xff\xe0" + b"\0" * 200,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/clip.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
    ],
    ids=["empty", "text", "jpeg", "playlist", "concat"],
)
def test_files_that_are_not_clips_are_unsupported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(UnsupportedMedia, match="MP4"):
        Clip(path, Sampling(), ClipLimits())
