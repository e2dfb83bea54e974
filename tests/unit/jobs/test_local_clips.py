from pathlib import Path

import pytest

from mien.jobs.local_clips import LocalClips
from mien.jobs.media_store import MediaStore


class CountingStore(MediaStore):
    """A store that is not a folder."""

    def __init__(self) -> None:
        super().__init__("memory:///")
        self.downloads = 0

    def download(self, key: str, target: Path) -> None:
        self.downloads += 1
        super().download(key, target)


@pytest.fixture
def store() -> CountingStore:
    made = CountingStore()
    for name in "abcd":
        made.put(name, name.encode())
    return made


def test_a_clip_is_downloaded_once_and_deleted_when_it_is_idle(store: CountingStore, tmp_path: Path) -> None:
    local = LocalClips(store, tmp_path)
    with local.opened("a") as first, local.opened("a") as second:
        assert first == second
        assert first.read_bytes() == b"a"
        local.remove_idle()
        assert first.exists()
    with local.opened("a") as again:
        assert again == first
    assert store.downloads == 1
    local.remove_idle(unused_for=60)
    assert first.exists()
    local.remove_idle()
    assert list(tmp_path.iterdir()) == []


def test_only_two_idle_clips_are_kept(store: CountingStore, tmp_path: Path) -> None:
    local = LocalClips(store, tmp_path)
    for name in "abcd":
        with local.opened(name):
            pass
    assert sorted(path.read_bytes() for path in tmp_path.rglob("clip")) == [b"c", b"d"]
    local.remove_idle()


def test_a_download_that_failed_is_tried_again(store: CountingStore, tmp_path: Path) -> None:
    local = LocalClips(store, tmp_path)
    with pytest.raises(FileNotFoundError), local.opened("late"):
        pass
    store.put("late", b"late")
    with local.opened("late") as path:
        assert path.read_bytes() == b"late"
    local.remove_idle()


def test_a_clip_in_a_folder_is_not_copied(tmp_path: Path) -> None:
    store = MediaStore(str(tmp_path))
    store.put("a", b"a")
    with LocalClips(store).opened("a") as path:
        assert path == tmp_path / "a"
