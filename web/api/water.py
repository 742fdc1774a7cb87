"""The same facts as JSON, for programs and for the pages' own script."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from msgspec import to_builtins

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import milliseconds
from greenwater.reference.own_limits import SETTABLE, own_of, unit_limits
from greenwater.storage.registry.places import SiteInfo, UnitInfo
from web.api.readings import (
    COLUMNS,
    CSV,
    MOST,
    SERIES_COLUMNS,
    USUAL,
    as_csv,
    check_order,
    iso,
    page_of,
    parse_instant,
    readings_of,
    rows_of,
    series_rows,
    wants_csv,
)
from web.door.doors import Doors
from web.door.programs import Programs
from web.pages import lang_of
from web.ports import Services
from web.views import series
from web.views.board import board
from web.views.cards import is_derived, told_of
from web.views.charts import PERIODS, Window
from web.views.facts import Facts, Hanging, Snapshots
from web.views.formats import clock_time, day
from web.views.shown import Board
from web.words import say

READ: Final = "telemetry:read"
DAY_MS: Final = 24 * 3600 * 1000
CSV_TOO: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}
Key = Annotated[
    str, Query(max_length=100, description="The last id of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=1000)]
Place = Annotated[str | None, Query(max_length=100)]
When = Annotated[
    str | None,
    Query(max_length=40, json_schema_extra={"format": "date-time"}),
]
Form = Annotated[
    Literal["csv", "json"] | None, Query(description="Else as Accept has it.")
]
Hours = Annotated[int, Query(json_schema_extra={"enum": [*PERIODS]})]
Named = TypeVar("Named", SiteInfo, UnitInfo)


class Api:
    """The JSON routes; programs show a token, people their session."""

    def __init__(self, services: Services, snapshots: Snapshots, doors: Doors) -> None:
        self._services, self._snapshots, self._doors = services, snapshots, doors
        self._programs = Programs(services, doors)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/healthz")(self.health)
        routes.get("/api/v1/sites")(self.sites)
        routes.get("/api/v1/units")(self.units)
        routes.get("/api/v1/series", responses=CSV_TOO)(self.one_series)
        routes.get("/api/v1/readings", responses=CSV_TOO)(self.readings)
        routes.get("/live.json")(self.live)
        return routes

    def health(self) -> dict[str, str]:
        """Answer ``ok`` if both databases answer."""
        self._services.registry.sites()
        self._services.telemetry.latest(DeviceId("healthz"))
        return {"status": "ok"}

    def sites(
        self, request: Request, after: Key = "", limit: Limit = 200
    ) -> JSONResponse:
        """List the sites, by id; ``Link`` leads to the next page."""
        facts = self._snapshots.now(self._programs.mine(request, READ))
        page, link = _paged(request, facts.sites, after, limit)
        shown = [
            {"site": one.id, "name": one.name, "kind": one.kind, "commune": one.commune}
            for one in page
        ]
        return _fresh({"sites": shown}, link)

    def units(
        self, request: Request, after: Key = "", limit: Limit = 200
    ) -> JSONResponse:
        """List units, by id, with the latest value of each channel of each probe.

        ``derived``: worked out from what the probes sent, not sent by any. ``told``: the
        value as its probe sent it.
        """
        facts = self._snapshots.now(self._programs.mine(request, READ))
        page, link = _paged(request, facts.units, after, limit)
        shown = [_unit(facts, one) for one in page]
        return _fresh({"now": iso(facts.now_ms), "units": shown}, link)

    def one_series(
        self,
        request: Request,
        channel: Channel,
        unit: Place = None,
        vessel: Place = None,
        hours: Hours = 24,
        until: When = None,
        format: Form = None,
    ) -> Response:
        """Return one channel at a unit or vessel in buckets, a line per probe.

        ``t`` are the buckets' middles in seconds since 1970. A bucket of nulls stands
        where data is missing; ``gaps`` are readings that the box says it gave up; ``made``
        says whether the probe told it so, or it was put right for salt (salted) or worked out
        (derived). As CSV a row is a bucket.
        """
        mine = self._programs.mine(request, READ)
        window = _window(mine, hours, until)
        _check_place(self._snapshots.now(mine), unit, vessel)
        deployed = series.deployments_at(mine, window, unit=unit, vessel=vessel)
        lang = lang_of(request)
        water = series.water_at(mine, window.start_ms, window.end_ms, unit=unit)
        lines = series.lines_of(mine, water, deployed, channel, window, lang)
        if wants_csv(format, request.headers.get("accept", "")):
            rows = series_rows(lines, window.every_ms)
            return _csv(as_csv(SERIES_COLUMNS, rows))
        return _fresh(
            {
                "channel": channel.value,
                "unit_of_measure": SPECS[channel].unit,
                "start": iso(window.start_ms),
                "end": iso(window.end_ms),
                "every_s": window.every_ms // 1000,
                "lines": [series.line_document(line, window) for line in lines],
            }
        )

    def readings(
        self,
        request: Request,
        unit: Place = None,
        vessel: Place = None,
        channel: Annotated[list[Channel] | None, Query()] = None,
        start: When = None,
        end: When = None,
        after: When = None,
        limit: Annotated[
            int | None, Query(ge=1, le=MOST, description=f"JSON: {USUAL}; CSV: {MOST}.")
        ] = None,
        format: Form = None,
    ) -> Response:
        """Return what the water of a unit held, or what was read on a vessel, in order of time.

        From ``start`` until before ``end`` (a day until now where they are left out), at
        most ``limit`` readings and those of the same instant; ``Link`` leads on, with
        ``after``. ``told`` is raw, as the probe sent it; ``value`` is what the water held:
        the same (``made`` told), put right for salt (salted), or worked out and not sent at
        all (derived). A null value: the probe answered badly. A spreadsheet sees no
        ``Link``: as CSV as many come at once as ever do.
        """
        is_csv = wants_csv(format, request.headers.get("accept", ""))
        mine = self._programs.mine(request, READ)
        _check_place(self._snapshots.now(mine), unit, vessel)
        now_ms = milliseconds(mine.clock.now())
        end_ms = now_ms if end is None else parse_instant("end", end)
        start_ms = end_ms - DAY_MS if start is None else parse_instant("start", start)
        if start is not None and end is not None:
            check_order(start_ms, end_ms)
        if after is not None:
            start_ms = max(start_ms, parse_instant("after", after))
        deployed = mine.seen.deployments(
            unit=unit, vessel=vessel, start_ms=start_ms, end_ms=max(start_ms, end_ms)
        )
        water = series.water_at(mine, start_ms, end_ms, unit=unit)
        found = readings_of(water, deployed, channel or (), start_ms, end_ms)
        page, following = page_of(found, limit or (MOST if is_csv else USUAL))
        link = None
        if following is not None:
            link = next_link(request, after=iso(following), end=iso(end_ms))
        if is_csv:
            return _csv(as_csv(COLUMNS, rows_of(page)), link)
        return _fresh({"readings": list(rows_of(page))}, link)

    def live(
        self,
        request: Request,
        site: str | None = Query(default=None),
        unit: str | None = Query(default=None),
    ) -> JSONResponse:
        """Return what changed on a page that is open, in the page's own words."""
        mine = self._doors.mine(request)
        lang, facts = lang_of(request), self._snapshots.now(mine)
        view = board(lang, facts, lambda _unit, _hanging: None, site=site)
        updated = f"{clock_time(facts.now_ms)}, {day(facts.now_ms)}"
        return _fresh(
            _live(view, unit) | {"updated": say(lang, "updated", time=updated)}
        )


def api_routes(services: Services, snapshots: Snapshots, doors: Doors) -> APIRouter:
    """Return the JSON routes."""
    return Api(services, snapshots, doors).routes()


def _fresh(document: dict[str, Any], link: str | None = None) -> JSONResponse:
    return JSONResponse(document, headers=_headers(link))


def _csv(text: str, link: str | None = None) -> Response:
    return Response(text, headers=_headers(link), media_type=CSV)


def _headers(link: str | None) -> dict[str, str]:
    more = {} if link is None else {"Link": link}
    return {"Cache-Control": "no-store", "Vary": "Accept", **more}


def next_link(request: Request, **changed: str) -> str:
    """Return a ``Link`` to the same question with some of it changed."""
    kept = [
        pair for pair in request.query_params.multi_items() if pair[0] not in changed
    ]
    return f'<{request.url.path}?{urlencode([*kept, *changed.items()])}>; rel="next"'


def _paged(
    request: Request, every: Sequence[Named], after: str, limit: int
) -> tuple[Sequence[Named], str | None]:
    """Return the ones behind an id, at most ``limit``, and what leads to the next."""
    behind = sorted((one for one in every if one.id > after), key=lambda one: one.id)
    page = behind[:limit]
    is_last = len(behind) <= limit
    return page, None if is_last else next_link(request, after=page[-1].id)


def _unit(facts: Facts, unit: UnitInfo) -> dict[str, Any]:
    return {
        "unit": unit.id,
        "name": unit.name,
        "kind": unit.kind,
        "site": unit.site,
        "raft": unit.raft,
        "species": unit.species,
        "limits": _limits(unit),
        "probes": [_probe(facts, one) for one in facts.in_units.get(unit.id, ())],
    }


def _limits(unit: UnitInfo) -> list[dict[str, Any]]:
    """Return what a unit's water is held against; ``own`` is what its people set."""
    found = []
    for channel in SETTABLE:
        limits = unit_limits(unit.species, unit.limits, channel)
        if limits is None or limits.warn is limits.critical is None:
            continue
        ours = own_of(unit.limits, unit.species, channel)
        own = (
            None
            if ours is None
            else {
                "warn": to_builtins(ours.warn),
                "critical": to_builtins(ours.critical),
                "reason": ours.reason,
                "set_at": iso(ours.set_ms),
            }
        )
        found.append(
            {
                "channel": channel.value,
                "unit": SPECS[channel].unit,
                "warn": to_builtins(limits.warn),
                "critical": to_builtins(limits.critical),
                "own": own,
            }
        )
    return found


def _probe(facts: Facts, one: Hanging) -> dict[str, Any]:
    device = one.deployed.device
    heard = facts.statuses.get(device)
    return {
        "device": device,
        "probe": one.deployed.probe,
        "depth_m": one.deployed.depth_m,
        "is_simulated": facts.devices[device].is_simulated,
        "is_online": None if heard is None else heard[1].online,
        "outbox_depth": None if heard is None else heard[1].outbox_depth,
        "latest": [
            {
                "channel": r.channel.value,
                "value": r.value,
                "unit": SPECS[r.channel].unit,
                "taken_at": iso(r.taken_ms),
                "derived": is_derived(one, r),
                "told": told_of(one, r),
            }
            for r in (*one.readings, *one.derived)
        ],
    }


def _window(services: Services, hours: int, until: str | None) -> Window:
    if hours not in PERIODS:
        raise InputError(f"hours={hours} is none of {', '.join(map(str, PERIODS))}")
    if until is None:
        return Window.until(milliseconds(services.clock.now()), hours)
    return Window.until(parse_instant("until", until), hours)


def _check_place(facts: Facts, unit: str | None, vessel: str | None) -> None:
    if (unit is None) == (vessel is None):
        raise InputError("give either unit=… or vessel=…")
    if unit is not None and unit not in {
        one.id for one in (*facts.units, *facts.closed)
    }:
        raise MissingError(f"there is no unit {unit!r}")
    if vessel is not None and vessel not in {one.id for one in facts.vessels}:
        raise MissingError(f"there is no vessel {vessel!r}")


def _live(view: Board, unit: str | None) -> dict[str, Any]:
    units = [
        one
        for site in view.sites
        for raft in site.rafts
        for one in raft.units
        if unit in (None, one.id)
    ]
    probes = [probe for one in units for probe in one.probes]
    if unit is None:
        probes += view.unplaced
        probes += [one for place in view.sites if not place.more for one in place.boxes]
    return {
        "places": [one.id for one in units],
        "units": {one.id: [one.state, list(one.notices)] for one in units},
        "probes": {one.key: [one.age, one.state] for one in probes},
        "values": {
            value.key: [value.text, value.note, value.state]
            for one in probes
            for value in one.values
        },
    }
