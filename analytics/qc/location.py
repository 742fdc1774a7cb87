"""Whether a position can be: on Earth, complete, in these waters, and not too fast.

The flags of ``ioos_qc.qartod.location_test`` where its ``range_max`` is what the speed
allows in the time between two fixes. Of the latitude and of the longitude alike.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.qc.digits import FAIL, GOOD, MISSING, SUSPECT
from greenwater.reference.limits import Bounds
from greenwater.reference.quality import LocationLimits

Values = NDArray[np.float64]
EARTH_M: Final = 6_371_000.0
KNOT_M_S: Final = 1852 / 3600


class Fix(NamedTuple):
    """A position; NaN: that part is missing."""

    taken_ms: int
    latitude: float
    longitude: float


def locating(
    times_ms: NDArray[np.int64],
    latitudes: Values,
    longitudes: Values,
    limits: LocationLimits,
    before: Fix | None = None,
) -> NDArray[np.uint8]:
    """Return the flags of fixes in order of time; ``before`` is the one before them."""
    is_there = ~np.isnan(latitudes), ~np.isnan(longitudes)
    flags = np.full(len(times_ms), GOOD, np.uint8)
    flags[~is_there[0] & ~is_there[1]] = MISSING
    flags[is_there[0] != is_there[1]] = FAIL
    first = Fix(0, np.nan, np.nan) if before is None else before
    at = np.concatenate([[first.taken_ms], times_ms])
    latitude = np.concatenate([[first.latitude], latitudes])
    longitude = np.concatenate([[first.longitude], longitudes])
    with np.errstate(invalid="ignore"):
        most_m = limits.speed_kn * KNOT_M_S * np.diff(at) / 1000
        flags[distances_m(latitude, longitude) > most_m] = SUSPECT
        is_out = _outside(latitudes, limits.latitude)
        is_out |= _outside(longitudes, limits.longitude)
        flags[is_out & is_there[0] & is_there[1]] = SUSPECT
        flags[(np.abs(latitudes) > 90) | (np.abs(longitudes) > 180)] = FAIL
    return flags


def distances_m(latitudes: Values, longitudes: Values) -> Values:
    """Return the great-circle distance of each position from the one before it."""
    latitude, longitude = np.radians(latitudes), np.radians(longitudes)
    half = (
        np.sin(np.diff(latitude) / 2) ** 2
        + np.cos(latitude[:-1])
        * np.cos(latitude[1:])
        * np.sin(np.diff(longitude) / 2) ** 2
    )
    return np.asarray(2 * EARTH_M * np.arcsin(np.minimum(1.0, np.sqrt(half))))


def _outside(values: Values, bounds: Bounds | None) -> NDArray[np.bool_]:
    low = -np.inf if bounds is None or bounds.low is None else bounds.low
    high = np.inf if bounds is None or bounds.high is None else bounds.high
    return (values < low) | (values > high)
