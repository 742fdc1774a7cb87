"""What a scenario says of a trip."""

from enum import StrEnum

from msgspec import Struct

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


class Fishery(StrEnum):
    """How a boat fishes, which sets its speeds and its day."""

    COASTAL = "coastal"  # gillnets near the shore, out in the evening, home by dawn
    TRAWL = "trawl"  # bottom trawl inshore, some days
    TUNA_LONGLINE = "tuna_longline"  # drifting longline offshore, weeks


class Activity(StrEnum):
    """What a boat is truly doing."""

    MOORED = "moored"
    STEAM = "steam"
    WAIT = "wait"  # adrift with no gear out
    SET = "set"
    SOAK = "soak"
    TOW = "tow"
    HAUL = "haul"

    @property
    def is_fishing(self) -> bool:
        """Whether gear is in the water or on its way."""
        return self not in (Activity.MOORED, Activity.STEAM, Activity.WAIT)


class Trip(Struct, frozen=True, forbid_unknown_fields=True):
    """From leaving port to landing.

    ``ground`` is the middle of where it fishes, ``via`` what is passed on the way there
    (and, in reverse, back), ``hauls`` how often the gear is set. ``trips`` of them, with
    ``rest_h`` in port between. It first leaves ``leave_h`` after the scenario's start.
    """

    fishery: Fishery
    port: str
    ground: Point
    hauls: int
    leave_h: float = 1.0
    via: tuple[Point, ...] = ()
    trips: int = 1
    rest_h: float = 24.0
