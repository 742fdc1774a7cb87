"""What the model of ``score track`` says of a vessel's fix as it comes in. Pure but for the model.

The last day at sea is remembered, one fix in five minutes at most, so that the features of a fix
are those of ``features`` without reading anything again. A vessel in port is forgotten: what
is said of a trip does not depend on the one before it.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct, field

from analytics.fishing import model
from analytics.fishing.features import GEARS, PAST_KN, SHORE, STILL_KN, Floats
from analytics.fishing.hauls import HOUR_MS, MAX_GAP_MS, SLOW_KN, Fix
from analytics.fishing.model import SHARE_MS, TROLLING, share_of
from greenwater.reference.gears import gear_of

EVERY_MS: Final = 5 * 60_000
DAY_MS: Final = 24 * HOUR_MS
_WINDOWS_MS: Final = (HOUR_MS // 3, HOUR_MS, 3 * HOUR_MS, 12 * HOUR_MS, DAY_MS)
_BIN_KN: Final = 0.25
_BINS: Final = 120
_TOP: Final = 0.95
_LEAST_S: Final = 5.0
_SLOWEST_KN, _FAST_KN = 0.5, 7.0


class Seen(Struct, array_like=True):
    """The fixes of the last day at sea: (time, kn, turn); how often which speed was."""

    fixes: list[tuple[int, float, float | None]] = field(default_factory=list)
    speeds: list[int] = field(default_factory=list)
    last_at: tuple[float, float] | None = None
    heading: float | None = None

    def note(self, fix: Fix) -> bool:
        """Remember a fix; False: it follows too soon to say more."""
        if self.fixes and fix.time_ms - self.fixes[-1][0] < EVERY_MS:
            return False
        heading = None if self.last_at is None else heading_of(self.last_at, fix.at)
        turn = None
        if heading is not None and self.heading is not None:
            turn = abs((heading - self.heading + 180) % 360 - 180)
        self.last_at, self.heading = fix.at, heading
        # pandas' windows are open at their far end.
        first = bisect_left(self.fixes, (fix.time_ms - DAY_MS + 1,))
        del self.fixes[:first]
        self.fixes.append((fix.time_ms, round(fix.speed_kn, 3), turn))
        self.speeds = self.speeds or [0] * _BINS
        self.speeds[min(int(max(fix.speed_kn, 0.0) / _BIN_KN), _BINS - 1)] += 1
        return True

    def forget(self) -> None:
        """Forget all: the vessel is in port."""
        if self.fixes:
            self.fixes, self.speeds = [], []
            self.last_at = self.heading = None


class Asked(NamedTuple):
    """What there is to judge of a fix: features for the model, and the gear's own share.

    ``row`` None: the gear is judged by its share alone.
    """

    row: Floats | None
    share: float
    gear: str


def asked_of(seen: Seen, gear: str) -> Asked | None:
    """Return what is to be judged of the fix noted last.

    None where there is no other fix in the four hours before: no haul bridges more.
    """
    if len(seen.fixes) < 2 or seen.fixes[-1][0] - seen.fixes[-2][0] > MAX_GAP_MS:
        return None
    kind = gear_of(gear)
    low, high = kind.work_kn
    since = seen.fixes[-1][0] - SHARE_MS
    works = [low <= kn <= high for ms, kn, _ in seen.fixes if ms > since]
    share = share_of(sum(works) / len(works), works[-1])
    if kind.name == TROLLING:
        return Asked(None, share, gear)
    return Asked(row_of(seen.fixes, gear, seen.speeds), share, gear)


def chances_of(asked: Mapping[int, Asked]) -> dict[int, float]:
    """Return the probability that the gear worked, of each that was asked.

    It is what ``score track`` says: the model together with the gear's own speed.
    """
    found = {key: one.share for key, one in asked.items()}
    judged = [(key, one) for key, one in asked.items() if one.row is not None]
    if judged:
        said = model.asked(np.array([one.row for _, one in judged]))
        for (key, one), chance in zip(judged, said, strict=True):
            share = np.array([one.share])
            found[key] = float(model.with_gear(one.gear, chance[None], share)[0])
    return found


def row_of(
    fixes: Sequence[tuple[int, float, float | None]], gear: str, speeds: Sequence[int]
) -> Floats:
    """Return the features of the last fix: the last row of ``features``, as ``model.at_sea``."""
    now_ms = fixes[-1][0]
    gap_s = (now_ms - fixes[-2][0]) / 1000 if len(fixes) > 1 else math.nan
    times = np.array([one[0] for one in fixes])
    speed = np.array([one[1] for one in fixes])
    turn = np.array([math.nan if one[2] is None else one[2] for one in fixes])
    marks = (
        (speed > SLOW_KN[0]) & (speed < SLOW_KN[1]),
        speed >= _FAST_KN,
        speed <= _SLOWEST_KN,
    )
    row = [speed[-1], turn[-1], math.log(max(gap_s, _LEAST_S))]
    for window_ms in _WINDOWS_MS:
        at = slice(int(np.searchsorted(times, now_ms - window_ms, "right")), None)
        some, turns = speed[at], turn[at]
        turns = turns[~np.isnan(turns)]
        row += [
            some.mean(),
            some.std(ddof=1) if len(some) > 1 else math.nan,
            some.max(),
            some.min(),
            *(mark[at].mean() for mark in marks),
            turns.mean() if len(turns) else math.nan,
        ]
    words = [float(one in gear.lower()) for one in GEARS]
    row += [top_kn(speeds), math.nan, *_past_of(speeds)]
    row += [math.nan] * (SHORE.stop - SHORE.start)
    row += [*words, float(not any(words))]
    return np.array(row, np.float64)


def _past_of(speeds: Sequence[int]) -> list[float]:
    """Return how much of its fixes under way a vessel was slower than each of ``PAST_KN``."""
    still, *bounds = (int(kn / _BIN_KN) for kn in (STILL_KN, *PAST_KN))
    under_way = sum(speeds[still:])
    if not under_way:
        return [math.nan] * len(bounds)
    return [sum(speeds[still:bound]) / under_way for bound in bounds]


def top_kn(speeds: Sequence[int]) -> float:
    """Return the speed that one fix in twenty is over, within a quarter of a knot."""
    wanted, seen = _TOP * max(sum(speeds) - 1, 0), 0
    for number, count in enumerate(speeds):
        seen += count
        if seen > wanted:
            return (number + 0.5) * _BIN_KN
    return 0.0


def heading_of(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the heading from a place to the next (°), as ``score track`` takes it."""
    east = (b[1] - a[1]) * math.cos(math.radians(b[0]))
    return math.degrees(math.atan2(east, b[0] - a[0])) % 360
