"""How each kind of boat of Khánh Hòa works its ground.

Speeds: steaming 7 to 9 kn (small boats 6 to 7), longline set 7 to 9 and hauled at 2 to
4, trawl towed at 2.5 to 4. Hours: longlines are set in the afternoon, soak in the
night and are hauled in the morning; a trawler tows by day and night, three to four
hours each; gillnetters lie out one night. Drawn by hand from domain.md §3.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from firmware_sim.vessels.chart import moved, offset_nm
from firmware_sim.vessels.log import Course, away_from
from firmware_sim.vessels.plan import Activity, Fishery, Trip
from firmware_sim.waters.sky import local_hour

STEAM_KN: Final[Mapping[Fishery, tuple[float, float]]] = {
    Fishery.COASTAL: (6.0, 7.0),
    Fishery.TRAWL: (7.0, 8.2),
    Fishery.TUNA_LONGLINE: (7.5, 8.8),
}
REACH_NM: Final[Mapping[Fishery, float]] = {
    Fishery.COASTAL: 1.5,
    Fishery.TRAWL: 6.0,
    Fishery.TUNA_LONGLINE: 18.0,
}
"""How far from the middle of its ground a boat begins a haul at most."""

ALONG_DEG: Final = 12.0  # as the coast runs
LEAN_DEG: Final = 60.0  # back to the middle, when half a reach off it
STEADY: Final = 0.03
ROUGH: Final = 0.10


def longline(course: Course, trip: Trip) -> None:
    """One day of a tuna longliner: wait, set, soak, haul."""
    _wait_until(course, hour=15.0)
    heading = _heading(course, trip)
    first, wind = course.at, course.draw(190, 260)
    hours = course.draw(3.5, 4.5)
    course.run(heading, hours, course.draw(7.4, 8.6), Activity.SET, spread=STEADY)
    course.drift(course.draw(4.5, 6.0), wind, course.draw(0.3, 0.8), Activity.SOAK)
    back = moved(first, wind, 4)  # the line has drifted as well
    while (bearing := away_from(back, course.at, 2.5)) is not None:
        pull_h, speed_kn = course.draw(0.6, 1.2), course.draw(2.5, 3.3)
        course.run(bearing, pull_h, speed_kn, Activity.HAUL, spread=ROUGH)


def trawl(course: Course, trip: Trip) -> None:
    """One tow: shoot, tow with a turn or two, heave to and empty the net."""
    heading = _heading(course, trip)
    course.run(heading, 0.25, course.draw(3.6, 4.2), Activity.SET, spread=STEADY)
    for _ in range(3):
        speed_kn, hours = course.draw(2.7, 3.6), course.draw(0.9, 1.3)
        course.run(heading, hours, speed_kn, Activity.TOW, spread=STEADY)
        heading = _heading(course, trip, before=heading)
    course.drift(course.draw(0.4, 0.7), heading, course.draw(0.4, 1.0), Activity.HAUL)


def gillnet(course: Course, trip: Trip) -> None:
    """One setting of a net, and the wait beside it."""
    heading, wind = _heading(course, trip), course.draw(190, 260)
    course.run(
        heading,
        course.draw(0.5, 0.8),
        course.draw(3.0, 4.0),
        Activity.SET,
        spread=STEADY,
    )
    course.drift(course.draw(2.0, 3.0), wind, course.draw(0.2, 0.5), Activity.SOAK)
    back, hours = (heading + 180) % 360, course.draw(1.0, 1.6)
    course.run(back, hours, course.draw(1.1, 1.7), Activity.HAUL, spread=ROUGH)


METHODS: Final[Mapping[Fishery, Callable[[Course, Trip], None]]] = {
    Fishery.COASTAL: gillnet,
    Fishery.TRAWL: trawl,
    Fishery.TUNA_LONGLINE: longline,
}


def _wait_until(course: Course, *, hour: float) -> None:
    waiting = (hour - local_hour(course.t_s)) % 24
    if waiting > 0.1:
        course.drift(waiting, course.draw(190, 260), 0.4, Activity.WAIT)


def _heading(course: Course, trip: Trip, *, before: float | None = None) -> float:
    """Return where to: along the coast, turning at the ends and leaning to the middle.

    A boat that held ``before`` keeps its direction until an end of the ground.
    """
    north, east = offset_nm(trip.ground, course.at)
    reach = REACH_NM[trip.fishery] / 2
    goes_north = math.cos(math.radians(before)) > 0 if before is not None else None
    if abs(north) > reach:
        goes_north = north < 0
    elif goes_north is None:
        goes_north = course.draw(0, 1) < 0.5
    lean = max(-40.0, min(40.0, LEAN_DEG * east / reach))
    wander = course.draw(-10, 10)
    return (ALONG_DEG - lean if goes_north else ALONG_DEG + 180 + lean) + wander
