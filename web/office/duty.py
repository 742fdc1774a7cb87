"""What somebody on duty looks up: what stands out today, one vessel, all for his phone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import DAY_MS
from greenwater.kernel.trips import Violation
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.certification import Certificate
from greenwater.storage.registry.labels import Recall
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.vessel_inspections import VesselInspection
from traceability.label.scanning import Scanning
from traceability.label.suspects import (
    Suspects,
    VesselStanding,
    standing_of,
    standings,
    suspects_of,
)
from traceability.sea.trip_book import Difference
from traceability.sea.trip_case import trip_view
from traceability.vietgap.certificates import shown_code
from web.api.answers import fresh
from web.door.doors import Doors, RefusedError
from web.labels.notices import suspicion_text
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.boatcards import state_text, value_text
from web.views.boatpapers import LOOKS
from web.views.formats import day, exact, moment
from web.views.seawords import gear_name, paper_text, species_name
from web.views.trips import (
    HaulView,
    WeightView,
    ZoneView,
    haul_views,
    tolerance_text,
    violation_text,
    weight_views,
    zone_views,
)
from web.views.vesselinspections import VesselInspectionView, inspection_views
from web.words import Lang, say

TRIPS_SHOWN: Final = 5
INSPECTIONS_SHOWN: Final = 20
FOUND_WANTING_MS: Final = 30 * DAY_MS
"""How long a vessel that was found wanting stands on today's list."""

MOST_INSPECTED: Final = 5_000
"""So many of the newest inspections are looked through for each vessel's last one."""


class Line(msgspec.Struct, frozen=True):
    """A line on a phone; ``look`` is good, doubt or bad."""

    text: str
    look: str


class SpeciesWeight(msgspec.Struct, frozen=True):
    """Kilograms of a species on the last trip that landed: written at sea, weighed ashore."""

    species: str
    name: str
    wrote: float
    weighed: float


class VesselCard(msgspec.Struct, frozen=True):
    """One vessel as an inspector's phone keeps it, in words of his language.

    ``inspected`` is when it was last, and how that ended; empty: never.
    """

    id: str
    name: str
    owner: str
    facts: str
    papers: Sequence[Line]
    landed: str
    weights: Sequence[Line]
    kilograms: Sequence[SpeciesWeight] = ()
    inspected: str = ""


class VesselList(msgspec.Struct, frozen=True):
    """All vessels that an inspector sees, as of an instant."""

    at_ms: int
    vessels: Sequence[VesselCard]


@dataclass(frozen=True)
class Suspect:
    """One line of today's list: what it is, and where to look."""

    name: str
    href: str
    text: str


@dataclass(frozen=True)
class Group:
    """The lines of one kind; ``kind`` names its heading and what is said of none."""

    kind: str
    lines: Sequence[Suspect]
    note: str = ""


@dataclass(frozen=True)
class TripLook:
    """One trip of the vessel that is looked at."""

    href: str
    name: str
    hauls: Sequence[HaulView]
    weights: Sequence[WeightView]
    zones: Sequence[ZoneView]


def weight_text(lang: Lang, one: Difference) -> str:
    """Return one species of a trip: kilograms written and weighed."""
    return say(
        lang,
        "duty_weight",
        species=species_name(lang, one.species),
        wrote=exact(lang, one.expected),
        weighed=exact(lang, one.landed),
    )


def vessel_card(
    lang: Lang, one: VesselStanding, owner: str, last: VesselInspection | None
) -> VesselCard:
    """Return a vessel for a phone; ``last`` is its last inspection."""
    vessel = one.vessel
    length = "" if vessel.length_m is None else f"{exact(lang, vessel.length_m)} m"
    gear = "" if vessel.gear is None else gear_name(lang, vessel.gear)
    trade = "" if vessel.catches else value_text(lang, "trade", vessel.trade)
    return VesselCard(
        vessel.id,
        vessel.name,
        owner,
        ", ".join(filter(None, (length, gear, trade, state_text(lang, vessel)))),
        [Line(paper_text(lang, paper), LOOKS[paper.standing]) for paper in one.papers],
        "" if one.landed_ms is None else day(one.landed_ms),
        [
            Line(weight_text(lang, part), "good" if part.is_within else "doubt")
            for part in one.weights
        ],
        [
            SpeciesWeight(
                part.species,
                species_name(lang, part.species).capitalize(),
                part.expected,
                part.landed,
            )
            for part in one.weights
        ],
        ""
        if last is None
        else f"{day(last.happened_ms)}: {say(lang, f'inspection_{last.result}')}",
    )


class DutyPages:
    """The pages of those on duty."""

    def __init__(
        self, services: Services, scanning: Scanning, render: Renderer, doors: Doors
    ) -> None:
        self._services, self._scanning = services, scanning
        self._render, self._doors = render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/inspections/today", response_class=HTMLResponse)(self.today)
        routes.get("/inspections/vessels", response_class=HTMLResponse)(self.vessel)
        routes.get("/api/v1/inspections/vessels.json")(self.vessels)
        return routes

    def _on_duty(self, request: Request) -> Services:
        visitor = self._doors.known(request)
        if visitor.person is None or not visitor.is_on_duty:
            raise RefusedError("this needs an account of an authority", "not_yours")
        return self._doors.mine(request)

    def today(self, request: Request) -> HTMLResponse:
        """What stands out: copies, recalls, papers and certificates, weights, waters."""
        mine, lang, now_ms = (
            self._on_duty(request),
            lang_of(request),
            self._services.now_ms(),
        )
        found = suspects_of(mine.seen, now_ms)
        copies = Group("copies", list(self._copies(lang, mine)))
        inspected = Group("inspected", list(_found_wanting(lang, mine, now_ms)))
        open_reports = sum(not one.answer for one in mine.seen.label_reports())
        return self._render.page(
            request,
            "duty_today.html",
            now_ms=now_ms,
            groups=[copies, *_groups(lang, mine, found, now_ms), inspected],
            reports=open_reports,
        )

    def _copies(self, lang: Lang, mine: Services) -> Iterator[Suspect]:
        for one in self._scanning.suspects(mine.seen):
            label = mine.seen.find_label(one.subject)
            lot = mine.seen.get_lot(one.subject if label is None else label.lot)
            name = lot.code if label is None else one.subject
            yield Suspect(name, f"/lots/{lot.id}", suspicion_text(lang, one))

    def vessel(self, request: Request, number: str = "") -> HTMLResponse:
        """One vessel by its registration number: papers, hauls against weights."""
        mine, lang = self._on_duty(request), lang_of(request)
        number, found, trouble = number.strip()[:40], None, ""
        if number:
            try:
                found = mine.seen.get_vessel(parse_registration(number))
            except InputError:
                trouble = say(lang, "duty_no_number", number=number)
            except MissingError:
                trouble = say(lang, "duty_no_vessel", number=number)
        return self._render.page(
            request,
            "duty_vessel.html",
            status=404 if trouble else 200,
            number=number,
            trouble=trouble,
            card=None if found is None else self._card(lang, mine, found),
            inspections=[] if found is None else self._inspected(lang, mine, found.id),
            successor="" if found is None else found.successor or "",
            former=[] if found is None else mine.seen.former_vessels(found.id),
            may_inspect=self._doors.known(request).inspects,
            trips=[] if found is None else self._trips(lang, mine, found.id),
            tolerance=tolerance_text(lang),
        )

    def _card(self, lang: Lang, mine: Services, vessel: VesselInfo) -> VesselCard:
        records = mine.seen.vessel_records(vessel=vessel.id)
        standing = standing_of(vessel, records, self._services.now_ms())
        owners = mine.registry.organisation_names()
        last = next(iter(mine.seen.vessel_inspections(vessel=vessel.id, limit=1)), None)
        return vessel_card(lang, standing, owners.get(vessel.organisation, ""), last)

    def _inspected(
        self, lang: Lang, mine: Services, vessel: str
    ) -> list[VesselInspectionView]:
        found = mine.seen.vessel_inspections(vessel=vessel, limit=INSPECTIONS_SHOWN)
        return inspection_views(
            lang, self._services.registry, mine.seen, found, self._services.now_ms()
        )

    def _trips(self, lang: Lang, mine: Services, vessel: str) -> list[TripLook]:
        """Return a vessel's newest trips, found or entered."""
        began: dict[str, int] = {}
        for one in mine.seen.vessel_records(vessel=vessel):
            if one.trip is not None:
                began.setdefault(one.trip, one.happened_ms)
        for trip in mine.seen.trips(vessel=vessel, limit=TRIPS_SHOWN):
            began.setdefault(trip.id, trip.departure_ms)
        newest = sorted(began, key=lambda one: -began[one])[:TRIPS_SHOWN]
        return [self._look(lang, mine, one) for one in newest]

    def _look(self, lang: Lang, mine: Services, trip: str) -> TripLook:
        view = trip_view(mine.seen, trip, self._services.now_ms())
        span = view.span
        name = (
            say(lang, "sea_trip_untold")
            if span is None
            else f"{day(span[0])} – {day(span[1])}"
        )
        return TripLook(
            f"/trips/{trip}",
            name,
            haul_views(lang, view),
            weight_views(lang, view),
            zone_views(lang, view),
        )

    def vessels(self, request: Request) -> Response:
        """Every vessel that an inspector sees, for his phone to keep."""
        visitor = self._doors.known(request)
        if not visitor.inspects:
            raise RefusedError("this needs an inspector's account", "not_yours")
        mine, lang, now_ms = (
            self._doors.mine(request),
            lang_of(request),
            self._services.now_ms(),
        )
        owners = mine.registry.organisation_names()
        last = {
            one.vessel: one
            for one in reversed(mine.seen.vessel_inspections(limit=MOST_INSPECTED))
        }
        cards = [
            vessel_card(
                lang,
                one,
                owners.get(one.vessel.organisation, ""),
                last.get(one.vessel.id),
            )
            for one in standings(mine.seen, now_ms)
        ]
        return fresh(VesselList(now_ms, cards))


def _groups(
    lang: Lang, mine: Services, found: Suspects, now_ms: int
) -> Iterator[Group]:
    """Yield today's lines by kind, the gravest first."""
    yield Group(
        "recalled", [_recalled(lang, mine, one, now_ms) for one in found.recalls]
    )
    is_verified = all(one.is_verified for one in found.waters)
    note = "" if is_verified else say(lang, "duty_waters_note")
    yield Group("waters", [_in_waters(lang, one) for one in found.waters], note)
    yield Group("weights", [_weighed(lang, one) for one in found.weights])
    yield Group("papers", [_papers(lang, one) for one in found.papers])
    yield Group(
        "certificates", [_ending(lang, one, now_ms) for one in found.certificates]
    )


def _recalled(lang: Lang, mine: Services, one: Recall, now_ms: int) -> Suspect:
    told = f"{one.reason} · {moment(lang, one.at_ms, now_ms)}"
    return Suspect(mine.seen.get_lot(one.lot).code, f"/lots/{one.lot}", told)


def _in_waters(lang: Lang, one: Violation) -> Suspect:
    page = f"/trips/{one.trip}#zones" if one.trip else _vessel_page(one.vessel)
    return Suspect(one.vessel, page, violation_text(lang, one))


def _papers(lang: Lang, one: VesselStanding) -> Suspect:
    told = "; ".join(paper_text(lang, paper) for paper in one.doubtful)
    return Suspect(one.vessel.id, _vessel_page(one.vessel.id), told)


def _ending(lang: Lang, one: Certificate, now_ms: int) -> Suspect:
    told = say(lang, "duty_until", day=day(one.until_ms or now_ms))
    return Suspect(shown_code(one.code), f"/certificates/{one.id}", told)


def _found_wanting(lang: Lang, mine: Services, now_ms: int) -> Iterator[Suspect]:
    """Yield vessels whose last inspection, of the last 30 days, they did not pass."""
    seen = set[str]()
    for one in mine.seen.vessel_inspections(limit=MOST_INSPECTED):
        if one.happened_ms < now_ms - FOUND_WANTING_MS:
            return
        if one.vessel not in seen and one.result == "non_conformant":
            words = say(lang, "duty_found_wanting", day=day(one.happened_ms))
            href = f"{_vessel_page(one.vessel)}#inspections"
            yield Suspect(one.vessel, href, f"{words} {one.note}".strip())
        seen.add(one.vessel)


def _weighed(lang: Lang, one: VesselStanding) -> Suspect:
    texts = [weight_text(lang, part) for part in one.weights if not part.is_within]
    return Suspect(one.vessel.id, _vessel_page(one.vessel.id), "; ".join(texts))


def _vessel_page(vessel: str) -> str:
    return f"/inspections/vessels?number={vessel}"
