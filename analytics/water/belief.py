"""From signs to a score in [0, 1] and a cause. Pure.

``share`` 1 is the threshold that a channel reaches, in its usual life, less than 0.05 times
a day; it makes a score of 0.5. The score rises with the share and is the same function
for every channel and time, so scores can be compared.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from analytics.water.episodes import Odd
from analytics.water.signs import Signs

MOST_SHARE: Final = 20.0
"""What is odder scores no higher, .9999."""
DEAD, LOST, IMPOSSIBLE, CRASH = 0.97, 0.9, 0.97, 0.95
"""The scores of what is no matter of degree: a zero out of nothing, a value that is not
there, one that cannot be, oxygen that is gone."""
QUIET: Final = 0.9
"""Under so much of the threshold nothing is told, and no cause need be found."""
EITHER: Final = 0.6
"""The most that two probes apart say of one of them."""
ALONE: Final = 0.8
"""The most that a probe's own past says against it."""
NEARBY: Final = 0.75
"""The share that is enough while another channel of the probe is just lost."""
HELD_NEARBY: Final = 1.2
"""The share of a value that is held while another channel is just lost."""
TOGETHER: Final = 0.8
"""What a share of the threshold counts of channels that move together otherwise."""
WEIGHTS: Final = {"jump": 1.0, "burst": 0.95, "held": 0.45}
"""The same of each sign; what they are worth, docs/analytics-water.md tells."""
MOVING: Final = 0.8
"""How fast a channel moved, in usual steps, so that one repeated value is a held one."""
CRASH_MG_L: Final = 2.0
"""Less is a crash (docs/glossary.md), whatever lives there; as in ``oxygen.crash``."""


class Around(NamedTuple):
    """What the probe's other channels did: lost just now, jumped at the same instant.

    ``is_lifted``: one of them had no value just now. ``is_blind``: this one is made with
    another, which has none at this instant.
    """

    lost: tuple[str, ...] = ()
    jumped: tuple[str, ...] = ()
    is_dry: bool = False
    is_lifted: bool = False
    is_blind: bool = False


NOTHING: Final = Around()


def scored(share: float) -> float:
    """Return the score of a share of the threshold."""
    if share <= 0:
        return 0.0
    if share > MOST_SHARE:
        share = MOST_SHARE
    power = share * share * share
    return power / (1 + power)


def share_of(score: float) -> float:
    """Return the share that makes a score (0 to below 1): the inverse of ``scored``."""
    return float((score / (1 - score)) ** (1 / 3))


def sensor_odd(signs: Signs, around: Around) -> Odd:
    """Return what is odd about a reading as a fault of the probe."""
    if signs.is_dead or signs.is_lost or around is not NOTHING:
        unmeasured = _unmeasured(signs, around)
        if unmeasured is not None:
            return unmeasured
    if not around.lost:
        weights = WEIGHTS
        quiet = signs.jump * weights["jump"]
        if quiet < QUIET:
            quiet = max(
                quiet,
                signs.burst * weights["burst"],
                signs.held * weights["held"],
                signs.off,
            )
            if quiet < QUIET:
                return Odd(scored(quiet), "spike")
    shares: Mapping[str, float] = {
        "spike": signs.jump * WEIGHTS["jump"],
        "level_shift": signs.off,
        "noisy": signs.burst * WEIGHTS["burst"],
        "stuck": signs.held * WEIGHTS["held"],
        "serviced": _serviced(signs) if around.is_lifted else 0.0,
    }
    cause = max(shares, key=shares.__getitem__)
    score = scored(shares[cause])
    if cause in ("spike", "level_shift") and around.jumped and not around.lost:
        return Odd(score, "water_change", around.jumped)
    return Odd(score, cause, around.lost)


def _unmeasured(signs: Signs, around: Around) -> Odd | None:
    """Return what is odd about a number that measures no water; None if it may."""
    if signs.is_dead:
        return Odd(DEAD, "out_of_water" if around.is_dry else "reads_zero", around.lost)
    if around.is_dry:
        return Odd(LOST, "out_of_water", around.lost)
    if signs.is_lost:
        return Odd(LOST, "no_value", around.lost)
    if around.is_blind and signs.repeats:
        cause = "serviced" if around.lost else "no_value"
        return Odd(LOST, cause, around.lost, is_certain=True)
    return None


def _serviced(signs: Signs) -> float:
    is_held = signs.repeats >= 2 or (signs.repeats == 1 and signs.step >= MOVING)
    held = HELD_NEARBY if is_held else 0.0
    return max(signs.jump / NEARBY, held)
