import io

import numpy as np
import pytest
from PIL import Image

from mien.images.jpeg_scans import has_more_scans, is_stored_by_component


def jpeg(*, progressive: bool) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", progressive=progressive)
    return file.getvalue()


def go_on() -> None:
    pass


def test_a_baseline_picture_has_one_scan() -> None:
    data = jpeg(progressive=False)
    assert has_more_scans(data, 0, go_on)
    assert not has_more_scans(data, 1, go_on)


def test_a_progressive_picture_has_about_ten() -> None:
    data = jpeg(progressive=True)
    assert has_more_scans(data, 5, go_on)
    assert not has_more_scans(data, 20, go_on)


def test_what_follows_the_picture_or_lies_in_a_segment_is_not_counted() -> None:
    scans = b"\xff\xda\x00\x02" * 50
    comment = b"\xff\xfe" + (2 + len(scans)).to_bytes(2) + scans
    data = jpeg(progressive=False)
    assert not has_more_scans(data[:2] + comment + data[2:] + scans, 1, go_on)


def test_scans_that_are_added_are_counted() -> None:
    data = jpeg(progressive=False)
    assert has_more_scans(data[:-2] + b"\xff\xda\x00\x02" * 50 + data[-2:], 50, go_on)


def test_the_check_ends_the_search() -> None:
    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        has_more_scans(jpeg(progressive=True), 5, stop)


@pytest.mark.parametrize("progressive", [False, True])
def test_the_first_scan_of_a_usual_picture_has_all_components(progressive: bool) -> None:
    assert not is_stored_by_component(jpeg(progressive=progressive), 3, go_on)


def test_a_first_scan_of_one_component_of_three() -> None:
    data = jpeg(progressive=False)
    scan = data.index(b"\xff\xda") + 4  # past marker and length: the number of components
    assert is_stored_by_component(data[:scan] + b"\x01" + data[scan + 1 :], 3, go_on)
