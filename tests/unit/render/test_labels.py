import pytest

from mien.render.labels import MAX_TEXT, MIN_TEXT, Side, captions, tag_size, text_sizes


def test_captions_come_longest_first() -> None:
    assert captions(3, "happy", 0.926) == ("3 happy 0.93", "3 happy", "3")
    assert captions(12, "sad", 0.412, uncertain=True) == ("12 sad? 0.41", "12 sad?", "12")


@pytest.mark.parametrize("long_side", [16, 300, 900, 2048, 8000])
def test_letter_sizes_are_bounded(long_side: int) -> None:
    sizes = text_sizes(long_side)
    assert sorted(sizes, reverse=True) == list(dict.fromkeys(sizes))
    assert MIN_TEXT <= sizes[-1] <= sizes[0] <= MAX_TEXT


def test_letters_grow_with_the_picture() -> None:
    assert text_sizes(300)[0] < text_sizes(1000)[0] < text_sizes(2000)[0] == 36


@pytest.mark.parametrize("side", list(Side))
def test_every_side_touches_the_box(side: Side) -> None:
    left, top = side.corner((100, 100, 200, 260), 50, 20)
    assert left in (50, 100, 150, 200)
    assert top in (80, 100, 240, 260)
    assert left <= 200
    assert left + 50 >= 100
    assert top <= 260
    assert top + 20 >= 100


def test_a_tag_is_larger_than_its_text() -> None:
    width, height, pad = tag_size("1 happy 0.93", 20)
    assert width > 2 * pad + 60
    assert height > 20
