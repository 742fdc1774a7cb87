"""Trips, hauls and time by waters to take away: as an Excel workbook or CSV.

For whoever sees the boats: an owner his own, an office those of its area. Days are those
of Vietnam; a trip is in the table of the day on which it left, a haul of the day on which
its gear began to work.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import DAY_MS, local, milliseconds
from greenwater.kernel.trips import Haul, Trip
from greenwater.reference.offshore_areas import OFFSHORE
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.sea.trip_list import TripList, trips_listed
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import day
from web.views.triptables import TABLES, Period, column_words, heads, table_rows
from web.words import say
from web.workbooks import csv_answer, workbook_answer

USUAL_DAYS: Final = 92
LONGEST_DAYS: Final = 366
LEAD_MS: Final = 60 * DAY_MS
"""What belongs to a trip may have happened so long after it left."""
MOST_HAULS: Final = 20_000

Sailed = Sequence[tuple[VesselInfo, TripList]]
Own = TypeVar("Own", Trip, Haul, VesselRecord)


class TripTablePages:
    """The tables, and the page on which they are chosen."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/fleet/tables", response_class=HTMLResponse)(self.page)
        routes.get("/fleet/trips.xlsx")(self.whole)
        routes.get("/fleet/trips.csv")(self.trips)
        routes.get("/fleet/hauls.csv")(self.hauls)
        routes.get("/fleet/zones.csv")(self.zones)
        return routes

    def page(self, request: Request, vessel: str = "") -> HTMLResponse:
        """Choose days and a boat; what each column holds."""
        mine, lang = self._doors.mine(request), lang_of(request)
        now_ms = self._services.now_ms()
        first = local(now_ms).date() - dt.timedelta(days=USUAL_DAYS)
        return self._render.page(
            request,
            "trip_tables.html",
            now_ms=now_ms,
            vessels=[(one.id, one.name) for one in mine.seen.vessels()],
            chosen=mine.seen.get_vessel(vessel).id if vessel else "",
            first=first.isoformat(),
            last=local(now_ms).date().isoformat(),
            most_days=LONGEST_DAYS,
            tables=[(one, say(lang, f"triptable_table_{one}")) for one in TABLES],
            columns=column_words(lang),
            is_verified=OFFSHORE.verified,
        )

    def whole(
        self, request: Request, vessel: str = "", since: str = "", until: str = ""
    ) -> Response:
        """All three tables, and what their columns hold, as one workbook."""
        lang, period = lang_of(request), self._period(since, until)
        sailed = self._sailed(request, vessel, period)
        sheets = {
            say(lang, f"triptable_table_{one}"): [
                heads(lang, one), *table_rows(lang, one, sailed, period)
            ]
            for one in TABLES
        }  # fmt: skip
        sheets[say(lang, "triptable_columns")] = [
            [say(lang, "triptable_column"), say(lang, "triptable_holds")],
            *map(list, column_words(lang)),
            [],
            [say(lang, "triptable_period", start=day(period.start_ms), end=day(period.end_ms - 1))],
        ]  # fmt: skip
        return workbook_answer(_name("trips", vessel), sheets)

    def trips(
        self, request: Request, vessel: str = "", since: str = "", until: str = ""
    ) -> Response:
        """The trips as CSV."""
        return self._file(request, "trips", vessel, self._period(since, until))

    def hauls(
        self, request: Request, vessel: str = "", since: str = "", until: str = ""
    ) -> Response:
        """The hauls as CSV."""
        return self._file(request, "hauls", vessel, self._period(since, until))

    def zones(
        self, request: Request, vessel: str = "", since: str = "", until: str = ""
    ) -> Response:
        """The time by month, boat and waters as CSV."""
        return self._file(request, "zones", vessel, self._period(since, until))

    def _file(
        self, request: Request, table: str, vessel: str, period: Period
    ) -> Response:
        lang = lang_of(request)
        rows = table_rows(lang, table, self._sailed(request, vessel, period), period)
        return csv_answer(_name(table, vessel), heads(lang, table), rows)

    def _period(self, since: str, until: str) -> Period:
        """Return the days that are asked for; the last three months where none are."""
        last = _day(until) or local(self._services.now_ms()).date()
        first = _day(since) or last - dt.timedelta(days=USUAL_DAYS)
        if not 0 <= (last - first).days <= LONGEST_DAYS:
            raise InputError(
                f"from {first} until {last}: choose at most {LONGEST_DAYS} days, "
                "the first before the last",
                "tables_days",
                most=LONGEST_DAYS,
            )
        return Period(_ms(first), _ms(last + dt.timedelta(days=1)))

    def _sailed(self, request: Request, vessel: str, period: Period) -> Sailed:
        seen = self._doors.mine(request).seen
        vessels = [seen.get_vessel(vessel)] if vessel else seen.vessels()
        return sailed_of(seen, vessels, period, self._services.now_ms())


def sailed_of(
    seen: Scope, vessels: Sequence[VesselInfo], period: Period, now_ms: int
) -> Sailed:
    """Return the trips of boats with all that may touch a period, by boat.

    Raises:
        InputError: there are more hauls than a table takes.
    """
    only = vessels[0].id if len(vessels) == 1 else None
    start_ms = period.start_ms - LEAD_MS
    end_ms = period.end_ms
    hauls = seen.hauls_between(start_ms, end_ms, vessel=only, limit=MOST_HAULS + 1)
    if len(hauls) > MOST_HAULS:
        raise InputError(
            f"these are more than {MOST_HAULS} hauls: choose fewer days, or one boat",
            "tables_long",
            most=MOST_HAULS,
        )
    of_hauls = _by_vessel(hauls)
    of_trips = _by_vessel(seen.trips_between(start_ms, end_ms, vessel=only))
    records = seen.vessel_records(vessel=only, since_ms=start_ms)
    of_records = _by_vessel([one for one in records if one.trip is not None])
    return [
        (
            one,
            trips_listed(
                one, of_trips[one.id], of_hauls[one.id], of_records[one.id], now_ms
            ),
        )
        for one in sorted(vessels, key=lambda one: one.id)
    ]


def _by_vessel(rows: Sequence[Own]) -> dict[str, list[Own]]:
    found: dict[str, list[Own]] = defaultdict(list)
    for one in rows:
        found[one.vessel].append(one)
    return found


def _day(text: str) -> dt.date | None:
    if not text.strip():
        return None
    try:
        found = dt.date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"{text[:40]!r} is no day such as 2026-11-23", "tables_day", day=text[:40]
        ) from None
    if not 2000 <= found.year < 2200:
        raise InputError(f"the year of {found} cannot be", "tables_day", day=text[:40])
    return found


def _ms(day: dt.date) -> int:
    return milliseconds(dt.datetime(day.year, day.month, day.day, tzinfo=VIETNAM))


def _name(table: str, vessel: str) -> str:
    safe = "".join(
        one for one in vessel if (one.isascii() and one.isalnum()) or one == "-"
    )
    return f"greenwater-{table}" + (f"-{safe}" if safe else "")
