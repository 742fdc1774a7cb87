"""When to try again. Pure."""

import random

FIRST_S = 0.2
CAP_S = 15.0


def backoff_s(attempt: int, rng: random.Random, retry_after_s: float | None) -> float:
    """Return how long to wait before the next try, in seconds.

    Doubles from 0.2 s to 15 s with full jitter above one half; a store that says how
    long to wait is obeyed up to five minutes.
    """
    if retry_after_s is not None:
        return min(max(retry_after_s, 0.0), 300.0) + rng.uniform(0, 0.1)
    ceiling = min(CAP_S, FIRST_S * 2.0 ** min(attempt, 16))
    return rng.uniform(ceiling / 2, ceiling)
