"""The first page: what each kind of visitor comes for."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.people import Role
from web.alarmviews import AlarmView, alarm_view
from web.board import natural, unit_view
from web.doors import Doors, Visitor
from web.facts import Facts, Snapshots
from web.lights import Light, light_of
from web.pages import Renderer, lang_of, whole_board
from web.ports import Services
from web.views import UnitView


@dataclass(frozen=True)
class HomeUnit:
    """One unit on the farmer's first page."""

    view: UnitView
    light: Light
    alarms: tuple[AlarmView, ...]
    main: str
    main_note: str


def home_units(services: Services, facts: Facts, request: Request) -> list[HomeUnit]:
    """Return the visitor's units, those with trouble first."""
    lang = lang_of(request)
    alarms, names = services.seen.alarms(open_only=True), services.registry.names()
    order = {"act": 0, "lost": 1, "look": 2, "ok": 3}
    found = []
    for unit in sorted(facts.units, key=lambda one: natural(one.name)):
        ours = [one for one in alarms if one.unit == unit.id]
        view = unit_view(lang, facts, unit)
        values = [value for probe in view.probes for value in probe.values]
        main = next((value for value in values if value.is_main), None)
        found.append(
            HomeUnit(
                view,
                light_of(ours, view.state),
                tuple(alarm_view(lang, a, unit, facts.now_ms, names) for a in ours),
                "" if main is None else f"{main.name} {main.text}",
                "" if not view.probes else view.probes[0].age,
            )
        )
    return sorted(found, key=lambda one: order[one.light.name])


def _elsewhere(visitor: Visitor) -> str:
    """Return the page that somebody who keeps no farm comes for, if there is one."""
    if visitor.administers and visitor.roles == {Role.ADMIN} and visitor.person:
        return "/admin"
    if visitor.inspects:
        return "/check"
    if visitor.is_of_boats:
        return "/vessels"
    return "/dossiers" if visitor.roles == {Role.AUDITOR} else ""


def home_routes(
    services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
) -> APIRouter:
    """Return the route of the first page."""
    routes = APIRouter()

    @routes.get("/", response_class=HTMLResponse)
    def first_page(request: Request) -> Response:
        """Lead each visitor to what he comes for."""
        visitor = doors.visitor(request)
        if visitor is None:
            if services.is_demo:
                return RedirectResponse("/demo", 303)
            return render.page(
                request,
                "landing.html",
                now_ms=milliseconds(services.clock.now()),
                is_simulated=False,
            )
        elsewhere = _elsewhere(visitor)
        if elsewhere:
            return RedirectResponse(elsewhere, 303)
        mine = doors.mine(request)
        facts = snapshots.now(mine)
        if visitor.roles == {Role.OFFICER} and not facts.sites:
            return RedirectResponse(
                "/dossiers", 303
            )  # a commune's: no farms of its own
        if not visitor.keeps_books or visitor.person is None:
            return whole_board(request, mine, facts, render)
        units = home_units(mine, facts, request)
        return render.page(
            request,
            "home.html",
            now_ms=facts.now_ms,
            is_simulated=any(one.view.is_simulated for one in units),
            units=units,
        )

    return routes
