"""Numbers by area, for officers: farms, water, alarms, certificates, goods, boats."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from greenwater.kernel.reading import local
from greenwater.reference.communes import current_name
from greenwater.reference.planned import PLANNED
from greenwater.reference.substances import is_antibiotic
from greenwater.storage.registry.books import Record
from greenwater.storage.registry.certification import Certificate
from greenwater.storage.registry.places import SiteInfo, SiteKind
from greenwater.storage.registry.scope import Scope
from traceability.corrections import in_force
from traceability.vietgap.certificates import CertificateState, certificate_state
from web.api.answers import fresh
from web.door.doors import Doors, RefusedError
from web.office.areamonths import (
    MONTHLY,
    ZONES,
    month_counts,
    month_name,
    month_table,
    months_ago,
    vessel_days,
    zone_months,
    zone_trend,
)
from web.pages import Renderer, lang_of
from web.views.cards import state_of
from web.views.facts import Facts, Snapshots
from web.views.formats import number
from web.views.planned import (
    group_views,
    planned_bounds,
    planned_document,
    planned_spots,
)
from web.views.seamap import sea_map
from web.words import Lang, say
from web.workbooks import csv_answer, workbook_answer

_GREEN: Final = ("feed_use", "harvest", "drug_chem_use", "waste")


@dataclass
class AreaNumbers:
    """What there is in one commune; weights in kg, of this calendar year.

    ``units_reporting`` are those whose newest reading is not stale. ``certified_ha``
    is what valid certificates say of their sites.
    """

    farms: int = 0
    households: int = 0
    units: int = 0
    units_reporting: int = 0
    alarms_open: int = 0
    crops_open: int = 0
    households_certified: int = 0
    certified_ha: float = 0.0
    lots: int = 0
    recalls_in_force: int = 0
    feed_kg: float = 0.0
    harvest_kg: float = 0.0
    antibiotic_uses: int = 0
    waste_records: int = 0

    def __add__(self, other: "AreaNumbers") -> "AreaNumbers":
        """Return both together."""
        names = (one.name for one in fields(self))
        return AreaNumbers(**{n: getattr(self, n) + getattr(other, n) for n in names})

    @property
    def feed_conversion(self) -> float | None:
        """Feed by harvest, as declared; None where one of the two is not in the books."""
        if not self.feed_kg or not self.harvest_kg:
            return None
        return round(self.feed_kg / self.harvest_kg, 2)


@dataclass
class _Homes:
    """In which commune things are."""

    sites: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)

    def of_record(self, one: Record) -> str:
        """Return where an entry belongs: its unit, its site, or its keeper's first site."""
        home = self.organisations.get(one.organisation, "")
        return self.units.get(one.unit or "", self.sites.get(one.site or "", home))


class AreaPages:
    """Numbers by commune, and vessel-days by zone."""

    def __init__(self, snapshots: Snapshots, render: Renderer, doors: Doors) -> None:
        self._snapshots, self._render, self._doors = snapshots, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/areas", response_class=HTMLResponse)(self.areas_page)
        routes.get("/areas.json")(self.planned_data)
        routes.get("/areas.csv")(self.areas_file)
        routes.get("/areas.xlsx")(self.areas_workbook)
        routes.get("/areas/vessel-days.csv")(self.vessel_days_file)
        return routes

    def _seen(self, request: Request) -> tuple[Scope, Facts]:
        visitor = self._doors.known(request)
        if not visitor.is_on_duty and visitor.person is not None:
            raise RefusedError("this needs an officer's account", "not_yours")
        mine = self._doors.mine(request)
        return mine.seen, self._snapshots.now(mine)

    def areas_page(self, request: Request) -> HTMLResponse:
        """Every commune the officer sees, and all together."""
        seen, facts = self._seen(request)
        lang = lang_of(request)
        areas = by_area(seen, facts)
        whole = sum(areas.values(), AreaNumbers())
        months = zone_months(seen, facts.now_ms)
        return self._render.page(
            request,
            "areas.html",
            has_map=True,
            now_ms=facts.now_ms,
            is_simulated=any(one.is_simulated for one in facts.devices.values()),
            heads=[say(lang, f"area_{name}") for name in COLUMNS],
            rows=[
                (area or say(lang, "area_unknown"), _cells(lang, numbers))
                for area, numbers in sorted(areas.items())
            ],
            whole=_cells(lang, whole),
            headlines=[
                (say(lang, f"area_{name}"), cell)
                for name, cell in zip(COLUMNS, _cells(lang, whole), strict=True)
                if name in HEADLINES
            ],
            zones=[say(lang, f"sea_zone_{zone}") for zone in ZONES],
            months=[
                (
                    month_name(one.name),
                    [number(lang, one.days.get(zone, 0)) for zone in ZONES],
                )
                for one in months
            ],
            trends=[zone_trend(lang, months, zone) for zone in ZONES],
            by_month=month_table(lang, seen, facts.now_ms),
            planned=group_views(lang),
            instrument=PLANNED.instrument,
            sea=sea_map(
                (),
                spots=planned_spots(lang),
                alt=say(lang, "area_planned_alt"),
                bounds=planned_bounds(),
            ),
        )

    def planned_data(self, request: Request) -> Response:
        """Planned farming areas for the map's script."""
        self._seen(request)
        return fresh(planned_document(lang_of(request)))

    def areas_file(self, request: Request) -> Response:
        """The same as a table for a spreadsheet."""
        seen, facts = self._seen(request)
        return csv_answer("areas", ["commune", *COLUMNS], _area_rows(seen, facts))

    def areas_workbook(self, request: Request) -> Response:
        """All tables of the page as one Excel workbook, in the page's language."""
        seen, facts = self._seen(request)
        lang = lang_of(request)
        months = vessel_days(seen.fished(months_ago(facts.now_ms)))
        by_month = month_counts(seen, facts.now_ms)
        return workbook_answer(
            "areas",
            {
                say(lang, "area_title"): [
                    [say(lang, "area_commune"), *(say(lang, f"area_{n}") for n in COLUMNS)],
                    *_area_rows(seen, facts),
                ],
                say(lang, "area_months_title"): [
                    [say(lang, "area_month"), *(say(lang, f"area_month_{n}") for n in MONTHLY)],
                    *([month, *(counts[n] for n in MONTHLY)] for month, counts in by_month),
                ],
                say(lang, "area_days"): [
                    [say(lang, "area_month"), *(say(lang, f"sea_zone_{z}") for z in ZONES)],
                    *([one.name, *(one.days.get(z, 0) for z in ZONES)] for one in months),
                ],
                say(lang, "area_planned_short"): [
                    [say(lang, f"area_planned_{n}") for n in ("group", "count", "ha", "names")],
                    *(
                        [one.name, one.areas or None, one.hectares,
                         ", ".join(place.name for place in one.place)]
                        for one in PLANNED.group
                    ),
                ],
            },
        )  # fmt: skip

    def vessel_days_file(self, request: Request) -> Response:
        """Vessel-days by month and zone as a table."""
        seen, facts = self._seen(request)
        months = vessel_days(seen.fished(months_ago(facts.now_ms)))
        rows = [[one.name, *(one.days.get(z, 0) for z in ZONES)] for one in months]
        return csv_answer("vessel-days", ["month", *ZONES], rows)


COLUMNS: Final = (*(one.name for one in fields(AreaNumbers)), "feed_conversion")
HEADLINES: Final = {
    "units", "units_reporting", "alarms_open", "households_certified", "lots", "recalls_in_force",
}  # fmt: skip
"""What an officer looks for first, of the whole area."""


def by_area(seen: Scope, facts: Facts) -> dict[str, AreaNumbers]:
    """Return the numbers of every commune of today that a scope has something in."""
    homes = _homes(facts.sites)
    homes.units = {
        u.id: homes.sites[u.site]
        for u in (*facts.units, *facts.closed)
        if u.site in homes.sites
    }
    found: dict[str, AreaNumbers] = defaultdict(AreaNumbers)
    _water(found, homes, facts)
    for alarm in seen.alarms(open_only=True):
        if alarm.unit in homes.units:
            found[homes.units[alarm.unit]].alarms_open += 1
    _books(found, homes, seen, _year_ms(facts.now_ms))
    _certified(found, homes, seen, facts.now_ms)
    return dict(found)


def _homes(sites: Sequence[SiteInfo]) -> _Homes:
    homes = _Homes()
    for site in sites:
        area = current_name(site.commune or "")
        homes.sites[site.id] = area
        homes.organisations.setdefault(site.organisation, area)
    return homes


def _water(found: dict[str, AreaNumbers], homes: _Homes, facts: Facts) -> None:
    holders: dict[str, set[str]] = defaultdict(set)
    for site in facts.sites:
        if site.kind is SiteKind.FARM:
            found[homes.sites[site.id]].farms += 1
            holders[homes.sites[site.id]].add(site.organisation)
    for area, households in holders.items():
        found[area].households = len(households)
    for unit in facts.units:
        numbers = found[homes.units[unit.id]]
        numbers.units += 1
        hanging = facts.in_units.get(unit.id, ())
        newest = max((o.newest_ms for o in hanging if o.newest_ms), default=None)
        numbers.units_reporting += state_of(newest, facts.now_ms) == "fresh"


def _books(
    found: dict[str, AreaNumbers], homes: _Homes, seen: Scope, since_ms: int
) -> None:
    for crop in seen.crops():
        if crop.ended_ms is None and crop.unit in homes.units:
            found[homes.units[crop.unit]].crops_open += 1
    lots = {
        lot.id: homes.organisations.get(lot.organisation, "") for lot in seen.lots()
    }
    for lot in seen.lots():
        found[lots[lot.id]].lots += lot.created_ms >= since_ms
    for recall in seen.recalls():
        if recall.lot in lots:
            found[lots[recall.lot]].recalls_in_force += 1
    entered = seen.records(kinds=_GREEN)
    for one in in_force([r for r in entered if r.happened_ms >= since_ms]):
        _add_record(found[homes.of_record(one)], one)


def _add_record(area: AreaNumbers, one: Record) -> None:
    kilograms = float(one.fields.get("kg", 0) or 0)
    if one.kind == "feed_use":
        area.feed_kg += kilograms
    elif one.kind == "harvest":
        area.harvest_kg += kilograms
    elif one.kind == "waste":
        area.waste_records += 1
    elif is_antibiotic(str(one.fields.get("substance", ""))):
        area.antibiotic_uses += 1


def _certified(
    found: dict[str, AreaNumbers], homes: _Homes, seen: Scope, now_ms: int
) -> None:
    holders: dict[str, set[str]] = defaultdict(set)
    for one in seen.certificates():
        state = certificate_state(one, seen.certificate_acts(one.id), now_ms)
        if state is CertificateState.VALID and one.procedure == "vietgap":
            area = homes.organisations.get(one.organisation, "")
            holders[area].add(one.organisation)
            found[area].certified_ha += _hectares(one)
    for area, households in holders.items():
        found[area].households_certified = len(households)


def _hectares(one: Certificate) -> float:
    sites = one.scope.get("sites") or ()
    return round(sum(float(s.get("area_m2") or 0) for s in sites) / 10_000, 4)


def _area_rows(seen: Scope, facts: Facts) -> list[list[Any]]:
    return [
        [area, *(getattr(numbers, name) for name in COLUMNS)]
        for area, numbers in sorted(by_area(seen, facts).items())
    ]


def _cells(lang: Lang, numbers: AreaNumbers) -> list[str]:
    values = [getattr(numbers, name) for name in COLUMNS]
    return [
        "–" if v is None else number(lang, v, 0 if v == int(v) else 2) for v in values
    ]


def _year_ms(now_ms: int) -> int:
    first = local(now_ms).replace(month=1, day=1, hour=0, minute=0, second=0)
    return int(first.timestamp() * 1000)
