"""Fresh water coming: how far salinity fell in six hours, against its usual falls. Pure."""

from typing import Final

from msgspec import Struct, field

from analytics.water.peaks import Peaks
from greenwater.kernel.reading import HOUR_MS

LEAST_PSU: Final = 3.0
"""A fall that is too small to be a lens at all (domain.md §2.2)."""
HOURS: Final = 6


class FallState(Struct, array_like=True):
    """The highest value of each of the last hours, and the usual falls."""

    hours: list[tuple[int, float]] = field(default_factory=list)
    peaks: Peaks = field(
        default_factory=lambda: Peaks(LEAST_PSU, pause_ms=HOURS * HOUR_MS)
    )


def fall_share(state: FallState, at_ms: int, value: float) -> float:
    """Return the fall since the highest of the last six hours over what is unusual."""
    if state.peaks.since_ms == 0:
        state.peaks.since_ms = at_ms
    hour = at_ms // HOUR_MS
    if state.hours and state.hours[-1][0] == hour:
        if value > state.hours[-1][1]:
            state.hours[-1] = (hour, value)
    else:
        kept = [one for one in state.hours if one[0] >= hour - HOURS]
        state.hours = [*kept, (hour, value)]
    fall = max(top for _, top in state.hours) - value
    share = fall / state.peaks.threshold(at_ms)
    state.peaks.take(at_ms, min(fall, 100.0))
    return share
