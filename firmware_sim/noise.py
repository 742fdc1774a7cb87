"""Repeatable chance: the same seed, name and slot give the same number, for ever."""

import math
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist
from typing import Final

_STANDARD: Final = NormalDist()


@lru_cache(maxsize=1 << 16)
def uniform(seed: int, name: str, slot: int) -> float:
    """Return a number from (0, 1)."""
    digest = blake2b(f"{seed}:{name}:{slot}".encode(), digest_size=6).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**48


def normal(seed: int, name: str, slot: int) -> float:
    """Return a number from the standard normal distribution."""
    return _STANDARD.inv_cdf(uniform(seed, name, slot))


def smooth(seed: int, name: str, t_s: float, *, every_s: float) -> float:
    """Return a continuous signal that passes a standard normal number each ``every_s``.

    It is at most a few units from zero and has no steps.
    """
    slot = math.floor(t_s / every_s)
    share = t_s / every_s - slot
    weight = (1 - math.cos(math.pi * share)) / 2
    before, after = normal(seed, name, slot), normal(seed, name, slot + 1)
    return before + (after - before) * weight
