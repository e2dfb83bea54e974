"""Learning rates and averaging decays as pure functions of the step."""

import math


def warmup_cosine(step: int, total: int, warmup: int, peak: float, floor: float = 0.0) -> float:
    """Learning rate at `step` (0-based) of `total`: a linear rise over `warmup` steps, then half a cosine."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (peak - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))


def ema_decay(step: int, decay: float) -> float:
    """Decay of the running average at `step`: small at first, so that the random start is soon forgotten."""
    return min(decay, (1.0 + step) / (10.0 + step))
