"""A trip's track: where a boat went and what it did there, with holes left as holes.

Read from the store whenever it is shown, so that positions which came in late close the
hole where they belong. Made small for a phone: a trip of twenty days is some hundreds of
points.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from shapely import LineString

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import HOUR_MS
from greenwater.kernel.trips import Haul, Point, Violation
from greenwater.reference.vessel_rules import RULES
from greenwater.reference.zones import ZONES
from greenwater.storage.telemetry.ports import Series, Span
from traceability.sea.coverage import HOLD_MS
from traceability.sea.trip_case import TripView
from web.ports import Services
from web.views.formats import exact
from web.views.seamap import Spot, area_lines, frame_of, sea_map
from web.views.seawords import day_time, kilograms_text, span_text, zone_name
from web.views.tracks import Fix, fixes
from web.words import Lang, say

STEPS_MS: Final = tuple(one * 60_000 for one in (1, 2, 5, 10, 20, 30, 60))
MOST_BUCKETS: Final = 3_000
MOST_POINTS: Final = 600
LEAST_NM: Final = 0.05
"""No bend smaller than this is kept."""

MOST_KN: Final = 30.0
"""No fishing vessel is faster: a position further off is the receiver's mistake."""
MOST_JUMPS: Final = 3
SLOW_KN: Final = 1.5
KINDS: Final = ("way", "work", "slow", "gap")
"""Under way, working its gear, drifting or lying, no positions."""


@dataclass(frozen=True)
class Part:
    """A stretch of one kind; parts that follow each other share their ends."""

    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Track:
    """A trip's parts in order, its marks, and how many positions it was drawn from."""

    parts: Sequence[Part] = ()
    spots: Sequence[Spot] = ()
    positions: int = 0
    last: Point | None = None
    kinds: Sequence[str] = field(default_factory=tuple)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north (°) that hold all of it."""
        return frame_of(at for part in self.parts for at in part.points)


def track_of(lang: Lang, services: Services, view: TripView) -> Track:
    """Return what positions show of a trip; empty where there are none."""
    if view.span is None:
        return Track()
    known = believable(_read(services, view.vessel.id, view.span))
    hauls: Sequence[Haul] = () if view.found is None else view.found.hauls
    parts = small(parts_of(known, hauls))
    return Track(
        parts,
        [*_hauls(lang, view, hauls), *_candidates(lang, view)],
        len(known),
        (known[-1].latitude, known[-1].longitude) if known else None,
        [one for one in KINDS if any(part.kind == one for part in parts)],
    )


def _read(services: Services, vessel: str, span: tuple[int, int]) -> list[Fix]:
    """Return the boat's mean positions, whoever told them, in order of time."""
    from_ms, until_ms = span
    least_ms = (until_ms - from_ms) / MOST_BUCKETS
    every_ms = next((one for one in STEPS_MS if one >= least_ms), STEPS_MS[-1])
    found: dict[int, Fix] = {}
    for one in services.registry.deployments(
        vessel=vessel, start_ms=from_ms, end_ms=until_ms + 1
    ):
        ends_ms = min(until_ms + 1, one.to_ms or until_ms + 1)
        hung = Span(Series(one.device, one.probe), max(from_ms, one.from_ms), ends_ms)
        latitudes, longitudes = (
            services.telemetry.downsample(hung, channel, every_ms)
            for channel in (Channel.LATITUDE, Channel.LONGITUDE)
        )
        found.update((fix.at_ms, fix) for fix in fixes(latitudes, longitudes))
    return [found[at_ms] for at_ms in sorted(found)]


def believable(track: Sequence[Fix]) -> list[Fix]:
    """Return a track without positions that no boat could have reached."""
    kept: list[Fix] = []
    jumps = 0
    for one in track:
        if kept and _knots(kept[-1], one) > MOST_KN and jumps < MOST_JUMPS:
            jumps += 1
            continue
        jumps = 0
        kept.append(one)
    return kept


def _knots(one: Fix, other: Fix) -> float:
    hours = (other.at_ms - one.at_ms) / HOUR_MS
    north = (other.latitude - one.latitude) * 60
    east = (other.longitude - one.longitude) * 60
    east *= math.cos(math.radians(one.latitude))
    return math.hypot(north, east) / hours if hours > 0 else math.inf


def parts_of(track: Sequence[Fix], hauls: Iterable[Haul]) -> list[Part]:
    """Return a track by what the boat did; over HOLD_MS without a position is a gap."""
    worked = [(one.began_ms, one.ended_ms) for one in hauls]
    runs: list[tuple[str, list[Fix]]] = []
    for one, other in pairwise(track):
        kind = _kind(one, other, worked)
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(other)
        else:
            runs.append((kind, [one, other]))
    return [
        Part(kind, tuple((fix.latitude, fix.longitude) for fix in run))
        for kind, run in _calm(runs)
    ]


def _kind(one: Fix, other: Fix, worked: Iterable[tuple[int, int]]) -> str:
    if other.at_ms - one.at_ms > HOLD_MS:
        return "gap"
    middle_ms = (one.at_ms + other.at_ms) // 2
    if any(began_ms <= middle_ms <= ended_ms for began_ms, ended_ms in worked):
        return "work"
    return "slow" if _knots(one, other) < SLOW_KN else "way"


def _calm(runs: Iterable[tuple[str, list[Fix]]]) -> list[tuple[str, list[Fix]]]:
    """Return runs in which no stop of less than an hour parts a way."""
    calm: list[tuple[str, list[Fix]]] = []
    for kind, run in runs:
        is_short = run[-1].at_ms - run[0].at_ms < HOUR_MS
        told = "way" if kind == "slow" and is_short else kind
        if calm and calm[-1][0] == told:
            calm[-1][1].extend(run[1:])
        else:
            calm.append((told, run))
    return calm


def small(parts: Sequence[Part]) -> list[Part]:
    """Return parts with at most some hundreds of points between them, ends kept."""
    bend_nm, made = LEAST_NM, list(parts)
    while True:
        made = [Part(one.kind, _simple(one.points, bend_nm)) for one in parts]
        if sum(len(one.points) for one in made) <= max(MOST_POINTS, 2 * len(parts)):
            return made
        bend_nm *= 2


def _simple(points: Sequence[Point], bend_nm: float) -> tuple[Point, ...]:
    squeeze = math.cos(math.radians(points[0][0]))
    flat = LineString([(lon * squeeze, lat) for lat, lon in points])
    kept = flat.simplify(bend_nm / 60, preserve_topology=False)
    return tuple((round(y, 4), round(x / squeeze, 4)) for x, y in kept.coords)


def _hauls(lang: Lang, view: TripView, hauls: Iterable[Haul]) -> list[Spot]:
    caught = {
        str(one.record.fields.get("haul", "")): kilograms_text(lang, one.kilograms)
        for one in view.book.catches
    }
    return [
        Spot(
            haul.began_at,
            "haul",
            str(haul.number),
            (
                say(lang, "sea_haul", number=haul.number),
                span_text(haul.began_ms, haul.ended_ms),
                caught.get(haul.id) or say(lang, "sea_nothing_written"),
            ),
        )
        for haul in hauls
    ]


def _candidates(lang: Lang, view: TripView) -> list[Spot]:
    return [
        Spot(
            one.first_at,
            "closed",
            "!",
            (
                say(lang, f"seatrack_{_closed(one)}"),
                day_time(one.began_ms),
                zone_name(lang, one.area or one.zone),
                "" if one.is_verified else say(lang, "sea_unverified_line"),
            ),
        )
        for one in view.violations
    ]


def _closed(one: Violation) -> str:
    return "serves" if one.serves else "area" if one.area else "closed"


def track_document(lang: Lang, track: Track) -> dict[str, Any]:
    """Return the same for the map's script."""
    return {
        "bounds": track.bounds,
        "zones": {"coastal": ZONES.coastal_line, "inshore": ZONES.inshore_line},
        "areas": area_lines(lang),
        "tracks": [{"kind": one.kind, "points": one.points} for one in track.parts],
        "spots": [
            {
                "at": one.at,
                "kind": one.kind,
                "text": one.text,
                "told": [line for line in one.told if line],
            }
            for one in track.spots
        ],
        "boats": [],
    }


def track_facts(lang: Lang, services: Services, view: TripView) -> dict[str, Any]:
    """Return what a trip's page shows of its track, drawn for pages without scripts."""
    track = track_of(lang, services, view)
    if not track.parts:
        return {"track": None}
    drawn = sea_map(
        (),
        [(part.kind, part.points) for part in track.parts],
        track.spots,
        alt=say(lang, "seatrack_alt"),
        bounds=track.bounds,
    )
    return {
        "track": drawn,
        "track_kinds": track.kinds,
        "track_spots": sorted({one.kind for one in track.spots}),
        "track_gap": say(
            lang, "seatrack_gap_note", hours=exact(lang, round(RULES.hold.value, 1))
        ),
    }
