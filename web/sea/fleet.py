"""The fleet: where each boat was last heard of, by whom, and what is due.

Countdowns follow positions of vessel monitoring alone; a boat's own box that is out of
coverage is normal and never red.
"""

from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from analytics.fishing.monitoring import Contact, Monitoring, Standing, standing_at
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, Source
from greenwater.kernel.trips import Trip
from greenwater.reference.closed_areas import CLOSED, ClosedArea
from greenwater.reference.monitoring import is_required
from greenwater.reference.ports import port_at
from greenwater.reference.zones import ZONES, zone_at
from greenwater.storage.registry.places import VesselInfo
from traceability.sea.trip_book import in_force
from web.api.answers import fresh
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.cards import is_simulated
from web.views.facts import Facts, Hanging, Snapshots
from web.views.formats import age, moment, position
from web.views.lights import Light
from web.views.seamap import Mark, area_lines, bounds_of, sea_map
from web.views.shown import Link
from web.views.trips import notice_text
from web.words import Lang, say

LOOKS: Final = {
    Monitoring.NOT_REQUIRED: "ok",
    Monitoring.UNKNOWN: "lost",
    Monitoring.IN_PORT: "ok",
    Monitoring.TRACKED: "ok",
    Monitoring.LATE: "look",
    Monitoring.REPORTING: "look",
    Monitoring.LOST: "act",
    Monitoring.OVERDUE: "act",
}
NOTICES_MS: Final = 7 * DAY_MS
"""Notices given longer ago are not looked for."""
PASSED_MS: Final = DAY_MS
"""So long after the planned hour a notice is still told."""
MOST_NOTICES: Final = 30
_ORDER: Final = {"act": 0, "look": 1, "lost": 2, "ok": 3}


@dataclass(frozen=True)
class Fix:
    """The newest position of one source."""

    at_ms: int
    latitude: float
    longitude: float
    source: Source


@dataclass(frozen=True)
class BoatView:
    """One boat on the fleet's page."""

    id: str
    name: str
    light: Light
    word: str
    where: str
    heard: str
    due: tuple[str, ...]
    links: tuple[Link, ...]
    at: tuple[float, float] | None
    is_simulated: bool


@dataclass(frozen=True)
class AreaView:
    """One closed area as the fleet's page tells it; ``gap``: what was not found."""

    name: str
    instrument: str
    gap: str
    is_verified: bool


@dataclass(frozen=True)
class NoticeView:
    """One notice to a port: which boat, what it says, whether it was given in time."""

    boat: str
    href: str
    text: str
    is_early: bool


class FleetPages:
    """Where boats are."""

    def __init__(self, snapshots: Snapshots, render: Renderer, doors: Doors) -> None:
        self._snapshots, self._render, self._doors = snapshots, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/fleet", response_class=HTMLResponse)(self.fleet_page)
        routes.get("/fleet.json")(self.fleet_data)
        return routes

    def _boats(self, request: Request) -> tuple[Facts, list[BoatView]]:
        mine = self._doors.mine(request)
        facts = self._snapshots.now(mine)
        return facts, boat_views(lang_of(request), mine, facts)

    def fleet_page(self, request: Request) -> HTMLResponse:
        """Every boat the visitor sees, on a map and in a list; trouble first."""
        facts, boats = self._boats(request)
        marks = [Mark(one.at, one.light, one.name) for one in boats if one.at]
        return self._render.page(
            request,
            "fleet.html",
            has_map=True,
            now_ms=facts.now_ms,
            is_simulated=any(one.is_simulated for one in boats),
            boats=boats,
            sea=sea_map(marks, alt=say(lang_of(request), "fleet_map_alt")),
            is_verified=ZONES.verified,
            areas=[area_view(lang_of(request), one) for one in CLOSED.area],
            notices=self._notices(request, facts),
        )

    def _notices(self, request: Request, facts: Facts) -> list[NoticeView]:
        """Return what boats told ports of late, the next to pass first."""
        seen, lang = self._doors.mine(request).seen, lang_of(request)
        since_ms = facts.now_ms - NOTICES_MS
        told = seen.vessel_records(kind="notice", since_ms=since_ms)
        names = {one.id: one.name for one in facts.vessels}
        newest = sorted(
            (one.record for one in in_force(told)),
            key=lambda one: -int(one.fields["planned_ms"]),
        )
        return [
            NoticeView(
                f"{names.get(one.vessel, one.vessel)} ({one.vessel})",
                f"/trips/{one.trip}",
                *notice_text(lang, one),
            )
            for one in newest[:MOST_NOTICES]
            if one.fields["planned_ms"] >= facts.now_ms - PASSED_MS
        ]

    def fleet_data(self, request: Request) -> Response:
        """The same for the map's script."""
        _, boats = self._boats(request)
        placed = [one for one in boats if one.at]
        document: dict[str, Any] = {
            "bounds": bounds_of(one.at for one in placed if one.at),
            "zones": {"coastal": ZONES.coastal_line, "inshore": ZONES.inshore_line},
            "areas": area_lines(lang_of(request)),
            "boats": [
                {
                    "name": one.name,
                    "at": one.at,
                    "light": one.light.name,
                    "mark": one.light.mark,
                    "told": [one.word, one.where, one.heard, *one.due],
                    "href": one.links[0].href,
                }
                for one in placed
            ],
        }
        return fresh(document)


def boat_views(lang: Lang, mine: Services, facts: Facts) -> list[BoatView]:
    """Return the boats in service that somebody sees, trouble first."""
    trips: dict[str, Trip] = {}
    for trip in mine.seen.trips():  # the newest first
        trips.setdefault(trip.vessel, trip)
    views = [
        boat_view(lang, facts, one, trips.get(one.id))
        for one in facts.vessels
        if one.is_in_service
    ]
    return sorted(views, key=lambda one: (_ORDER[one.light.name], one.name))


def boat_view(
    lang: Lang, facts: Facts, vessel: VesselInfo, trip: Trip | None = None
) -> BoatView:
    """Return what is known of one boat now; ``trip`` is its newest, if it has one."""
    hanging = facts.on_vessels.get(vessel.id, ())
    found = [fix for one in hanging if (fix := newest_fix(one)) is not None]
    last = max(found, key=lambda fix: fix.at_ms, default=None)
    contact = Contact(
        is_required=is_required(vessel.length_m)
        and Source.VMS in {one.source for one in hanging}
    )
    standing = standing_of(contact, found, trip, facts.now_ms)
    name = LOOKS[standing.state] if last is not None else "lost"
    light = Light("act" if standing.is_out_of_contact else name)
    word = "out" if standing.is_out_of_contact else standing.state
    return BoatView(
        vessel.id,
        vessel.name,
        light,
        say(lang, f"fleet_{word}"),
        "" if last is None else _where(lang, last),
        say(lang, "fleet_unheard")
        if last is None
        else _heard(lang, last, facts.now_ms),
        tuple(_due(lang, standing, facts.now_ms)),
        (
            *([Link(say(lang, "fleet_trip"), f"/trips/{trip.id}")] if trip else []),
            *([_by_voice(lang, trip)] if trip and standing.report_by_ms else []),
            Link(say(lang, "fleet_track"), f"/vessels/{vessel.id}"),
            Link(say(lang, "fleet_book"), f"/vessels/{vessel.id}/book"),
        ),
        None if last is None else (last.latitude, last.longitude),
        is_simulated(facts, hanging),
    )


def _by_voice(lang: Lang, trip: Trip) -> Link:
    """Return where a position that a boat told by voice is written down."""
    form = f"/vessels/{trip.vessel}/records/new?kind=position&trip={trip.id}"
    return Link(say(lang, "sea_kind_position"), form)


def area_view(lang: Lang, area: ClosedArea) -> AreaView:
    """Return a closed area in words."""
    if lang is Lang.VI:
        return AreaView(area.vi, area.instrument_vi, area.gap_vi, area.verified)
    return AreaView(area.en, area.instrument_en, area.gap_en, area.verified)


def newest_fix(one: Hanging) -> Fix | None:
    """Return the newest position an instrument told, if it told one whole."""
    told = {reading.channel: reading for reading in one.readings}
    latitude, longitude = told.get(Channel.LATITUDE), told.get(Channel.LONGITUDE)
    if latitude is None or longitude is None:
        return None
    if latitude.value is None or longitude.value is None:
        return None
    return Fix(latitude.taken_ms, latitude.value, longitude.value, one.source)


def standing_of(
    contact: Contact, fixes: list[Fix], trip: Trip | None, now_ms: int
) -> Standing:
    """Return how a boat stands towards monitoring, as its alarms have it.

    By the newest fix of each source, and by when it left port last.
    """
    if trip is not None:
        contact.take(trip.departure_ms, Source.BOX, is_in_port=True)
    for fix in fixes:
        in_port = port_at(fix.latitude, fix.longitude) is not None
        contact.take(fix.at_ms, fix.source, is_in_port=in_port)
    return standing_at(contact, now_ms)


def _where(lang: Lang, fix: Fix) -> str:
    port = port_at(fix.latitude, fix.longitude)
    if port is not None:
        return say(lang, "fleet_at_port", port=port.name)
    zone = say(lang, f"sea_zone_{zone_at(fix.latitude, fix.longitude)}")
    return f"{zone} · {position(lang, fix.latitude, fix.longitude)}"


def _heard(lang: Lang, fix: Fix, now_ms: int) -> str:
    source = say(lang, f"fleet_source_{fix.source}")
    return say(lang, "fleet_heard", age=age(lang, fix.at_ms, now_ms), source=source)


def _due(lang: Lang, standing: Standing, now_ms: int) -> list[str]:
    found = []
    for key, at_ms in (
        ("fleet_report_by", standing.report_by_ms),
        ("fleet_port_by", standing.port_by_ms),
    ):
        if at_ms is not None:
            late = "_late" if at_ms < now_ms else ""
            left = _left(lang, abs(at_ms - now_ms))
            found.append(
                say(lang, key + late, time=moment(lang, at_ms, now_ms), left=left)
            )
    return found


def _left(lang: Lang, ms: int) -> str:
    minutes = ms // 60_000
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return say(lang, "fleet_days", days=days, hours=hours)
    if not hours:
        return say(lang, "for_minutes", count=minutes)
    return say(lang, "fleet_hours", hours=hours, minutes=minutes % 60)
