"""A boat's trips: where it is and what it does at any instant, and what GPS says."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from firmware_sim.noise import smooth
from firmware_sim.sources import Fix
from firmware_sim.vessels.chart import bearing_deg, between, distance_nm, moved, port
from firmware_sim.vessels.fisheries import METHODS, REACH_NM, STEADY, STEAM_KN
from firmware_sim.vessels.log import Course, Leg
from firmware_sim.vessels.plan import Activity, Point, Trip

GPS_SIGMA_M: Final = 2.5
_GPS_EVERY_S: Final = 60.0
_METRES_PER_NM: Final = 1852.0
_LOOK_S: Final = 10.0


class Voyage:
    """A ``PositionSource``, and the truth of it; before and after it the boat is moored.

    ``start_s`` is when the scenario begins. ``legs`` is the whole of it, port to port.
    """

    def __init__(self, trip: Trip, *, seed: int, name: str, start_s: float) -> None:
        self._seed, self._name = seed, name
        self._berth = port(trip.port)
        self.legs: Sequence[Leg] = tuple(
            _sailed(trip, seed=seed, name=name, start_s=start_s)
        )
        self._starts = [leg.start_s for leg in self.legs]

    def leg_at(self, t_s: float) -> Leg | None:
        """Return the leg it is on; None while moored before or after its trips."""
        index = bisect_right(self._starts, t_s) - 1
        if index < 0 or t_s >= self.legs[index].end_s:
            return None
        return self.legs[index]

    def position_at(self, t_s: float) -> Point:
        """Return where it truly is."""
        leg = self.leg_at(t_s)
        if leg is None:
            return self._berth
        share = (t_s - leg.start_s) / (leg.end_s - leg.start_s)
        return between(leg.start, leg.end, share)

    def stretches(self) -> Iterator[Leg]:
        """Yield its legs, those that continue one activity joined into one."""
        for _, group in groupby(self.legs, key=lambda leg: (leg.activity, leg.haul)):
            legs = list(group)
            yield legs[0]._replace(end_s=legs[-1].end_s, end=legs[-1].end)

    def fix_at(self, t_s: float) -> Fix:
        """Return what the receiver shows: off by metres, and by a tenth of a knot.

        The error wanders; speed and course are those of the track it draws.
        """
        before, after = self._shown(t_s - _LOOK_S), self._shown(t_s + _LOOK_S)
        latitude, longitude = self._shown(t_s)
        speed_kn = distance_nm(before, after) / (2 * _LOOK_S / 3600)
        return Fix(latitude, longitude, speed_kn, bearing_deg(before, after))

    def _shown(self, t_s: float) -> Point:
        north = smooth(self._seed, f"{self._name}/n", t_s, every_s=_GPS_EVERY_S)
        east = smooth(self._seed, f"{self._name}/e", t_s, every_s=_GPS_EVERY_S)
        error_nm = GPS_SIGMA_M * math.hypot(north, east) / _METRES_PER_NM
        direction = math.degrees(math.atan2(east, north))
        return moved(self.position_at(t_s), direction, error_nm)


def _sailed(trip: Trip, *, seed: int, name: str, start_s: float) -> list[Leg]:
    berth = port(trip.port)
    course = Course(berth, start_s + trip.leave_h * 3600, seed=seed, name=name)
    low, high = STEAM_KN[trip.fishery]
    near_nm = REACH_NM[trip.fishery] / 4
    for number in range(trip.trips):
        if number:
            course.stay(trip.rest_h, Activity.MOORED)
        chosen = moved(trip.ground, course.draw(0, 360), course.draw(0, 1) * near_nm)
        for point in (*trip.via, chosen):
            course.go(point, course.draw(low, high), Activity.STEAM, spread=STEADY)
        for haul in range(1, trip.hauls + 1):
            course.haul = haul
            METHODS[trip.fishery](course, trip)
        course.haul = None
        for point in (*reversed(trip.via), berth):
            course.go(point, course.draw(low, high), Activity.STEAM, spread=STEADY)
    return course.legs
