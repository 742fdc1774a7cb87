"""The shared tracks changed, the labels still true: what another vessel or receiver might send.

Other rates, holes, receivers (noise, steps, no course, places alone), hulls that are faster or
slower, other clocks and seas. A change takes and returns one vessel's rows: ``time_ms``,
``share`` (of experts who say fishing, NaN: nobody said), ``gear``, and numbers as a file names
them. Nothing is drawn without a fixed seed. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.fishing.features import Floats

Change = Callable[[pd.DataFrame], pd.DataFrame]
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
SEED: Final = 7
TURN: Final = "course_change_deg"
SPEED: Final = "speed_kn"
COURSES: Final = (TURN, "course_deg")
PLACES: Final = ("latitude", "longitude")
M_PER_DEG: Final = 111_195.0


def thinned(minutes: float) -> Change:
    """Return a change to fixes at least so far apart."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        times = rows["time_ms"].to_numpy()
        kept, last = np.zeros(len(rows), bool), -np.inf
        for at, time_ms in enumerate(times):
            if time_ms - last >= minutes * MINUTE_MS:
                kept[at], last = True, time_ms
        return _some(rows, kept)

    return change


def irregular(mean_minutes: float) -> Change:
    """Return a change to fixes a random time apart (exponential)."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        times, random = rows["time_ms"].to_numpy(), _random(rows)
        kept, due = np.zeros(len(rows), bool), -np.inf
        for at, time_ms in enumerate(times):
            if time_ms >= due:
                wait = float(random.exponential(mean_minutes * MINUTE_MS))
                kept[at], due = True, time_ms + wait
        return _some(rows, kept)

    return change


def with_gaps(hours: float, every_h: float) -> Change:
    """Return a change that loses a stretch of so many hours in every so many, anywhere in them."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        hour = (rows["time_ms"].to_numpy() - rows["time_ms"].iloc[0]) / HOUR_MS
        turn = (hour // every_h).astype(int)
        begins = _random(rows).uniform(0, every_h - hours, turn.max() + 1)[turn]
        since = hour % every_h - begins
        return _some(rows, (since < 0) | (since >= hours))

    return change


def faster(times: float) -> Change:
    """Return a change to another hull: all of its speeds so many times as high."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{SPEED: rows[SPEED] * times})

    return change


def noisy_speed(kn: float) -> Change:
    """Return a change to a receiver whose speeds are so far off (standard deviation)."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        off = _random(rows).normal(0, kn, len(rows))
        return rows.assign(**{SPEED: np.abs(rows[SPEED] + off)})

    return change


def coarse_speed(kn: float) -> Change:
    """Return a change to speeds in such steps."""
    return lambda rows: rows.assign(**{SPEED: (rows[SPEED] / kn).round() * kn})


def no_course(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows without any course."""
    return rows.drop(columns=[one for one in COURSES if one in rows])


def by_the_minute(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with times to the whole minute."""
    return rows.assign(time_ms=rows["time_ms"] // MINUTE_MS * MINUTE_MS)


def elsewhere(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the same way half a day later, mirrored, in another sea: nothing may change."""
    moved = rows.assign(time_ms=rows["time_ms"] + 12 * HOUR_MS)
    if TURN in moved:
        moved[TURN] = -moved[TURN]
    if PLACES[0] in moved:
        moved = moved.assign(
            latitude=-moved["latitude"],
            longitude=(moved["longitude"] + 120 + 180) % 360 - 180,
        )
    if "course_deg" in moved:
        moved["course_deg"] = (180 - moved["course_deg"]) % 360
    return moved


def off_the_shore(share: float, step_km: float) -> Change:
    """Return a change to distances to shore so far off, in such steps: another chart."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        if "distance_to_shore_km" not in rows:
            return rows
        off = _random(rows).normal(1, share)
        told = (rows["distance_to_shore_km"] * off / step_km).round() * step_km
        return rows.assign(distance_to_shore_km=told)

    return change


def places_only(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with places, and neither speed nor course."""
    return no_course(rows).drop(columns=[SPEED])


def noisy_places(metres: float) -> Change:
    """Return places alone, each so far off north and east (standard deviation)."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        off = _random(rows).normal(0, metres / M_PER_DEG, (2, len(rows)))
        shrink = np.cos(np.radians(rows["latitude"]))
        return places_only(rows).assign(
            latitude=rows["latitude"] + off[0],
            longitude=rows["longitude"] + off[1] / shrink,
        )

    return change


def coarse_places(digits: int) -> Change:
    """Return places alone, with so many digits of a degree."""
    return lambda rows: places_only(rows).round(dict.fromkeys(PLACES, digits))


def both(first: Change, then: Change) -> Change:
    """Return one change after the other."""
    return lambda rows: then(first(rows))


def as_it_is(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows."""
    return rows


CHANGES: Final[Mapping[str, Change]] = {
    "as it is": as_it_is,
    "elsewhere, mirrored, 12 h later": elsewhere,
    **{f"one fix in {n} min": thinned(n) for n in (2, 5, 10, 20, 30, 60)},
    "irregular, 15 min": irregular(15),
    "irregular, 60 min": irregular(60),
    "6 h lost of 24": with_gaps(6, 24),
    "30 h lost of 72": with_gaps(30, 72),
    "times to the minute": by_the_minute,
    "speed ± 0.5 kn": noisy_speed(0.5),
    "speed ± 1 kn": noisy_speed(1.0),
    "speed in whole kn": coarse_speed(1.0),
    "speed × 0.85": faster(0.85),
    "speed × 1.15": faster(1.15),
    "no course": no_course,
    "shore ± 20 %, by 5 km": off_the_shore(0.2, 5.0),
    "one in 30 min, ± 0.5 kn, no course": both(
        thinned(30), both(noisy_speed(0.5), no_course)
    ),
}
"""For vessels of which a speed is told."""
OF_PLACES: Final[Mapping[str, Change]] = {
    "places alone": places_only,
    **{f"places ± {m} m": noisy_places(m) for m in (10, 25, 50)},
    "places by 0.001°": coarse_places(3),
    "places by 0.001°, one in 5 min": both(thinned(5), coarse_places(3)),
    "places ± 25 m, one in 5 min": both(thinned(5), noisy_places(25)),
}
"""For vessels whose places are told."""


def _some(rows: pd.DataFrame, kept: NDArray[np.bool_]) -> pd.DataFrame:
    """Return some rows; a turn is that since the row before that is left."""
    some = rows[kept]
    if TURN not in rows:
        return some
    turns = rows[TURN].to_numpy()
    heading: Floats = np.cumsum(np.nan_to_num(turns))[kept]
    turned = (np.diff(heading, prepend=np.nan) + 180) % 360 - 180
    return some.assign(**{TURN: np.where(np.isnan(turns[kept]), np.nan, turned)})


def _random(rows: pd.DataFrame) -> np.random.Generator:
    """Return what is drawn for a vessel: of its own, the same whatever is asked before."""
    return np.random.default_rng([SEED, *str(rows["vessel"].iloc[0]).encode()])
