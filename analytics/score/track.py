"""`greenwater score track`: where vessels were fishing, from anyone's positions or speeds.

A fix's activity comes from rows of its vessel up to it. Words: ``fishing``, ``steaming``,
``stopped`` (at most 0.5 kn and not fishing), ``unknown`` (no speed, or no other fix in the
day before: too few to tell). ``probability`` is that of fishing, whatever the word.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.fishing.features import Floats, Track
from analytics.fishing.hauls import SLOW_KN
from analytics.fishing.model import probabilities, speed_rule
from analytics.fishing.trips import TripState
from analytics.score.fixes import (
    GEARS,
    PLACES,
    VESSELS,
    places_of,
    remarks_of,
    tracks_of,
    vessels_of,
)
from analytics.score.table import Table, format_instants, read_table, write_frame
from greenwater.kernel.reading import DAY_MS, HOUR_MS
from greenwater.reference.closed_areas import bounds, closed_area_at
from greenwater.reference.gears import gear_of

MAX_GAP_MS: Final = DAY_MS
"""The stated fix rate: one in the 24 h that the model looks back over; below it nothing is
claimed. On vessels held out it is as good after 4 to 12 h without a fix as after minutes, and
after 12 to 24 h still better than the speed rule."""
STILL_KN: Final = 0.5
LISTED: Final = 60
"""Vessels with a line of their own in the summary."""
AT_ONCE: Final = 20_000
"""Fixes that are asked about in one go: vessels of few fixes cost little each."""
_ENDS: Final = ("departure_ms", "landing_ms")


def score_track(
    file: Path, out: Path, *, trips: Path | None, progress: Callable[[int, int], None]
) -> str:
    """Write an activity for each row, in the file's order; return the summary to print.

    Raises:
        InputError: the file has no vessels, or neither speeds nor positions.
    """
    table = read_table(file, texts=(*VESSELS, *GEARS), either=PLACES, is_sorted=False)
    tracks = tracks_of(table)
    chance = np.full(len(table), np.nan)
    activity = np.full(len(table), "unknown", dtype=object)
    lines = [*table.notes, *remarks_of(table)]
    done = 0
    for part in _parts(tracks):
        chances = probabilities([track for _, _, track in part])
        for (vessel, at, track), found in zip(part, chances, strict=True):
            chance[at] = found
            activity[at] = activities(track, found)
            if done < LISTED:
                lines.append(_told(vessel, track, activity[at]))
            done += 1
        progress(done, len(tracks))
    if len(tracks) > LISTED:
        lines.append(f"and {len(tracks) - LISTED} vessels more")
    frame = pd.DataFrame(
        {
            "vessel": vessels_of(table),
            "time": format_instants(table.times_ms),
            "activity": activity,
            "probability": chance,
        }
    )
    write_frame(frame, out)
    lines += _in_closed_areas(table, tracks, activity)
    lines.append(_write_trips(table, tracks, trips or out.with_suffix(".trips.csv")))
    return "\n".join(lines)


def _parts(
    tracks: Mapping[str, tuple[NDArray[np.intp], Track]],
) -> Iterator[list[tuple[str, NDArray[np.intp], Track]]]:
    """Yield vessels with their rows and tracks, as many at once as ``AT_ONCE`` fixes."""
    part: list[tuple[str, NDArray[np.intp], Track]] = []
    count = 0
    for vessel, (at, track) in tracks.items():
        if part and count + len(at) > AT_ONCE:
            yield part
            part, count = [], 0
        part.append((vessel, at, track))
        count += len(at)
    if part:
        yield part


def activities(track: Track, chance: Floats) -> NDArray[np.object_]:
    """Return a word for each fix."""
    gaps_ms = np.diff(track.times_ms, prepend=-np.inf)
    is_unknown = np.isnan(track.speed_kn) | (gaps_ms > MAX_GAP_MS)
    kinds = [is_unknown, chance > 0.5, track.speed_kn <= STILL_KN]
    words = np.select(kinds, ["unknown", "fishing", "stopped"], "steaming")
    return np.asarray(words, dtype=object)


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
    write_frame(frame, out)
    return f"{len(found)} trips between ports of ours, in {out}"


def _in_closed_areas(
    table: Table,
    tracks: Mapping[str, tuple[NDArray[np.intp], Track]],
    activity: NDArray[np.object_],
) -> list[str]:
    """Return which vessels' fixes called fishing lie in closed areas of ours, in sentences."""
    lat, lon = places_of(table)
    if lat is None or lon is None:
        return []
    south, west, north, east = bounds()
    near = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
    near &= activity == "fishing"
    lines = []
    for vessel, (at, track) in tracks.items():
        found: dict[str, list[int]] = {}
        for row in at[near[at]]:
            at_ms = int(table.times_ms[row])
            area = closed_area_at(lat[row], lon[row], at_ms, gear_of(track.gear))
            if area is not None:
                found.setdefault(area.en, []).append(at_ms)
        lines += [
            f"{vessel}: {len(times)} fixes called fishing in {name}, "
            f"{' to '.join(format_instants(np.array([times[0], times[-1]])))}: "
            "a candidate for a person to judge, the area is a reference value"
            for name, times in found.items()
        ]
    left = len(lines) - LISTED
    return [
        *lines[:LISTED],
        *([f"and {left} more in closed areas"] if left > 0 else []),
    ]


def _told(vessel: str, track: Track, activity: NDArray[np.object_]) -> str:
    is_known = activity != "unknown"
    if not is_known.any():
        return (
            f"{vessel}: {len(activity)} fixes, none classified: no speed, or no other fix "
            f"in the {MAX_GAP_MS // HOUR_MS} hours before"
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
