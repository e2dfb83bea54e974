import time

import pytest

from mien.api.negotiation import choose
from mien.errors import NotAcceptable

OFFERS = ("application/json", "image/png", "image/jpeg")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*", "application/json"),
        ("image/*;q=0.3, */*;q=0.2", "image/png"),
        ("application/json;q=0.1, */*;q=0.5", "image/png"),
        ("application/json;q=0, */*", "image/png"),
        ("IMAGE/JPEG ; Q=1", "image/jpeg"),
        ("image/png, */*", "image/png"),
        ("application/json, text/plain, */*", "application/json"),
        ("image/jpeg;level=1;q=0.4, image/png;q=0.3", "image/jpeg"),
        ("text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8", "application/json"),
    ],
)
def test_the_best_offer(accept: str | None, expected: str) -> None:
    assert choose(accept, OFFERS) == expected


@pytest.mark.parametrize(
    "accept", ["text/csv", "*/*;q=0", "image/png;q=high", "image/png;q=nan", "image/png;q=-1", "/"]
)
def test_nothing_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/json, image/png, image/jpeg"):
        choose(accept, OFFERS)


def test_the_longest_accepted_header_is_parsed_quickly() -> None:
    worst = ",".join(["a/b;q=0.1;" + ";" * 53] * 63 + ["image/png"])
    assert len(worst) <= 4096
    started = time.monotonic()
    assert choose(worst, OFFERS) == "image/png"
    assert time.monotonic() - started < 0.1


@pytest.mark.parametrize("accept", ["image/png," * 64 + "image/png", "image/png;level=" + "1" * 4096, ";" * 1_000_000])
def test_an_overlong_header_is_refused_unparsed(accept: str) -> None:
    started = time.monotonic()
    with pytest.raises(NotAcceptable, match=r"64 types.*application/json"):
        choose(accept, OFFERS)
    assert time.monotonic() - started < 0.1
