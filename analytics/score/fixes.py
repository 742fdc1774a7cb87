"""Fixes of vessels in somebody's file: whose, where, how fast, in units of ours. Pure.

What a receiver writes for "not available" (speed 102.3, course over 360, a place at 0, 0) is
no value; longitudes count up to 360 or to 180; a way across the 180th meridian is short.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.fishing.features import Floats, Track
from analytics.score.degrees import degrees_of
from analytics.score.names import slug
from analytics.score.table import LISTED, Instants, Table
from greenwater.kernel.errors import InputError

KN_M_S: Final = 1852 / 3600
MOST_KN: Final = 102.2
"""From here on AIS says no speed: 102.3 is "not available". Of a way: a receiver's jump."""
FAR_S: Final = 4 * 3600.0
"""A longer way says nothing of the speed at its end."""
FINE_KN: Final = 2.0
"""Steps of places must not make steps of speeds that are larger."""
MOST_DIGITS: Final = 6
"""Finer than this (0.1 m) places are not told."""
_KMH: Final = 1 / 1.852
_M_S: Final = 1 / KN_M_S
_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "speed": (
        *("speed", "sog", "speed_over_ground", "speedoverground", "ground_speed"),
        *("groundspeed", "gps_speed", "velocity", "toc_do", "van_toc", "toc_do_tau"),
    ),
    "course": (
        *("course", "cog", "course_over_ground", "bearing", "heading"),
        *("huong", "huong_di", "huong_tau"),
    ),
    "turn": ("course_change",),
    "shore": ("distance_to_shore", "distance_from_shore"),
    "lat": ("latitude", "lat", "decimallatitude", "vi_do"),
    "lon": ("longitude", "lon", "lng", "long", "decimallongitude", "kinh_do"),
}
"""As ``names.slug`` writes what people call them."""
_DEGREES: Final = dict.fromkeys(
    ("deg", "", "degree", "degrees", "dd", "decimal", "do", "true", "n", "e", "wgs84"),
    1.0,
)
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "speed": {
        **dict.fromkeys(("kn", "", "knot", "knots", "kt", "kts", "in_knots"), 1.0),
        **dict.fromkeys(("hai_ly", "hai_ly_h", "hai_ly_gio", "nm_h"), 1.0),
        **dict.fromkeys(("kmh", "km_h", "kph", "km_hr", "km_gio", "in_kmh"), _KMH),
        **dict.fromkeys(("m_s", "ms", "mps", "m_sec", "m_giay"), _M_S),
    },
    "course": _DEGREES,
    "turn": {"deg": 1.0},
    "shore": {"km": 1.0, "m": 0.001, "nm": 1.852},
    "lat": _DEGREES,
    "lon": _DEGREES,
}
"""What may stand behind the word, and what one of theirs is in ours."""
_NAMES: Final[Mapping[str, Mapping[str, float]]] = {
    what: {
        f"{word}_{unit}".rstrip("_"): scale
        for word in words
        for unit, scale in _UNITS[what].items()
    }
    | ({"distance_from_shore": 0.001} if what == "shore" else {})
    for what, words in _WORDS.items()
}
PLACES: Final = (*_NAMES["lat"], *_NAMES["lon"])
VESSELS: Final = (
    *("vessel", "vessel_id", "boat", "boat_id", "ship_id", "mmsi", "imo", "tau"),
    *("so_tau", "so_dang_ky", "bien_so", "track_id", "trackid", "callsign", "ship"),
    *("vessel_name", "boat_name", "ship_name", "shipname", "ten_tau", "name"),
)
GEARS: Final = ("gear", "gear_type", "geartype", "nghe", "ngu_cu")


def vessels_of(table: Table) -> list[str]:
    """Return each row's vessel.

    Raises:
        InputError: the file has no column of vessels.
    """
    found = _text(table, VESSELS)
    if found is not None:
        return [str(each).strip() for each in found]
    raise InputError("there is no column 'vessel': say of each row whose it is")


def tracks_of(table: Table) -> dict[str, tuple[NDArray[np.intp], Track]]:
    """Return each vessel's rows in order of time, and its track; rows without one are of none.

    Raises:
        InputError: the file has no vessels, or neither speeds nor positions.
    """
    codes, vessels = pd.factorize(np.array(vessels_of(table), dtype=object))
    known = {what: _column(table, what) for what in ("course", "turn", "shore")}
    known["speed"] = _speeds(table)
    known |= dict(zip(("lat", "lon"), places_of(table), strict=True))
    if known["speed"] is None and (known["lat"] is None or known["lon"] is None):
        raise InputError(
            "there is neither 'speed_kn' nor 'latitude' and 'longitude' with numbers "
            "(degrees, south and west below 0): add one of them"
        )
    gears = _text(table, GEARS)
    order = np.lexsort((table.times_ms, codes))
    ends = np.cumsum(np.bincount(codes, minlength=len(vessels)))
    found = {}
    for vessel, at in zip(vessels, np.split(order, ends[:-1]), strict=True):
        if not vessel:
            continue
        mine = {k: None if v is None else v[at] for k, v in known.items()}
        gear = "" if gears is None else str(gears[int(at[0])])
        found[str(vessel)] = (at, _track(table.times_ms[at], mine, gear))
    return found


def places_of(table: Table) -> tuple[Floats | None, Floats | None]:
    """Return latitudes and longitudes (°, ±180), both NaN where one is on no Earth."""
    lat, lon = _column(table, "lat"), _column(table, "lon")
    if lat is None or lon is None:
        return lat, lon
    with np.errstate(invalid="ignore"):
        is_place = (np.abs(lat) <= 90) & (lon >= -180) & (lon <= 360)
        is_place &= (lat != 0) | (lon != 0)
        lon = np.where(lon > 180, lon - 360, lon)
    return np.where(is_place, lat, np.nan), np.where(is_place, lon, np.nan)


def remarks_of(table: Table) -> list[str]:
    """Return what a person should know of how a file's fixes were read, in sentences."""
    lat, lon = _column(table, "lat"), _column(table, "lon")
    told, speeds = _column(table, "speed"), _speeds(table)
    found = []
    nobodys = sum(not each for each in vessels_of(table))
    if nobodys:
        found.append(f"{nobodys} rows name no vessel: not classified")
    if told is None or speeds is None:
        found.append("no column of speeds: they are worked out from places")
    elif count := int((~np.isnan(told) & np.isnan(speeds)).sum()):
        found.append(f"{count} speeds are none (below 0, or {MOST_KN} kn and more)")
    place = places_of(table)[0]
    if lat is not None and lon is not None and place is not None:
        count = int((~np.isnan(lat) & ~np.isnan(lon) & np.isnan(place)).sum())
        turned = (
            np.nanmax(np.abs(lat), initial=0) > 90 >= np.nanmax(np.abs(lon), initial=0)
        )
        why = ": latitude and longitude are the wrong way round?" if turned else ""
        if count:
            found.append(
                f"{count} rows are at no place (0, 0, or beyond 90° or 360°){why}"
            )
    known = {name for names in _NAMES.values() for name in names}
    unused = [own for own in table.numbers if slug(own) not in known]
    if unused:
        more = " and more" if len(unused) > LISTED else ""
        found.append(f"not used: {', '.join(unused[:LISTED])}{more}")
    return found


def _speeds(table: Table) -> Floats | None:
    speeds = _column(table, "speed")
    if speeds is None:
        return None
    with np.errstate(invalid="ignore"):
        return np.where((speeds >= 0) & (speeds < MOST_KN), speeds, np.nan)


def _column(table: Table, what: str) -> Floats | None:
    known = {slug(own): values for own, values in table.numbers.items()}
    for name, scale in _NAMES[what].items():
        if name in known:
            return known[name] if scale == 1 else known[name] * scale
    words = {slug(own): own for own in table.texts}
    own = next((words[name] for name in _NAMES[what] if name in words), None)
    if own is not None and what in ("lat", "lon"):
        return degrees_of(own, table.texts[own], table.lines)
    if own is not None and what == "speed":
        said = next(one for one in table.texts[own] if one.strip())
        raise InputError(
            f"column {own!r} holds no numbers: it says {said!r}; write the numbers alone"
        )
    return None


def _text(table: Table, names: tuple[str, ...]) -> Sequence[str] | None:
    known = {slug(own): cells for own, cells in table.texts.items()}
    return next((known[name] for name in names if name in known), None)


def _track(times_ms: Instants, mine: Mapping[str, Floats | None], gear: str) -> Track:
    nothing = np.full(len(times_ms), np.nan)
    lat, lon = mine["lat"], mine["lon"]
    speed, course, turn, shore = (mine[k] for k in ("speed", "course", "turn", "shore"))
    if lat is not None and lon is not None:
        implied, heading = _moved(times_ms, lat, lon)
        speed = implied if speed is None else np.where(np.isnan(speed), implied, speed)
        course = heading if course is None else course
    if turn is None and course is not None:
        with np.errstate(invalid="ignore"):
            course = np.where((course >= 0) & (course <= 360), course, np.nan)
        turn = (np.diff(course, prepend=np.nan) + 180) % 360 - 180
    return Track(
        times_ms,
        nothing if speed is None else speed,
        nothing if turn is None else turn,
        nothing if shore is None else shore,
        gear,
    )


def _moved(times_ms: Instants, lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
    """Return speed (kn) and heading (°) since a place before; NaN where there is none."""
    speeds, headings = np.full((2, len(times_ms)), np.nan)
    there = np.flatnonzero(~np.isnan(lat))
    times_s, lat, lon = times_ms[there] / 1000, lat[there], lon[there]
    before = _before(times_s, _telling_s(lat, lon))
    north = (lat[1:] - lat[before]) * 111_195
    turned = (lon[1:] - lon[before] + 180) % 360 - 180
    east = turned * 111_195 * np.cos(np.radians(lat[1:]))
    seconds = np.maximum(times_s[1:] - times_s[before], 1.0)
    speed = np.hypot(north, east) / seconds / KN_M_S
    is_told = (speed < MOST_KN) & (seconds <= FAR_S)
    speeds[there[1:]] = np.where(is_told, speed, np.nan)
    headings[there[1:]] = np.degrees(np.arctan2(east, north)) % 360
    return speeds, headings


def _before(times_s: Floats, telling_s: Floats) -> NDArray[np.intp]:
    """Return, of each place but the first, the one that its way is measured from.

    It is the one before, or the last that is long enough ago for the way to tell a speed.
    """
    found = np.searchsorted(times_s, times_s[1:] - telling_s[1:], "right") - 1
    return np.clip(found, 0, np.arange(len(times_s) - 1))


def _telling_s(lat: Floats, lon: Floats) -> Floats:
    """Return how long it takes ``FINE_KN`` to sail one of the steps that places are told in.

    The steps are those of the finest place so far: 0.001° are 111 m.
    """
    digits = np.full(len(lat), MOST_DIGITS)
    for count in reversed(range(MOST_DIGITS)):
        is_so = np.abs(lat - np.round(lat, count)) < 1e-9
        digits[is_so & (np.abs(lon - np.round(lon, count)) < 1e-9)] = count
    step_m = 111_195 / 10.0 ** np.maximum.accumulate(digits)
    return np.asarray(step_m / (FINE_KN * KN_M_S), np.float64)
