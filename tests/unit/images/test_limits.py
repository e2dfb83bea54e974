import time
import tracemalloc

import pytest

from mien.errors import TooLarge
from mien.images.limits import DecodeLimits
from tests.unit.images.files import FORMATS, decoder, png_header, portrait, save


def test_a_huge_header_is_refused_from_the_header_alone() -> None:
    data = png_header(50_000, 50_000)
    decoder().decode(save(portrait(64), "PNG"))
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(TooLarge, match="50000 x 50000") as caught:
        decoder().decode(data)
    elapsed = time.perf_counter() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.limit == "max_side"
    assert elapsed < 0.05
    assert peak < 1_000_000


def test_pixels_are_bounded_where_no_side_is() -> None:
    with pytest.raises(TooLarge, match="65,000,000") as caught:
        decoder().decode(png_header(9_000, 9_000))
    assert (caught.value.limit, caught.value.bound) == ("max_pixels", 65_000_000)


@pytest.mark.parametrize("name", FORMATS)
def test_the_bound_on_pixels_holds_for_every_format(name: str) -> None:
    data = save(portrait(64), name)
    assert decoder(DecodeLimits(max_pixels=64 * 64)).decode(data).width == 64
    with pytest.raises(TooLarge):
        decoder(DecodeLimits(max_pixels=64 * 64 - 1)).decode(data)


def test_bytes_are_bounded() -> None:
    data = save(portrait(64), "BMP")
    assert decoder(DecodeLimits(max_bytes=len(data))).decode(data).height == 64
    with pytest.raises(TooLarge) as caught:
        decoder(DecodeLimits(max_bytes=len(data) - 1)).decode(data)
    assert caught.value.limit == "max_bytes"
