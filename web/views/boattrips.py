"""A boat's trips, and for whom of its people others write: for lists and forms."""

from collections.abc import Sequence
from dataclasses import dataclass

from greenwater.kernel.trips import Trip
from greenwater.storage.registry import Registry, Scope
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.sea.trip_book import TripBook, trip_book
from traceability.sea.vessels import ANSWERS
from web.views.formats import day, form_time
from web.views.seawords import port_name
from web.words import Lang, say


@dataclass(frozen=True)
class TripLink:
    """One trip in a list."""

    href: str
    name: str
    state: str


def trip_links(lang: Lang, seen: Scope, vessel: str) -> list[TripLink]:
    """Return the trips, found or entered, the newest first."""
    records: dict[str, list[VesselRecord]] = {}
    for one in seen.vessel_records(vessel=vessel):
        if one.trip is not None:
            records.setdefault(one.trip, []).append(one)
    found = {one.id: one for one in seen.trips(vessel=vessel, limit=50)}
    listed = [
        _trip(lang, trip, found.get(trip), records.get(trip, []))
        for trip in {**found, **records}
    ]
    return [link for _, link in sorted(listed, key=lambda one: -one[0])]


def _trip(
    lang: Lang, trip: str, found: Trip | None, records: Sequence[VesselRecord]
) -> tuple[int, TripLink]:
    book = trip_book(records)
    fields = {} if book.trip is None else book.trip.record.fields
    began_ms = fields.get("departure_ms") or (
        found.departure_ms
        if found is not None
        else min(one.happened_ms for one in records)
    )
    port = fields.get("departure_port") or (found and found.departure_port) or ""
    name = say(lang, "sea_trip_from", day=day(began_ms), port=port_name(port))
    state = say(lang, state_of_trip(book, found))
    return began_ms, TripLink(f"/trips/{trip}", name, state)


def seen_ends(seen: Scope, vessel: str, trip: str) -> dict[str, str]:
    """Return the ends of a trip that positions show, as fields of its declaration."""
    values: dict[str, str] = {}
    for one in seen.trips(vessel=vessel):
        if one.id != trip:
            continue
        values["departure_ms"] = form_time(one.departure_ms)
        values["departure_port"] = one.departure_port
        if one.landing_ms is not None:
            values["return_ms"] = form_time(one.landing_ms)
            values["return_port"] = one.landing_port or ""
    return values


def state_of_trip(book: TripBook, found: Trip | None) -> str:
    """Return the key of the words for how a trip stands."""
    if found is not None and found.landing_ms is None and not book.landings:
        return "sea_trip_at_sea"
    return "sea_trip_confirmed" if book.is_confirmed else "sea_trip_open"


def skippers_of(
    registry: Registry, info: VesselInfo, person: str | None
) -> list[tuple[str, str]]:
    """Return for whom somebody may enter, if he is none of them himself."""
    people = [
        one
        for one in registry.list_people()
        if any(
            organisation == info.organisation and role in ANSWERS
            for organisation, role in one.memberships
        )
    ]
    if any(one.id == person for one in people):
        return []
    skippers = [
        one for one in people if (info.organisation, Role.SKIPPER) in one.memberships
    ]
    return [(one.id, one.name) for one in skippers or people]
