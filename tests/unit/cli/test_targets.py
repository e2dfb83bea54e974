"""Where ``mien predict --annotate`` writes."""

from pathlib import Path

import pytest

from service.cli.targets import names_for


def names(*pictures: str, folder: str = "out") -> list[str]:
    targets = names_for([Path(picture) for picture in pictures], Path(folder))
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
def test_one_file_a_picture(pictures: list[str], expected: list[str]) -> None:
    assert names(*pictures) == expected
    assert names(*pictures) == expected


def test_a_picture_given_is_not_written_over() -> None:
    assert names("x.jpg", "x.annotated.jpg", folder=".") == ["x-2", "x.annotated"]
    assert names("x.jpg", "other/x.annotated.jpg", folder=".") == ["x", "x.annotated"]


def test_the_folder_may_be_written_in_another_way(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    pictures = [tmp_path / "x.jpg", tmp_path / "real" / "x.annotated.jpg"]
    assert names_for(pictures, tmp_path / "link")[0].name == "x-2.annotated.jpg"


def test_a_loop_of_links_is_left_to_whoever_opens_it(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").symlink_to("x.jpg")
    assert names_for([tmp_path / "x.jpg"], tmp_path)[0].name == "x.annotated.jpg"


def test_thousands_of_equal_names_are_no_trouble() -> None:
    assert len(set(names(*(f"{number}/x.jpg" for number in range(5000))))) == 5000
