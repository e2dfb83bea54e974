from fractions import Fraction
from pathlib import Path

import av
import pytest

from mien.errors import CorruptMedia, UnsupportedMedia
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from tests.clips import Recipe, moving, steps, write_clip


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def remuxed(path: Path, form: str, options: dict[str, str]) -> Path:
    target = path.with_suffix("." + form)
    with av.open(str(path)) as source, av.open(str(target), "w", format=form, options=options) as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                file.mux(packet)
    return target


@pytest.mark.parametrize(("form", "options"), [("mov", {"movflags": "faststart"}), ("matroska", {})])
def test_a_clip_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, form: str, options: dict[str, str]) -> None:
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


def test_damage_in_the_middle_is_survived_and_told(tmp_path: Path) -> None:
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


def test_an_index_that_never_came_is_corrupt(tmp_path: Path) -> None:
    path = cut(write_clip(tmp_path / "clip.mp4", steps(50), moving(50)), 0.5)
    with pytest.raises(CorruptMedia):
        Clip(path, Sampling(), ClipLimits())


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_head_without_a_body_is_corrupt(tmp_path: Path, start: float) -> None:
    """What comes before the first segment of a stream: it says what there will be, and there is no picture in it."""
    whole = write_clip(tmp_path / "clip.mp4", steps(50), moving(50))
    segmented = remuxed(whole, "mov", {"movflags": "frag_keyframe+empty_moov"})
    segmented.write_bytes(segmented.read_bytes().partition(b"moof")[0][:-4])
    with pytest.raises(CorruptMedia):
        Clip(segmented, Sampling(5.0, start), ClipLimits())


@pytest.mark.parametrize("start", [0.0, 11.0])
def test_a_track_that_turns_up_late_does_no_harm(tmp_path: Path, start: float) -> None:
    path = write_clip(tmp_path / "clip.flv", steps(300), moving(300), Recipe(form="flv", tick=Fraction(1, 1000)))
    sound = b"\x2f" + bytes(200)
    tag = b"\x08" + len(sound).to_bytes(3, "big") + (11_000).to_bytes(3, "big") + bytes(4) + sound
    path.write_bytes(path.read_bytes() + tag + len(tag).to_bytes(4, "big"))
    with Clip(path, Sampling(None, start), ClipLimits()) as clip:
        assert [frame.index for frame in clip.frames()] == list(range(round(start * 25), 300))
    assert clip.warnings == ()


def test_frames_that_are_all_noise_are_corrupt(tmp_path: Path) -> None:
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
def test_what_is_no_clip_is_not_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(UnsupportedMedia, match="MP4"):
        Clip(path, Sampling(), ClipLimits())
