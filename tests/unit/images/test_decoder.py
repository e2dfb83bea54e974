import threading
import time

import numpy as np
import pytest
from PIL import Image

from mien.errors import CorruptMedia, DeadlineExceeded, InvalidRequest
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from tests.unit.images.files import FORMATS, decoder, portrait, save


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"JPEG", "PNG", "BMP", "GIF"}))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_that_is_decoded_all_or_nothing_is_corrupt(name: str, share: float) -> None:
    data = save(portrait(), name)
    with pytest.raises(CorruptMedia, match="cut short"):
        decoder().decode(data[: int(len(data) * share)])


def test_a_reduced_decode_notices_the_cut_too() -> None:
    data = save(portrait(512), "JPEG", progressive=True)
    assert decoder().decode(data[: len(data) // 2], detector_side=32).warnings


def test_an_empty_file() -> None:
    with pytest.raises(InvalidRequest):
        decoder().decode(b"")


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_of_many_frames_is_taken(name: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    data = save(frames[0], name, save_all=True, append_images=frames[1:])
    frame = decoder().decode(data)
    assert (frame.width, frame.height) == (64, 48)
    assert np.abs(frame.pixels[20, 20].astype(int) - (0, 0, 255)).max() <= 3


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("side", "expected"), [(None, 1000), (400, 1000), (160, 500), (100, 500), (83, 250), (20, 125)]
)
def test_the_reduced_side_is_at_least_three_times_the_detectors(name: str, side: int | None, expected: int) -> None:
    frame = decoder().decode(save(portrait(1000).crop((0, 0, 1000, 601)), name), detector_side=side)
    assert (frame.width, frame.height) == (1000, 601)
    height, width = frame.pixels.shape[:2]
    assert width == expected
    assert side is None or width >= 3 * side or width == 1000
    assert height == -(-601 * expected // 1000)


def test_a_reduced_jpeg_looks_like_the_full_one() -> None:
    data = save(portrait(1024), "JPEG")
    reduced = decoder().decode(data, detector_side=80).pixels
    full = Image.fromarray(decoder().decode(data).pixels).resize((256, 256), Image.Resampling.BOX)
    assert reduced.shape == (256, 256, 3)
    assert np.abs(reduced.astype(int) - np.asarray(full)).mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (3, 2)])
@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_pictures_of_one_pixel_width_or_height(size: tuple[int, int], name: str) -> None:
    frame = decoder().decode(save(Image.new("RGB", size, "red"), name), detector_side=10)
    assert (frame.width, frame.height) == size
    assert min(frame.pixels.shape[:2]) >= 1


def test_decoding_for_display_is_capped() -> None:
    data = save(portrait(1000).crop((0, 0, 1000, 500)), "JPEG")
    frame = decoder().decode_within(data, long_side=300)
    assert frame.pixels.shape == (150, 300, 3)
    assert (frame.width, frame.height) == (1000, 500)
    assert decoder().decode_within(data, long_side=2000).pixels.shape == (500, 1000, 3)


def test_an_expired_deadline_costs_no_decode() -> None:
    with pytest.raises(DeadlineExceeded):
        decoder().decode(save(portrait(), "PNG"), deadline=time.monotonic() - 1)


def test_waiting_for_a_slot_ends_at_the_deadline() -> None:
    one_at_a_time = PictureDecoder(DecodeLimits(), 1)
    data = save(portrait(), "PNG")
    with one_at_a_time._small.take(1, None):
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            one_at_a_time.decode(data, deadline=started + 0.05)
        assert 0.04 < time.monotonic() - started < 1
    assert one_at_a_time.decode(data, deadline=time.monotonic() + 5).width == 256


def test_frames_hold_their_memory_until_they_are_released() -> None:
    # One such picture may be decoded; its frame leaves 3 of 17 bytes per pixel taken.
    data = save(portrait(100), "WEBP")
    full = PictureDecoder(DecodeLimits(max_pixels=100 * 100), 4)
    frame = full.decode(data)
    with pytest.raises(DeadlineExceeded):
        full.decode(data, deadline=time.monotonic() + 0.05)
    frame.release()
    frame = full.decode(data, deadline=time.monotonic() + 5)
    del frame  # dropped without release
    assert full.decode_within(data, long_side=50, deadline=time.monotonic() + 5).pixels.shape == (50, 50, 3)
    assert full.decode(data, deadline=time.monotonic() + 5).width == 100


def test_a_slot_is_free_again_after_an_error() -> None:
    one_at_a_time = PictureDecoder(DecodeLimits(), 1)
    data = save(portrait(), "PNG")
    for _ in range(3):
        with pytest.raises(CorruptMedia):
            one_at_a_time.decode(data[:200], deadline=time.monotonic() + 5)
    assert one_at_a_time.decode(data, deadline=time.monotonic() + 5).width == 256


def test_many_threads_get_equal_pixels() -> None:
    shared, data = decoder(), save(portrait(512), "JPEG")
    expected = shared.decode(data, detector_side=80).pixels
    same: list[bool] = []

    def work() -> None:
        same.extend(np.array_equal(shared.decode(data, detector_side=80).pixels, expected) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert same == [True] * 40
