from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from mien.domain import NEVER_CANCELLED, Cancellation
from mien.sandbox.pool import SUPPORTED, DecoderPool
from mien.sandbox.session import DEFAULT_LIMITS, Session, TaskLimits

if not SUPPORTED:
    pytest.skip("decoder processes need Linux", allow_module_level=True)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    """Two processes that can also do what no decoder should."""
    pool = DecoderPool(["tests.unit.sandbox.misbehaviour"], 2)
    yield pool
    pool.close()


@contextmanager
def started(
    pool: DecoderPool,
    task: str,
    body: bytes = b"",
    descriptors: Sequence[int] = (),
    *,
    limits: TaskLimits = DEFAULT_LIMITS,
    cancellation: Cancellation = NEVER_CANCELLED,
) -> Iterator[Session]:
    """A task that has begun."""
    with closing(pool.session(task, limits, cancellation)) as session:
        session.start(body, descriptors)
        yield session
