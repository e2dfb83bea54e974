from collections.abc import Iterator

import pytest

from mien.sandbox.pool import SUPPORTED, DecoderPool

if not SUPPORTED:
    pytest.skip("decoder processes need Linux", allow_module_level=True)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    """Two processes that can also do what no decoder should."""
    pool = DecoderPool(["tests.unit.sandbox.misbehaviour"], 2)
    yield pool
    pool.close()
