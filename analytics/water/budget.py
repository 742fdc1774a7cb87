"""How often may a channel be called odd: what was told lately raises what must be exceeded.

Each sign has a threshold of its own (``peaks``), and several signs together are over theirs
oftener than one; a probe that is lifted every fortnight is "serviced" every fortnight. So
what was told in the last 80 days counts: once a channel has told more than its budget, only
what is odder than that is told, and what is a quarter over the threshold always is. What no
sound probe says (no value, zero, impossible), air and trouble of the water itself have no
such bound. Pure.
"""

from typing import Final

from msgspec import Struct, field

from analytics.water.peaks import Peak
from greenwater.kernel.reading import DAY_MS, HOUR_MS

WINDOW_MS: Final = 80 * DAY_MS
"""Four in so long, one measured and three visits, are 0.05 a day."""
LOUD: Final = 1.25
"""What is so odd, in thresholds, is told however often it was so."""
OVER: Final = 1.01
"""What is only as odd as before is not odder."""
MEASURED, SERVICED = "measured", "serviced"
MOST: Final = {MEASURED: 1, SERVICED: 3}
"""How many of each sort may be told in the window whatever their size."""
SORTS: Final = {
    "spike": MEASURED,
    "level_shift": MEASURED,
    "noisy": MEASURED,
    "stuck": MEASURED,
    "water_change": MEASURED,
    "odd_combination": MEASURED,
    "serviced": SERVICED,
}
"""The causes that are a matter of degree."""


class Told(Struct, array_like=True):
    """The stretches told of in the window, and the one that goes on (an hour's pause ends it).

    ``need`` is what must be exceeded now, in thresholds of the signs.
    """

    kept: list[Peak] = field(default_factory=list)
    newest: Peak = field(default_factory=lambda: Peak(-(10**15), 0.0))
    need: float = 1.0


def share_left(told: Told, sort: str, at_ms: int, share: float) -> float:
    """Return a share of the threshold (1 or more) as a share of what must be exceeded now."""
    if at_ms - told.newest.at_ms > HOUR_MS:
        if told.newest.value > told.need:
            told.kept.append(told.newest)
        told.newest = Peak(at_ms, 0.0)
        told.kept = [one for one in told.kept if at_ms - one.at_ms < WINDOW_MS]
        heights = sorted((one.value for one in told.kept), reverse=True)
        most = MOST[sort]
        told.need = OVER * heights[most - 1] if len(heights) >= most else 1.0
        told.need = min(told.need, LOUD)
    told.newest = Peak(at_ms, max(told.newest.value, share))
    return share / told.need
