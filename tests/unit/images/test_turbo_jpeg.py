"""Whole JPEG files decoded without Pillow: the same pixels, and hands off everything else."""

import io
import random

import numpy as np
import pytest
from PIL import Image

from mien.domain import U8Array
from mien.errors import InputError
from mien.images import turbo_jpeg
from tests.mutations import mutated
from tests.unit.images.files import decoder, portrait, save


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"quality": 30}])
@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_the_pixels_are_those_that_pillow_decodes(mode: str, options: dict[str, int], factor: int) -> None:
    data = save(portrait(251).convert(mode), "JPEG", **options)
    with Image.open(io.BytesIO(data)) as image:
        image.draft(None, (251 // factor, 251 // factor))
        size, expected = image.size, np.asarray(image.convert("RGB"))[..., ::-1]
    pixels = turbo_jpeg.decode(data, size)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("damage", ["cut", "no end marker", "noise"])
def test_a_file_with_a_fault_is_left_to_pillow(damage: str) -> None:
    data = save(portrait(200), "JPEG")
    middle = len(data) // 2
    broken = {
        "cut": data[:middle],
        "no end marker": data[:-2],
        "noise": data[:middle] + b"\xff\xd8\xff\xc0" + data[middle + 4 :],
    }
    assert turbo_jpeg.decode(broken[damage], (200, 200)) is None


def test_files_that_need_a_conversion_or_an_interruption_are_left_to_pillow() -> None:
    assert turbo_jpeg.reads("RGB", keeps_coefficients=False)
    assert not turbo_jpeg.reads("RGB", keeps_coefficients=True)
    assert not turbo_jpeg.reads("CMYK", keeps_coefficients=False)


def test_a_file_larger_than_its_array_is_not_decoded() -> None:
    data = save(portrait(200), "JPEG")
    assert turbo_jpeg.decode(data, (200, 199)) is None
    assert turbo_jpeg.decode(data, (10, 10)) is None  # no less than an eighth of each side


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about mutated EXIF
def test_broken_files_are_answered_as_if_pillow_had_decoded_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, reads = random.Random(33), turbo_jpeg.reads
    whole = [save(portrait(side), "JPEG", orientation=6, subsampling=side % 3) for side in (64, 131, 200)]
    for number in range(200):
        data, side = mutated(whole[number % 3], chance), chance.choice([8, 320])
        monkeypatch.setattr(turbo_jpeg, "reads", reads)
        answer = decoded(data, side)
        monkeypatch.setattr(turbo_jpeg, "reads", lambda *_: False)
        assert answer == decoded(data, side), number


def decoded(data: bytes, side: int) -> tuple[object, ...]:
    try:
        frame = decoder().decode(data, detector_side=side)
    except InputError as error:
        return (str(error),)
    pixels: U8Array = frame.pixels
    return pixels.shape, pixels.tobytes(), frame.warnings, frame.readable
