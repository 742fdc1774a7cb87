"""A trip as a list of short legs: where from, where to, when, doing what.

``Course`` writes it, drawing on repeatable chance; once written it never changes.
"""

from typing import Final, NamedTuple

from firmware_sim.noise import normal, uniform
from firmware_sim.vessels.chart import (
    bearing_deg,
    between,
    distance_nm,
    moved,
    offset_nm,
)
from firmware_sim.vessels.plan import Activity, Point

PIECE_H: Final = 0.2
WANDER_NM: Final = 0.08


class Leg(NamedTuple):
    """A straight piece at one speed, ``[start_s, end_s)``; ``haul`` from 1, or None."""

    start_s: float
    end_s: float
    activity: Activity
    haul: int | None
    start: Point
    end: Point

    @property
    def speed_kn(self) -> float:
        """Return the speed over ground."""
        hours = (self.end_s - self.start_s) / 3600
        return distance_nm(self.start, self.end) / hours if hours else 0.0


class Course:
    """A boat's way, written leg by leg from ``at``."""

    def __init__(self, at: Point, t_s: float, *, seed: int, name: str) -> None:
        self.at, self.t_s = at, t_s
        self.legs: list[Leg] = []
        self.haul: int | None = None
        self._seed, self._name, self._drawn = seed, name, 0

    def draw(self, low: float, high: float) -> float:
        """Return the next number of this boat's chance, evenly from ``[low, high]``."""
        self._drawn += 1
        return low + (high - low) * uniform(self._seed, self._name, self._drawn)

    def _bell(self) -> float:
        self._drawn += 1
        return max(-2.0, min(2.0, normal(self._seed, self._name, self._drawn)))

    def go(
        self, to: Point, speed_kn: float, activity: Activity, *, spread: float
    ) -> None:
        """Sail to a point; speed and line waver, by ``spread`` and a little."""
        distance = distance_nm(self.at, to)
        count = max(1, round(distance / speed_kn / PIECE_H))
        start, across = self.at, bearing_deg(self.at, to) + 90
        for number in range(1, count + 1):
            aim = between(start, to, number / count)
            if number < count:
                aim = moved(aim, across, WANDER_NM * self._bell())
            self._piece(aim, speed_kn * (1 + spread * self._bell()), activity)

    def run(
        self,
        bearing: float,
        hours: float,
        speed_kn: float,
        activity: Activity,
        *,
        spread: float,
    ) -> None:
        """Hold a direction for some hours."""
        self.go(
            moved(self.at, bearing, speed_kn * hours), speed_kn, activity, spread=spread
        )

    def drift(
        self, hours: float, bearing: float, speed_kn: float, activity: Activity
    ) -> None:
        """Lie to the wind and current."""
        count = max(1, round(hours / PIECE_H / 2))
        for _ in range(count):
            away = moved(
                self.at,
                bearing + 25 * self._bell(),
                max(speed_kn, 0.02) * hours / count,
            )
            self._leg(away, hours / count * 3600, activity)

    def stay(self, hours: float, activity: Activity) -> None:
        """Lie still."""
        self._leg(self.at, hours * 3600, activity)

    def _piece(self, to: Point, speed_kn: float, activity: Activity) -> None:
        self._leg(to, distance_nm(self.at, to) / speed_kn * 3600, activity)

    def _leg(self, to: Point, length_s: float, activity: Activity) -> None:
        haul = self.haul if activity.is_fishing else None
        end_s = self.t_s + max(length_s, 1.0)
        self.legs.append(Leg(self.t_s, end_s, activity, haul, self.at, to))
        self.at, self.t_s = to, end_s


def away_from(centre: Point, at: Point, radius_nm: float) -> float | None:
    """Return the direction back to the centre if ``at`` is beyond the radius."""
    north, east = offset_nm(centre, at)
    if north * north + east * east <= radius_nm**2:
        return None
    return bearing_deg(at, centre)
