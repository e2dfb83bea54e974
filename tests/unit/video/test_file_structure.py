from pathlib import Path

import pytest

from mien.video import file_structure as module
from mien.video.file_structure import FileStructure, file_structure
from tests.unit.video.helpers import FRAGMENTS, LIVE, cut, joined, plain, remuxed

CONTAINERS = [
    ("mp4", "mov,mp4,m4a,3gp,3g2,mj2", {}),
    ("mp4", "mov,mp4,m4a,3gp,3g2,mj2", FRAGMENTS),
    ("mov", "mov,mp4,m4a,3gp,3g2,mj2", {}),
    ("matroska", "matroska,webm", {}),
    ("matroska", "matroska,webm", LIVE),
    ("flv", "flv", {}),
]


@pytest.mark.parametrize(("form", "name", "options"), CONTAINERS)
def test_truncated_and_joined_files_are_recognised(
    tmp_path: Path, form: str, name: str, options: dict[str, str]
) -> None:
    path = remuxed(plain(tmp_path / "clip.mp4", sound="aac"), form, options)
    size = path.stat().st_size
    assert file_structure(path, name) == FileStructure(False, ())
    many = file_structure(joined(path, 3), name)
    assert not many.is_cut_off
    second, third = many.joined
    assert size <= second < 2 * size <= third
    for share in (0.97, 0.4):
        assert file_structure(cut(path, share), name).is_cut_off


@pytest.mark.parametrize("behind", [b"made by a phone, with words behind it", bytes(40), b"\xff" * 40, b"\x42\x86"])
@pytest.mark.parametrize(("form", "name", "options"), CONTAINERS)
def test_data_appended_to_a_clip_is_ignored(
    tmp_path: Path, form: str, name: str, options: dict[str, str], behind: bytes
) -> None:
    path = remuxed(plain(tmp_path / "clip.mp4", 10), form, options)
    path.write_bytes(path.read_bytes() + behind)
    assert file_structure(path, name).joined == ()


@pytest.mark.parametrize("container", ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "gif", "mpegts"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff" * 100, bytes(range(256)) * 4])
def test_random_content_is_harmless(tmp_path: Path, container: str, content: bytes) -> None:
    path = tmp_path / "random_clip"
    path.write_bytes(content)
    assert file_structure(path, container).joined == ()


@pytest.mark.parametrize(
    ("container", "content"),
    [
        ("matroska,webm", bytes.fromhex("1A45DFA3") + b"\x01" + b"\xff" * 6 + b"\xf0"),
        ("mov,mp4", b"\0\0\0\1free" + b"\xff" * 8),
        ("mov,mp4", b"\0\0\0\1free" + b"\x7f" + b"\xff" * 7),
    ],
)
def test_a_length_may_lead_further_than_any_file(tmp_path: Path, container: str, content: bytes) -> None:
    path = tmp_path / "clip"
    path.write_bytes(content)
    assert file_structure(path, container) == FileStructure(True, ())


def test_the_number_of_visited_parts_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_PARTS", 100)
    path = tmp_path / "boxes.mp4"
    path.write_bytes(b"\0\0\0\x08free" * 200 + b"\0\0\xff\xffmdat")
    assert file_structure(path, "mov,mp4") == FileStructure()
