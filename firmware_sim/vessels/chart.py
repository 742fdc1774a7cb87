"""Positions, distances and ports. Flat-earth sums, good to a per cent over a trip.

Ports: domain.md §4.2. No line or boundary is drawn here; a trip's ground is the
scenario's to choose.
"""

import math
from typing import Final

from firmware_sim.vessels.plan import Point
from greenwater.kernel.errors import ConfigError

NM_PER_DEGREE: Final = 60.0

PORTS: Final[dict[str, Point]] = {
    "CHR": (12.199897, 109.194961),  # Hòn Rớ
    "CVL": (12.336365, 109.204166),  # Vĩnh Lương
    "CDL": (12.835266, 109.363468),  # Đại Lãnh
    "CDB": (11.909500, 109.150100),  # Đá Bạc: its ward's middle
    "DHA": (11.546382, 109.025059),  # Đông Hải
    "NCU": (11.592478, 109.048669),  # Ninh Chữ
    "MYT": (11.581721, 109.133527),  # Mỹ Tân
    "CCN": (11.345253, 108.885600),  # Cà Ná
}


def port(code: str) -> Point:
    """Return a port's position.

    Raises:
        ConfigError: no port has this code.
    """
    try:
        return PORTS[code]
    except KeyError:
        known = ", ".join(sorted(PORTS))
        raise ConfigError(f"no port {code!r}; there are {known}") from None


def _shrink(latitude: float) -> float:
    return math.cos(math.radians(latitude))


def moved(start: Point, bearing_deg: float, nm: float) -> Point:
    """Return the point ``nm`` away in a direction."""
    angle = math.radians(bearing_deg)
    latitude = start[0] + nm * math.cos(angle) / NM_PER_DEGREE
    middle = _shrink((start[0] + latitude) / 2)
    return latitude, start[1] + nm * math.sin(angle) / (NM_PER_DEGREE * middle)


def offset_nm(a: Point, b: Point) -> tuple[float, float]:
    """Return how far north and how far east ``b`` is of ``a``, in nautical miles."""
    middle = _shrink((a[0] + b[0]) / 2)
    return (b[0] - a[0]) * NM_PER_DEGREE, (b[1] - a[1]) * NM_PER_DEGREE * middle


def distance_nm(a: Point, b: Point) -> float:
    """Return the distance between two points."""
    return math.hypot(*offset_nm(a, b))


def bearing_deg(a: Point, b: Point) -> float:
    """Return the direction from ``a`` to ``b``, from 0 up to 360; 0 where they meet."""
    north, east = offset_nm(a, b)
    return math.degrees(math.atan2(east, north)) % 360


def between(a: Point, b: Point, share: float) -> Point:
    """Return the point at a share of the way."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
