"""Where ``mien predict --annotate`` writes, and whether ``mien video`` can."""

from pathlib import Path

import click
import pytest

from mien.cli.files import PictureOrFolder, check_writable, encoding_of, output_files
from mien.cli.inputs import Input
from mien.cli.outputs import OutputFile
from mien.errors import InputError, InvalidOption
from mien.images.encode import Encoding
from tests.permissions import open_folder, without_privileges


def names(*pictures: str, folder: str = "out") -> list[str]:
    targets = output_files([Input(Path(picture)) for picture in pictures], Path(folder), "annotated")
    assert all(target.parent == Path(folder) for target in targets)
    assert len({str(target).casefold() for target in targets}) == len(pictures)
    return [target.name.removesuffix(".annotated.jpg") for target in targets]


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        (["a.jpg", "b.png"], ["a", "b"]),
        (["s1/x.jpg", "s2/x.jpg", "s3/x.jpg"], ["x", "x-2", "x-3"]),
        (["x.jpg", "x.png"], ["x", "x-2"]),
        (["x.jpg", "x.png", "x-2.jpg"], ["x", "x-2", "x-2-2"]),
        (["x-2.jpg", "x.jpg", "x.png"], ["x-2", "x", "x-3"]),
        (["x.jpg", "X.jpg"], ["x", "X-2"]),
        (["X.jpg", "x.jpg"], ["X", "x-2"]),
        (["x.jpg", "x.jpg"], ["x", "x-2"]),
    ],
)
def test_one_file_per_picture(pictures: list[str], expected: list[str]) -> None:
    assert names(*pictures) == expected
    assert names(*pictures) == expected


def test_an_input_picture_is_not_overwritten() -> None:
    assert names("x.jpg", "x.annotated.jpg", folder=".") == ["x-2", "x.annotated"]
    assert names("x.jpg", "other/x.annotated.jpg", folder=".") == ["x", "x.annotated"]


def test_the_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    pictures = [Input(tmp_path / "x.jpg"), Input(tmp_path / "real" / "x.annotated.jpg")]
    assert output_files(pictures, tmp_path / "link", "annotated")[0].name == "x-2.annotated.jpg"


def test_a_loop_of_links_is_reported_when_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").symlink_to("x.jpg")
    assert output_files([Input(tmp_path / "x.jpg")], tmp_path, "annotated")[0].name == "x.annotated.jpg"


def test_thousands_of_equal_names() -> None:
    assert len(set(names(*(f"{number}/x.jpg" for number in range(5000))))) == 5000


def test_redacted_pictures_are_named_so() -> None:
    assert output_files([Input(Path("x.jpg")), Input(Path("x.png"))], Path(), "redacted") == [
        Path("x.redacted.jpg"),
        Path("x-2.redacted.jpg"),
    ]


@pytest.mark.parametrize("text", ["out", "out/", "a/b", "new.png", "new.JPG", "new.jpeg", "v1.2/", ".hidden"])
def test_a_folder_or_a_new_picture_can_be_named(text: str) -> None:
    assert PictureOrFolder().convert(text, None, None) == Path(text)


@pytest.mark.parametrize("name", ["x.gif", "x.webp", "x.avi", "v1.2"])
def test_a_picture_in_another_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not a \.jpg or \.png"):
        PictureOrFolder().convert(str(tmp_path / name), None, None)
    (tmp_path / name).mkdir()
    assert PictureOrFolder().convert(str(tmp_path / name), None, None) == tmp_path / name


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x"])
def test_an_existing_file_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(click.BadParameter, match="already exists"):
        PictureOrFolder().convert(str(tmp_path / name), None, None)


def test_one_output_file_takes_one_picture(tmp_path: Path) -> None:
    target = tmp_path / "new.png"
    both = [Input(Path("x.jpg")), Input(Path("y.jpg"))]
    assert output_files([Input(Path("x.jpg"))], target, "annotated") == [target]
    assert encoding_of(target) is Encoding.PNG
    assert encoding_of(Path("X.JPG")) is Encoding.JPEG
    with pytest.raises(InvalidOption, match="is one file, for 2 pictures; name a folder"):
        output_files(both, target, "annotated")
    target.mkdir()
    assert [file.parent for file in output_files(both, target, "annotated")] == [target] * 2


def test_only_one_suffix_is_accepted() -> None:
    output = OutputFile(".png")
    assert output.convert("a/Plot.PNG", None, None) == Path("a/Plot.PNG")
    for wrong in ("clip.mkv", "png", "plot.jpg", ".png/x"):
        with pytest.raises(click.BadParameter, match=r"does not end in \.png"):
            output.convert(wrong, None, None)


def test_the_check_leaves_a_writable_file_unchanged(tmp_path: Path) -> None:
    old, link = tmp_path / "old.mp4", tmp_path / "link.mp4"
    old.write_bytes(b"old")
    link.symlink_to(tmp_path / "linked.mp4")
    for target in (old, tmp_path / "new.mp4", link):
        check_writable(target)
    assert set(tmp_path.iterdir()) == {old, link}
    assert old.read_bytes() == b"old"
    assert link.is_symlink()


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    for target, why in (
        (nowhere / "new.mp4", f"there is no folder {nowhere}"),
        (tmp_path, "Is a directory"),
        (tmp_path / f"{'x' * 300}.mp4", "File name too long"),
        (loop, "Too many levels"),
    ):
        with pytest.raises(InputError, match=f"^cannot write {target}: {why}"):
            check_writable(target)


def test_permission_to_write_is_needed() -> None:
    with open_folder() as folder:
        old, hidden = folder / "old.mp4", folder / "inner" / "new.mp4"
        old.touch(0o444)
        hidden.parent.mkdir(0)
        folder.chmod(0o555)
        for target in (old, folder / "new.mp4", hidden):
            with without_privileges(), pytest.raises(InputError, match="Permission denied"):
                check_writable(target)
        assert set(folder.iterdir()) == {old, hidden.parent}
        folder.chmod(0o755)
        hidden.parent.chmod(0o755)
