from collections.abc import Iterator

import httpx
import pytest

from tests.api.live import serving_fake
from tests.fakes import FakeEngine


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One server a module, with an engine that finds one face in every picture."""
    with serving_fake(FakeEngine()) as client:
        yield client
