"""Trips and hauls as positions show them, as JSON or CSV, for programs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import DAY_MS, milliseconds
from greenwater.kernel.trips import Haul, Point, Trip
from greenwater.reference.offshore_areas import offshore_minutes
from greenwater.reference.zones import Zone
from greenwater.storage.registry.trips import After
from web.api.readings import (
    CSV,
    as_csv,
    check_order,
    iso,
    parse_instant,
    wants_csv,
)
from web.api.water import CSV_TOO, READ, Form, Key, Limit, Place, When, next_link
from web.door.doors import Doors
from web.door.programs import Programs
from web.ports import Services

USUAL_MS: Final = 92 * DAY_MS
"""So far back it goes where no ``start`` is given."""


class TripApi:
    """The routes; programs show a token, people their session."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._clock, self._programs = services.clock, Programs(services, doors)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/api/v1/trips", responses=CSV_TOO)(self.trips)
        routes.get("/api/v1/hauls", responses=CSV_TOO)(self.hauls)
        return routes

    def trips(
        self,
        request: Request,
        vessel: Place = None,
        start: When = None,
        end: When = None,
        after: Key = "",
        limit: Limit = 200,
        format: Form = None,
    ) -> Response:
        """List the trips that departed from ``start`` until before ``end``, the oldest first.

        Three months until now where they are left out; ``Link`` leads to the next page.
        Minutes are those in which the gear worked, by zone; passing through is none.
        ``trade`` is what the vessel does today: one of ``logistics`` has neither hauls nor minutes.
        """
        seen = self._programs.mine(request, READ).seen
        only = None if vessel is None else seen.get_vessel(vessel).id
        found = seen.trips_between(
            *self._span(start, end), vessel=only, after=_after(after), limit=limit + 1
        )
        last = [(one.departure_ms, one.id) for one in found[:limit]]
        link = _link(request, last, is_last=len(found) <= limit)
        trades = {one.id: str(one.trade) for one in seen.vessels()}
        rows = [_trip(one, trades.get(one.vessel, "")) for one in found[:limit]]
        return _answer(request, format, "trips", rows, link)

    def hauls(
        self,
        request: Request,
        vessel: Place = None,
        start: When = None,
        end: When = None,
        after: Key = "",
        limit: Limit = 200,
        format: Form = None,
    ) -> Response:
        """List the hauls that began from ``start`` until before ``end``, the oldest first.

        Three months until now where they are left out; ``Link`` leads to the next page.
        ``probability`` is the model's mean over its fixes, null where they are too rare;
        offshore areas (1 to 6) and zones are reference values, not verified.
        """
        seen = self._programs.mine(request, READ).seen
        only = None if vessel is None else seen.get_vessel(vessel).id
        found = seen.hauls_between(
            *self._span(start, end), vessel=only, after=_after(after), limit=limit + 1
        )
        last = [(one.began_ms, one.id) for one in found[:limit]]
        link = _link(request, last, is_last=len(found) <= limit)
        return _answer(request, format, "hauls", [*map(_haul, found[:limit])], link)

    def _span(self, start: str | None, end: str | None) -> tuple[int, int]:
        now_ms = milliseconds(self._clock.now())
        end_ms = now_ms if end is None else parse_instant("end", end)
        if start is None:
            return end_ms - USUAL_MS, end_ms
        start_ms = parse_instant("start", start)
        if end is not None:
            check_order(start_ms, end_ms)
        return start_ms, end_ms


def _after(text: str) -> After | None:
    """Return the key of the last row of the page before: when it began, and its id."""
    if not text:
        return None
    ms, slash, row = text.partition("/")
    if not (slash and row and ms.isascii() and ms.isdigit() and len(ms) < 16):
        raise InputError(f"after={text[:40]!r} is no key that a Link gave")
    return int(ms), row


def _link(
    request: Request, keys: Sequence[tuple[int, str]], *, is_last: bool
) -> str | None:
    if is_last or not keys:
        return None
    ms, row = keys[-1]
    return next_link(request, after=f"{ms}/{row}")


def _answer(
    request: Request,
    format: str | None,
    name: str,
    rows: Sequence[dict[str, Any]],
    link: str | None,
) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    headers |= {} if link is None else {"Link": link}
    if wants_csv(format, request.headers.get("accept", "")):
        text = as_csv(COLUMNS[name], rows)
        return Response(text, headers=headers, media_type=CSV)
    return JSONResponse({name: rows}, headers=headers)


def _trip(one: Trip, trade: str) -> dict[str, Any]:
    return {
        "trip": one.id,
        "vessel": one.vessel,
        "departure_at": iso(one.departure_ms),
        "departure_port": one.departure_port,
        "landing_at": _iso(one.landing_ms),
        "landing_port": one.landing_port,
        "hauls": one.hauls,
        **_minutes(one.minutes),
        "trade": trade,
    }


def _haul(one: Haul) -> dict[str, Any]:
    areas = offshore_minutes(one.minutes, one.began_at, one.ended_at)
    return {
        "haul": one.id,
        "vessel": one.vessel,
        "trip": one.trip,
        "number": one.number,
        "gear": one.gear,
        "set_at": _iso(one.set_ms),
        **_place("set", one.set_at),
        "began_at": iso(one.began_ms),
        **_place("began", one.began_at),
        "ended_at": iso(one.ended_ms),
        **_place("ended", one.ended_at),
        **_minutes(one.minutes),
        "offshore_areas": "/".join(map(str, areas)),
        "probability": one.probability,
        "rule_share": one.rule_share,
    }


def _iso(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)


def _minutes(minutes: Mapping[str, float]) -> dict[str, float]:
    return {f"{zone}_minutes": minutes.get(zone, 0.0) for zone in Zone}


def _place(name: str, at: Point | None) -> dict[str, float | None]:
    latitude, longitude = at or (None, None)
    return {f"{name}_latitude": latitude, f"{name}_longitude": longitude}


_AT: Final = (0.0, 0.0)
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "trips": (*_trip(Trip(id="", vessel="", departure_ms=0, departure_port=""), ""),),
    "hauls": (
        *_haul(
            Haul(
                id="", vessel="", trip=None, number=1, gear="", set_ms=None, set_at=None,
                began_ms=0, began_at=_AT, ended_ms=0, ended_at=_AT, minutes={},
            )
        ),
    ),
}  # fmt: skip
"""The columns of a CSV, in order: what a row says."""
