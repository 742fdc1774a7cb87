"""Trips, hauls and time by waters as rows, for files that people take away."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from greenwater.kernel.reading import instant, local
from greenwater.kernel.trips import Haul, Point
from greenwater.reference.offshore_areas import added_minutes
from greenwater.reference.zones import Zone
from greenwater.storage.registry.places import VesselInfo
from traceability.sea.trip_book import Standing, TripBook, added
from traceability.sea.trip_list import ListedTrip, TripList
from web.views.boattrips import state_of_trip
from web.views.seawords import gear_name, kilograms_text, port_name
from web.words import Lang, say

TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "trips": (
        "vessel", "boat", "trip", "state", "departure", "departure_port", "return",
        "return_port", "ends", "gear", "hauls", "coastal_h", "inshore_h", "offshore_h",
        "areas", "caught_kg", "landed_kg",
    ),
    "hauls": (
        "vessel", "boat", "trip", "number", "source", "gear", "set", "set_lat", "set_lon",
        "began", "began_lat", "began_lon", "ended", "ended_lat", "ended_lon", "hours",
        "coastal_h", "inshore_h", "offshore_h", "areas", "model", "rule", "caught_kg",
        "catch",
    ),
    "zones": ("month", "vessel", "boat", "zone", "area", "days", "hauls", "hours"),
}  # fmt: skip
"""The tables and their columns, in order."""

Cells = dict[str, Any]
"""A row's values by column; what is not known is left out."""


class Period(NamedTuple):
    """What a table is about: ``[start_ms, end_ms)``."""

    start_ms: int
    end_ms: int

    def holds(self, ms: int) -> bool:
        """Return whether an instant is in it."""
        return self.start_ms <= ms < self.end_ms


class Worked(NamedTuple):
    """A haul and what was written of it; ``haul`` None: it was written by hand."""

    vessel: VesselInfo
    trip: str
    haul: Haul | None
    catches: Sequence[Standing]

    @property
    def began_ms(self) -> int:
        """When its gear began to work; of one by hand when it was hauled."""
        if self.haul is not None:
            return self.haul.began_ms
        return self.catches[0].record.happened_ms


def table_rows(
    lang: Lang,
    table: str,
    sailed: Iterable[tuple[VesselInfo, TripList]],
    period: Period,
) -> list[list[Any]]:
    """Return a table's rows; instants stay instants, numbers numbers."""
    cells = _MAKERS[table](lang, sailed, period)
    return [[row.get(name) for name in TABLES[table]] for row in cells]


def heads(lang: Lang, table: str) -> list[str]:
    """Return the titles of a table's columns."""
    return [say(lang, f"triptable_{name}") for name in TABLES[table]]


def column_words(lang: Lang) -> list[tuple[str, str]]:
    """Return every column's title and what it holds, once each."""
    names = dict.fromkeys(name for table in TABLES.values() for name in table)
    return [
        (say(lang, f"triptable_{one}"), say(lang, f"triptable_why_{one}"))
        for one in names
    ]


def _trips(
    lang: Lang, sailed: Iterable[tuple[VesselInfo, TripList]], period: Period
) -> list[Cells]:
    return [
        _trip(lang, one)
        for _, listed in sailed
        for one in listed.trips
        if period.holds(one.began_ms)
    ]


def _trip(lang: Lang, one: ListedTrip) -> Cells:
    seen = None if one.found is None else one.found.trip
    said = {} if one.book.trip is None else one.book.trip.record.fields
    hauls = () if one.found is None else one.found.hauls
    ends = _ends(one)
    return {
        **_boat(one.vessel),
        "trip": one.id,
        "state": say(lang, state_of_trip(one.book, seen)),
        **_instants(departure=ends[0], **{"return": ends[2]}),
        "departure_port": port_name(ends[1]),
        "return_port": port_name(ends[3]),
        "ends": say(lang, f"triptable_ends_{_who(one)}"),
        "gear": gear_name(lang, str(said.get("gear") or one.vessel.gear or "")),
        "hauls": len(hauls) or None,
        **_hours({} if seen is None else seen.minutes),
        "areas": _areas(added_minutes(hauls)),
        "caught_kg": _sum(one.book.caught),
        "landed_kg": _sum(one.book.landed),
    }


def _ends(one: ListedTrip) -> tuple[int | None, str, int | None, str]:
    """Return when and where a trip left and came back, as declared, else as seen."""
    if one.book.trip is not None:
        said = one.book.trip.record.fields
        left = said["departure_ms"], str(said.get("departure_port") or "")
        back = said.get("return_ms"), str(said.get("return_port") or "")
        if back[0] is not None or one.found is None:
            return *left, *back
        return *left, one.found.trip.landing_ms, one.found.trip.landing_port or ""
    if one.found is None:
        return None, "", None, ""
    seen = one.found.trip
    return (
        seen.departure_ms, seen.departure_port, seen.landing_ms, seen.landing_port or ""
    )  # fmt: skip


def _who(one: ListedTrip) -> str:
    is_seen = one.found is not None and not one.found.is_declared
    if one.book.trip is None:
        return "seen" if is_seen else "nobody"
    return "both" if is_seen else "said"


def _hauls(
    lang: Lang, sailed: Iterable[tuple[VesselInfo, TripList]], period: Period
) -> list[Cells]:
    return [
        _haul(lang, one)
        for vessel, listed in sailed
        for one in worked_of(vessel, listed)
        if period.holds(one.began_ms)
    ]


def worked_of(vessel: VesselInfo, listed: TripList) -> list[Worked]:
    """Return all hauls of a vessel in order of time, those written by hand too."""
    found = [Worked(vessel, one.trip or "", one, ()) for one in listed.loose]
    for trip in listed.trips:
        hauls = () if trip.found is None else trip.found.hauls
        written = _written(trip.book)
        found += [
            Worked(vessel, trip.id, one, written.pop(one.id, ())) for one in hauls
        ]
        alone = [each for some in written.values() for each in some]
        found += [Worked(vessel, trip.id, None, [each]) for each in alone]
    return sorted(found, key=lambda one: one.began_ms)


def _written(book: TripBook) -> dict[str, list[Standing]]:
    written: dict[str, list[Standing]] = defaultdict(list)
    for one in book.catches:
        written[str(one.record.fields.get("haul") or "")].append(one)
    return written


def _haul(lang: Lang, one: Worked) -> Cells:
    caught = added(each.kilograms for each in one.catches)
    told = {
        **_boat(one.vessel),
        "trip": one.trip,
        "caught_kg": _sum(caught),
        "catch": kilograms_text(lang, caught),
    }
    if one.haul is None:
        fields = one.catches[0].record.fields
        at = fields.get("latitude"), fields.get("longitude")
        return {
            **told,
            **_instants(set=fields.get("set_ms"), ended=one.began_ms),
            "source": say(lang, "triptable_by_hand"),
            "ended_lat": at[0],
            "ended_lon": at[1],
        }
    return told | _seen_haul(lang, one.haul)


def _seen_haul(lang: Lang, haul: Haul) -> Cells:
    return {
        "number": haul.number,
        "source": say(lang, "triptable_by_position"),
        "gear": gear_name(lang, haul.gear),
        **_instants(set=haul.set_ms, began=haul.began_ms, ended=haul.ended_ms),
        **_place("set", haul.set_at),
        **_place("began", haul.began_at),
        **_place("ended", haul.ended_at),
        "hours": round(sum(haul.minutes.values()) / 60, 2),
        **_hours(haul.minutes),
        "areas": _areas(added_minutes([haul])),
        "model": haul.probability,
        "rule": haul.rule_share,
    }


def _zones(
    lang: Lang, sailed: Iterable[tuple[VesselInfo, TripList]], period: Period
) -> list[Cells]:
    found: dict[tuple[str, str, str, int], list[tuple[str, float]]] = defaultdict(list)
    vessels = {}
    for vessel, listed in sailed:
        vessels[vessel.id] = vessel
        for one in worked_of(vessel, listed):
            if one.haul is None or not period.holds(one.began_ms):
                continue
            day = local(one.began_ms).date().isoformat()
            for zone, area, minutes in _waters(one.haul):
                key = (day[:7], vessel.id, zone, area)
                found[key].append((day, minutes))
    return [
        {
            "month": month,
            **_boat(vessels[vessel]),
            "zone": say(lang, f"sea_zone_{zone}"),
            "area": area or None,
            "days": len({day for day, _ in worked}),
            "hauls": len(worked),
            "hours": round(sum(minutes for _, minutes in worked) / 60, 2),
        }
        for (month, vessel, zone, area), worked in sorted(found.items())
    ]


def _waters(haul: Haul) -> list[tuple[str, int, float]]:
    """Return a haul's minutes by zone and, offshore, by area; 0: a zone without areas."""
    found = [
        (zone, 0, minutes)
        for zone, minutes in haul.minutes.items()
        if minutes and zone != Zone.OFFSHORE
    ]
    areas = added_minutes([haul])
    return found + [
        (str(Zone.OFFSHORE), area, minutes) for area, minutes in areas.items()
    ]


def _areas(areas: Mapping[int, float]) -> str | int | None:
    if len(areas) == 1:
        return next(iter(areas))
    return ", ".join(map(str, areas)) or None


def _boat(vessel: VesselInfo) -> Cells:
    return {"vessel": vessel.id, "boat": vessel.name}


def _instants(**times: int | None) -> Cells:
    return {
        name: instant(ms // 60_000 * 60_000)
        for name, ms in times.items()
        if ms is not None
    }


def _place(name: str, at: Point | None) -> Cells:
    if at is None:
        return {}
    return {f"{name}_lat": round(at[0], 4), f"{name}_lon": round(at[1], 4)}


def _hours(minutes: Mapping[str, float]) -> Cells:
    return {
        f"{zone}_h": round(minutes[zone] / 60, 2) for zone in Zone if minutes.get(zone)
    }


def _sum(kilograms: Mapping[str, float]) -> float | None:
    return round(sum(kilograms.values()), 3) or None


_Maker = Callable[[Lang, Iterable[tuple[VesselInfo, TripList]], Period], list[Cells]]
_MAKERS: Final[Mapping[str, _Maker]] = {
    "trips": _trips,
    "hauls": _hauls,
    "zones": _zones,
}
