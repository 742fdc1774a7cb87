"""A boat's logbook on one page: few taps, with or without scripts, network or none.

The family writes as the skipper tells; what is written without a network waits on the
phone (``static/logbook.js``) and is sent once.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from greenwater.kernel.trips import Haul
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.sea.trip_book import in_force
from traceability.sea.trip_case import trip_view
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.boattrips import TripLink, seen_ends, skippers_of, trip_links
from web.views.formats import form_time
from web.views.seaforms import SeaFieldView, SeaForm, input_type, sea_field_views
from web.views.seawords import span_text
from web.words import Lang, say

QUICK: Final = ("catch", "notice", "trip", "transshipment", "landing", "position")
"""What is written on a trip, the most usual first."""

AGAIN: Final = ("gear", "crew", "departure_port", "receiver", "weighed_by", "port")
"""What is usually as it was the last time."""


TRIPS: Final = 4
NEWEST: Final = 12


@dataclass(frozen=True)
class LogForm:
    """One kind of entry; ``hauls`` are those that positions show, newest trip first."""

    kind: str
    name: str
    record: str
    fields: Sequence[SeaFieldView]
    hauls: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class LogLine:
    """One entry as it was made lately."""

    name: str
    text: str
    href: str


class LogPages:
    """``/vessels/{vessel}/log``."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/vessels/{vessel}/log", response_class=HTMLResponse)(self.page)
        return routes

    def page(self, request: Request, vessel: str, trip: str = "") -> HTMLResponse:
        """The forms of a trip, what this phone has not sent, what was entered lately."""
        mine, lang = self._doors.mine(request), lang_of(request)
        visitor, info = self._doors.known(request), mine.seen.get_vessel(vessel)
        now_ms = self._services.now_ms()
        trips = trip_links(lang, mine.seen, info.id)[:TRIPS]
        records = mine.seen.vessel_records(vessel=info.id)
        chosen = trip or _at_sea(mine.seen, info.id)
        return self._render.page(
            request,
            "logbook.html",
            now_ms=now_ms,
            vessel=info,
            may_act=visitor.keeps_boats and visitor.person is not None,
            trips=[(one.href.removeprefix("/trips/"), one.name) for one in trips],
            chosen=chosen,
            declared={one.trip for one in records if one.kind == "trip"},
            new_trip=str(uuid.uuid4()),
            now=form_time(now_ms),
            now_at=now_ms,
            rate=self._services.rate,
            forms=log_forms(
                lang, mine.seen, info, trips, records, now_ms, chosen=chosen
            ),
            skippers=skippers_of(self._services.registry, info, visitor.person),
            input_type=input_type,
            may_add_photo=self._services.photos is not None,
            lines=log_lines(lang, records),
        )


def _at_sea(seen: Scope, vessel: str) -> str:
    """Return the trip that a boat is on by its positions; empty: none."""
    newest = seen.trips(vessel=vessel, limit=1)
    return next((one.id for one in newest if one.landing_ms is None), "")


def _hauls(seen: Scope, trip: str, now_ms: int) -> Sequence[Haul]:
    found = trip_view(seen, trip, now_ms).found
    return () if found is None else found.hauls


def log_forms(
    lang: Lang,
    seen: Scope,
    info: VesselInfo,
    trips: Sequence[TripLink],
    records: Sequence[VesselRecord],
    now_ms: int,
    *,
    chosen: str = "",
) -> list[LogForm]:
    """Return the forms, filled with what is usually as it was the last time.

    That of a trip has the ends that positions show of the ``chosen`` one.
    """
    often = Counter(
        line["species"] for one in records for line in one.fields.get("lines", ())
    )
    forms = []
    for kind in QUICK:
        values = _usual(kind, info, records)
        if kind == "trip":
            values |= seen_ends(seen, info.id, chosen)
        fields = [
            replace(one, options=_usual_first(one.options, often))
            if one.kind == "lines"
            else one
            for one in sea_field_views(lang, SeaForm(kind, "", "", "", values))
            if one.name != "haul"
        ]
        hauls = _haul_choices(lang, seen, trips[:2], now_ms) if kind == "catch" else ()
        name = say(lang, f"sea_kind_{kind}")
        forms.append(LogForm(kind, name, str(uuid.uuid4()), fields, hauls))
    return forms


def _haul_choices(
    lang: Lang, seen: Scope, trips: Sequence[TripLink], now_ms: int
) -> list[tuple[str, str, str]]:
    """Return the hauls that positions show of some trips, the newest first: id, trip, words."""
    return [
        (haul.id, trip, f"{say(lang, 'sea_haul', number=haul.number)} · "
         f"{span_text(haul.began_ms, haul.ended_ms)}")
        for one in trips
        for trip in (one.href.removeprefix("/trips/"),)
        for haul in reversed(_hauls(seen, trip, now_ms))
    ]  # fmt: skip


def _usual_first(
    options: Sequence[tuple[str, str]], often: Mapping[str, int]
) -> list[tuple[str, str]]:
    """Return species, those first that the boat writes most."""
    return sorted(options, key=lambda one: -often.get(one[0], 0))


def _usual(
    kind: str, info: VesselInfo, records: Sequence[VesselRecord]
) -> dict[str, str]:
    values = {"gear": info.gear or "", "port": "CHR", "departure_port": "CHR"}
    for one in records:
        if one.kind == kind:
            values |= {
                name: str(one.fields[name]) for name in AGAIN if name in one.fields
            }
    return values


def log_lines(lang: Lang, records: Sequence[VesselRecord]) -> list[LogLine]:
    """Return what was entered last, the newest first."""
    counting = [one.record for one in in_force(records) if one.record.trip is not None]
    newest = sorted(
        counting, key=lambda one: (-one.received_ms, -one.happened_ms, one.id)
    )[:NEWEST]
    return [
        LogLine(
            say(lang, f"sea_kind_{one.kind}"),
            span_text(one.happened_ms, one.happened_ms).partition(" – ")[2],
            f"/trips/{one.trip}",
        )
        for one in newest
    ]
