"""How quickly admitted work is finished, measured, so that a refusal can say when to come back."""

import math

_MEMORY_SECONDS = 10.0
"""Of saturated time after which a measurement counts 1/e."""


class Drain:
    """An exponentially weighted service rate, in units of cost per second.

    Only time in which every thread was busy counts: in between, the rate is that at which work arrives.
    """

    def __init__(self) -> None:
        self._cost = 0.0
        self._seconds = 0.0
        self._at = 0.0

    def passed(self, now: float, *, saturated: bool) -> None:
        """Time has passed until ``now`` (``time.monotonic()``), with all threads busy or not."""
        if saturated:
            decay = math.exp(-(now - self._at) / _MEMORY_SECONDS)
            self._cost *= decay
            self._seconds = self._seconds * decay + _MEMORY_SECONDS * (1 - decay)
        self._at = now

    def finished(self, cost: float) -> None:
        """Work of that cost was finished while all threads were busy."""
        self._cost += cost

    def seconds_for(self, cost: float) -> float:
        """How long work of that cost will take; little before anything was measured.

        While the first work of a saturated service is not finished, it counts as if it were finishing now.
        """
        return cost * self._seconds / max(self._cost, 1.0)
