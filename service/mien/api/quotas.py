"""The limits of keys, and of wrong keys, counted by the ``limits`` library."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from mien.access.keys import Key, parse_limit
from mien.api.key_errors import RateLimited, TooManyWrongKeys
from mien.errors import TooLarge

_WRONG_KEYS = parse_limit("10/minute")  # per address


class Quotas:
    """Counts in this process's memory; a storage that several processes share would be another storage of ``limits``.

    Requests are counted in a moving window, so that ``10/second`` holds for any second. Bytes and wrong keys are
    counted in fixed windows, which begin at the first of them and take the same memory however many there are.
    """

    def __init__(self) -> None:
        storage = MemoryStorage()
        self._moving = MovingWindowRateLimiter(storage)
        self._fixed = FixedWindowRateLimiter(storage)
        self._running: Counter[str] = Counter()

    def wrong_key(self, address: str) -> None:
        """Count an unknown key from ``address``."""
        self._fixed.hit(_WRONG_KEYS, "wrong", address)

    def is_blocked(self, address: str) -> bool:
        """Whether too many unknown keys came from ``address``."""
        return not self._fixed.test(_WRONG_KEYS, "wrong", address)

    def too_many_wrong_keys(self, address: str) -> TooManyWrongKeys:
        """What a blocked ``address`` is told."""
        wait = self._wait(self._fixed, _WRONG_KEYS, "wrong", address)
        return TooManyWrongKeys(f"Too many wrong keys came from your address. Retry in {wait:.0f} s.", wait)

    @contextmanager
    def request(self, key: Key, declared: int) -> Iterator[None]:
        """Counts a request of ``key``, whose body has ``declared`` bytes (0 if it does not say).

        Raises:
            RateLimited: it is over one of the key's limits.
            TooLarge: the body alone is over the key's limit of bytes.
        """
        self._check_bytes(key, declared)
        if key.concurrency is not None and self._running[key.id] >= key.concurrency:
            raise RateLimited(
                f"This key has {key.concurrency} requests in progress, and may have no more. Retry in 1 s."
            )
        if key.rate is not None:
            item = parse_limit(key.rate)
            if not self._moving.hit(item, key.id):
                wait = self._wait(self._moving, item, key.id)
                raise RateLimited(f"This key may send {item} requests. Retry in {wait:.0f} s.", wait)
        self._running[key.id] += 1
        try:
            yield
        finally:
            self._running[key.id] -= 1
            if not self._running[key.id]:
                del self._running[key.id]

    def count_bytes(self, key: Key, size: int) -> None:
        """Count ``size`` received bytes of a body.

        Raises:
            RateLimited: they are too many for the key.
        """
        if key.volume is None or size == 0:
            return
        item = parse_limit(key.volume)
        if not self._fixed.hit(item, "bytes", key.id, cost=size):
            raise self._too_many_bytes(key, item)

    def _check_bytes(self, key: Key, declared: int) -> None:
        if key.volume is None:
            return
        item = parse_limit(key.volume)
        if declared > item.amount:
            raise TooLarge(
                "key_bytes", item.amount, f"This key may send {_bytes(item)}; the body alone has {declared:,}."
            )
        if not self._fixed.test(item, "bytes", key.id, cost=max(1, declared)):
            raise self._too_many_bytes(key, item)

    def _too_many_bytes(self, key: Key, item: RateLimitItem) -> RateLimited:
        wait = self._wait(self._fixed, item, "bytes", key.id)
        return RateLimited(f"This key may send {_bytes(item)}. Retry in {wait:.0f} s.", wait)

    @staticmethod
    def _wait(
        limiter: MovingWindowRateLimiter | FixedWindowRateLimiter, item: RateLimitItem, *identifiers: str
    ) -> float:
        """Seconds, at least 1, until the limit lets something in again."""
        return max(1.0, limiter.get_window_stats(item, *identifiers).reset_time - time.time())


def _bytes(item: RateLimitItem) -> str:
    return str(item).replace(" ", " bytes ", 1)
