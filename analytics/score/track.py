"""`greenwater score track`: where vessels were fishing, from anyone's positions or speeds.

A fix's activity comes from rows of its vessel up to it. Words: ``fishing``, ``steaming``,
``stopped`` (at most 0.5 kn and not fishing), ``unknown`` (no speed, or no other fix in the
four hours before: too few to tell). ``probability`` is that of fishing, whatever the word.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.fishing.features import Floats, Track
from analytics.fishing.hauls import SLOW_KN
from analytics.fishing.model import probability, speed_rule
from analytics.fishing.trips import TripState
from analytics.score.names import slug
from analytics.score.table import Table, format_instants, read_table
from greenwater.kernel.errors import InputError

MAX_GAP_MS: Final = 4 * 3_600_000
"""The stated fix rate: one in four hours; below it nothing is claimed. Practice."""
STILL_KN: Final = 0.5
_ENDS: Final = ("departure_ms", "landing_ms")
_KN_M_S: Final = 1852 / 3600
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "speed": ("speed_kn", "speed", "sog", "toc_do", "toc_do_kn", "van_toc"),
    "course": (
        "course_deg",
        "course",
        "cog",
        "bearing",
        "heading",
        "huong",
        "huong_di",
    ),
    "turn": ("course_change_deg",),
    "shore": ("distance_to_shore_km",),
    "lat": ("latitude", "lat", "vi_do"),
    "lon": ("longitude", "lon", "lng", "long", "kinh_do"),
}
"""As ``names.slug`` writes what people call them."""
_VESSELS: Final = ("vessel", "vessel_id", "boat", "mmsi", "tau", "so_tau", "so_dang_ky")
_GEARS: Final = ("gear", "nghe", "ngu_cu")


def score_track(
    file: Path, out: Path, *, trips: Path | None, progress: Callable[[int, int], None]
) -> str:
    """Write an activity for each row, in the file's order; return the summary to print.

    Raises:
        InputError: the file has no vessels, or neither speeds nor positions.
    """
    table = read_table(file, texts=(*_VESSELS, *_GEARS), is_sorted=False)
    tracks = tracks_of(table)
    chance = np.full(len(table), np.nan)
    activity = np.full(len(table), "unknown", dtype=object)
    lines = list(table.notes)
    for done, (vessel, (at, track)) in enumerate(tracks.items()):
        chance[at] = probability(track)
        activity[at] = activities(track, chance[at])
        lines.append(_told(vessel, track, activity[at]))
        progress(done + 1, len(tracks))
    frame = pd.DataFrame(
        {
            "vessel": vessels_of(table),
            "time": format_instants(table.times_ms),
            "activity": activity,
            "probability": chance,
        }
    )
    frame.to_csv(out, index=False, float_format="%.4f")
    lines.append(_write_trips(table, tracks, trips or out.with_suffix(".trips.csv")))
    return "\n".join(lines)


def vessels_of(table: Table) -> list[str]:
    """Return each row's vessel.

    Raises:
        InputError: the file has no column of vessels.
    """
    found = _text(table, _VESSELS)
    if found is not None:
        return [str(each) for each in found]
    raise InputError("there is no column 'vessel': say of each row whose it is")


def tracks_of(table: Table) -> dict[str, tuple[NDArray[np.intp], Track]]:
    """Return each vessel's rows in order of time, and its track.

    Raises:
        InputError: the file has no vessels, or neither speeds nor positions.
    """
    vessels = np.array(vessels_of(table), dtype=object)
    known = {what: _column(table, names) for what, names in _NAMES.items()}
    known |= dict(zip(("lat", "lon"), places_of(table), strict=True))
    if known["speed"] is None and (known["lat"] is None or known["lon"] is None):
        raise InputError(
            "there is neither 'speed_kn' nor 'latitude' and 'longitude': add one of them"
        )
    gears = _text(table, _GEARS)
    found = {}
    for vessel in pd.unique(vessels):
        at = np.flatnonzero(vessels == vessel)
        at = at[np.argsort(table.times_ms[at], kind="stable")]
        mine = {k: None if v is None else v[at] for k, v in known.items()}
        gear = "" if gears is None else str(gears[int(at[0])])
        found[str(vessel)] = (at, _track(table.times_ms[at], mine, gear))
    return found


def places_of(table: Table) -> tuple[Floats | None, Floats | None]:
    """Return latitudes and longitudes (°), both NaN where one is on no Earth."""
    lat, lon = _column(table, _NAMES["lat"]), _column(table, _NAMES["lon"])
    if lat is None or lon is None:
        return lat, lon
    with np.errstate(invalid="ignore"):
        is_on_earth = (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
    return np.where(is_on_earth, lat, np.nan), np.where(is_on_earth, lon, np.nan)


def activities(track: Track, chance: Floats) -> NDArray[np.object_]:
    """Return a word for each fix."""
    gaps_ms = np.diff(track.times_ms, prepend=-np.inf)
    is_unknown = np.isnan(track.speed_kn) | (gaps_ms > MAX_GAP_MS)
    kinds = [is_unknown, chance > 0.5, track.speed_kn <= STILL_KN]
    words = np.select(kinds, ["unknown", "fishing", "stopped"], "steaming")
    return np.asarray(words, dtype=object)


def _column(table: Table, names: tuple[str, ...]) -> Floats | None:
    known = {slug(own): values for own, values in table.numbers.items()}
    return next((known[name] for name in names if name in known), None)


def _text(table: Table, names: tuple[str, ...]) -> Sequence[str] | None:
    known = {slug(own): cells for own, cells in table.texts.items()}
    return next((known[name] for name in names if name in known), None)


def _track(
    times_ms: NDArray[np.int64], mine: Mapping[str, Floats | None], gear: str
) -> Track:
    nothing = np.full(len(times_ms), np.nan)
    lat, lon = mine["lat"], mine["lon"]
    speed, course, turn, shore = (mine[k] for k in ("speed", "course", "turn", "shore"))
    if lat is not None and lon is not None:
        implied, heading = _moved(times_ms, lat, lon)
        speed = implied if speed is None else np.where(np.isnan(speed), implied, speed)
        course = heading if course is None else course
    if turn is None and course is not None:
        turn = (np.diff(course, prepend=np.nan) + 180) % 360 - 180
    return Track(
        times_ms,
        nothing if speed is None else speed,
        nothing if turn is None else turn,
        nothing if shore is None else shore,
        gear,
    )


def _moved(
    times_ms: NDArray[np.int64], lat: Floats, lon: Floats
) -> tuple[Floats, Floats]:
    """Return speed (kn) and heading (°) since the fix before; NaN at the first."""
    north = np.diff(lat, prepend=np.nan) * 111_195
    east = np.diff(lon, prepend=np.nan) * 111_195 * np.cos(np.radians(lat))
    seconds = np.maximum(np.diff(times_ms, prepend=np.nan) / 1000, 1.0)
    speed = np.hypot(north, east) / seconds / _KN_M_S
    return speed, np.degrees(np.arctan2(east, north)) % 360


def _write_trips(
    table: Table, tracks: Mapping[str, tuple[NDArray[np.intp], Track]], out: Path
) -> str:
    lat, lon = places_of(table)
    if lat is None or lon is None:
        return "no positions: no trips"
    found = []
    for vessel, (at, track) in tracks.items():
        state = TripState(vessel)
        fixes = zip(track.times_ms, lat[at], lon[at], track.speed_kn, strict=True)
        taken = (state.take(int(ms), *place) for ms, *place in fixes)
        found += [trip for trip in taken if trip is not None]
    ends = [np.array([getattr(t, k) for t in found], np.int64) for k in _ENDS]
    frame = pd.DataFrame(
        {
            "vessel": [trip.vessel for trip in found],
            "departure": format_instants(ends[0]),
            "landing": format_instants(ends[1]),
            "port": [trip.port for trip in found],
        }
    )
    frame.to_csv(out, index=False)
    return f"{len(found)} trips between ports of ours, in {out}"


def _told(vessel: str, track: Track, activity: NDArray[np.object_]) -> str:
    is_known = activity != "unknown"
    if not is_known.any():
        return (
            f"{vessel}: {len(activity)} fixes, none classified: no speed, or no other fix "
            f"in the {MAX_GAP_MS // 3_600_000} hours before"
        )
    is_fishing = activity == "fishing"
    rule = speed_rule(track.speed_kn)
    agree = np.mean(rule[is_known] == is_fishing[is_known])
    gap_s = np.median(np.diff(track.times_ms)) / 1000
    return (
        f"{vessel}: {len(activity)} fixes, one in {gap_s:.0f} s; fishing "
        f"{100 * is_fishing.mean():.0f} %, by the speed rule ({SLOW_KN[0]}-{SLOW_KN[1]} kn) "
        f"{100 * rule.mean():.0f} %, they agree on {100 * agree:.0f} %; "
        f"not classified {int((~is_known).sum())}"
    )
