"""A unit's page: how its water is and will be, how its probes are, what can be done."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry.places import UnitInfo
from web.door.doors import Doors
from web.pages import Renderer, farms_way, hours_of, lang_of, periods_of
from web.ports import Services
from web.views.aerators import aerators_at
from web.views.alarms import actors_of, alarm_view, worst_first
from web.views.beyond import beyond_now, how_long
from web.views.board import unit_view
from web.views.byhand import disputes_of
from web.views.episodes import episodes_of
from web.views.facts import Facts, Snapshots
from web.views.formats import day
from web.views.lights import light_of
from web.views.outlooks import bulletins_of, forecasts_of
from web.views.probehealth import health_of
from web.views.unitcharts import channels_at, charts_of
from web.words import Lang


def unit_routes(snapshots: Snapshots, render: Renderer, doors: Doors) -> APIRouter:
    """Return the route of a unit's page."""
    routes = APIRouter()

    @routes.get("/units/{unit}", response_class=HTMLResponse)
    def unit_page(request: Request, unit: str) -> HTMLResponse:
        """One unit with a chart for every channel."""
        services = doors.mine(request)
        facts = snapshots.now(services)
        units = (*facts.units, *facts.closed)
        info = next((one for one in units if one.id == unit), None)
        if info is None:
            raise MissingError(f"there is no unit {unit!r}")
        lang, hours = lang_of(request), hours_of(request)
        view = unit_view(lang, facts, info)
        open_ones = worst_first(services.seen.alarms(unit=unit, open_only=True))
        names = services.registry.names(actors_of(open_ones))
        beyond = beyond_now(services, facts, info)
        # A page that is open brings its alarms up to date, and draws its charts itself.
        is_part = request.headers.get("x-part") == "swap"
        drawn = unit_drawings(services, facts, info, lang, hours, is_part=is_part)
        return render.page(
            request,
            "unit.html",
            now_ms=facts.now_ms,
            is_simulated=view.is_simulated,
            live=f"/live.json?unit={unit}&lang={lang}",
            unit=view,
            back=farms_way(doors.visitor(request)),
            **drawn,
            periods=periods_of(lang, hours),
            hours=hours,
            light=light_of(open_ones, view.state, is_beyond=beyond is not None),
            beyond="" if beyond is None else how_long(lang, beyond, facts.now_ms),
            alarms=[
                alarm_view(lang, one, info, facts.now_ms, names) for one in open_ones
            ],
            aerators=aerators_at(lang, services, facts, unit),
            may_act=doors.may_act(request) and info.is_open,
            may_hang=doors.known(request).farms and info.is_open,
            may_change=doors.known(request).farms,
            closed="" if info.closed_ms is None else day(info.closed_ms),
        )

    return routes


def unit_drawings(
    services: Services,
    facts: Facts,
    unit: UnitInfo,
    lang: Lang,
    hours: int,
    *,
    is_part: bool,
) -> dict[str, Any]:
    """Return what a unit's page says of its water; nothing of it for a part of the page."""
    if is_part:
        names = (
            "forecasts", "bulletins", "episodes", "charts", "health", "disputes",
        )  # fmt: skip
        return {name: () for name in names}
    charts = charts_of(services, facts, unit, lang, hours)
    channels = channels_at(facts, unit)
    if not unit.is_open:
        channels = charts.channels_then()
    return {
        "forecasts": forecasts_of(services, facts, unit, lang),
        "bulletins": bulletins_of(services, facts, unit, lang),
        "episodes": episodes_of(services, facts, unit, lang),
        "charts": [charts.view(one) for one in channels],
        "disputes": disputes_of(services, facts, unit, lang),
        "health": health_of(services, facts, unit, lang, charts),
    }
