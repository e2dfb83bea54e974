from pathlib import Path

import pytest

from mien.video.containers import declared_end, open_container, picture_stream
from tests.clips import Recipe, moving, steps, write_clip
from tests.permissions import open_folder, without_privileges

WRITTEN = b"00:00:02.000000000"
BOUND = 1_000_000  # pixels


def tagged(folder: Path, tag: str) -> Path:
    """Two seconds of Matroska whose picture track says that it is ``tag`` long."""
    path = write_clip(folder / "clip.mkv", steps(50), moving(50), Recipe(form="matroska"))
    content = path.read_bytes()
    assert content.count(WRITTEN) == 1
    path.write_bytes(content.replace(WRITTEN, tag.encode().ljust(len(WRITTEN))))
    return path


def end_of(path: Path) -> float | None:
    with open_container(path, BOUND) as container:
        return declared_end(container, picture_stream(container))


def test_a_track_of_matroska_ends_where_its_tag_says(tmp_path: Path) -> None:
    assert end_of(tagged(tmp_path, "00:00:01.500000000")) == 1.5
    assert end_of(tagged(tmp_path, "1:02:03")) == 3723


NO_TIMES = (
    *("xx:yy:zz", "00:00:nan", "00:00:inf", "00:00:1e9", "-1:00:00", "00:-1:00", "1_0:00:00", f"{10**12}:0:0"),
    *("a:b:c:d", "::", "", "00:00:00.000000000"),
)


@pytest.mark.parametrize("tag", NO_TIMES)
def test_a_tag_that_is_no_time_leaves_it_to_the_container(tmp_path: Path, tag: str) -> None:
    assert end_of(tagged(tmp_path, tag)) == 2.0


def test_a_file_that_is_not_there_or_not_for_us_is_no_broken_clip(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_container(tmp_path / "clip.mp4", BOUND)
    with open_folder() as folder:
        closed = write_clip(folder / "clip.mp4", steps(5), moving(5))
        closed.chmod(0)
        with without_privileges(), pytest.raises(PermissionError) as caught:
            open_container(closed, BOUND)
    assert caught.value.__context__ is None  # said once, not on the way to say something else
