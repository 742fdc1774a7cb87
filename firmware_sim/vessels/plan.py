"""What a scenario says of a trip."""

from enum import StrEnum

from msgspec import Struct

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


class Fishery(StrEnum):
    """How a boat fishes, which sets its speeds and its day."""

    COASTAL = "coastal"  # gillnets near the shore, out in the evening, home at dawn
    TRAWL = "trawl"  # bottom trawl inshore, several days
    TUNA_LONGLINE = "tuna_longline"  # drifting longline offshore, weeks


class Trip(Struct, frozen=True, forbid_unknown_fields=True):
    """From leaving port to landing.

    ``ground`` is where fishing begins, ``via`` what is passed on the way there (and, in
    reverse, back), ``hauls`` how often the gear is set.
    """

    fishery: Fishery
    port: str
    ground: Point
    hauls: int
    leave_h: float = 1.0
    via: tuple[Point, ...] = ()
