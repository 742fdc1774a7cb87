"""A farm's own ponds and cages: one added, and with the first one the farm itself."""

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.reference.communes import TABLE, find_commune
from greenwater.reference.species import SPECIES
from greenwater.storage.registry import random_id
from greenwater.storage.registry.places import SiteInfo, SiteKind, UnitInfo, UnitKind
from web.door.doors import Doors, RefusedError
from web.door.forms import fields_of
from web.door.visitors import FARMS
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.facts import Snapshots
from web.views.formats import typed_number
from web.views.refused import refused
from web.words import Lang, say

FIELDS: Final = dict.fromkeys(
    ("farm", "commune", "site", "kind", "name", "species", "area_m2", "depth_m"), ""
)
"""A form as it is first shown."""


class PlacePages:
    """A form for a pond, cage or tank."""

    def __init__(
        self, services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
    ) -> None:
        self._services, self._registry = services, services.registry
        self._snapshots, self._render, self._doors = snapshots, render, doors

    def routes(self) -> APIRouter:
        """Return the routes; ``/units/new`` must stand before ``/units/{unit}``."""
        routes = APIRouter()
        routes.get("/units/new", response_class=HTMLResponse)(self.unit_form)
        routes.post("/units")(self.add_unit)
        return routes

    def _now_ms(self) -> int:
        return milliseconds(self._services.clock.now())

    def unit_form(self, request: Request) -> HTMLResponse:
        """Ask for a pond or cage; of the first one also where the farm is."""
        return self._unit_form(request, {})

    def _unit_form(
        self, request: Request, given: Mapping[str, str], trouble: str = ""
    ) -> HTMLResponse:
        lang = lang_of(request)
        species = [
            (code, one.vi if lang is Lang.VI else one.en)
            for code, one in SPECIES.items()
        ]
        return self._render.page(
            request,
            "unit_new.html",
            status=422 if trouble else 200,
            now_ms=self._now_ms(),
            is_simulated=self._services.is_demo,
            kinds=[(str(one), say(lang, one)) for one in UnitKind],
            species=sorted(species, key=lambda one: one[1]),
            sites=farm_sites(self._services, self._doors, request),
            communes=sorted((one.name, one.code) for one in TABLE.communes if one.code),
            given={**FIELDS, **given},
            trouble=trouble,
        )

    async def add_unit(self, request: Request) -> Response:
        """Add the unit; what is wrong comes back with the form."""
        form = await fields_of(request)
        return await run_in_threadpool(self._add_unit, request, form)

    def _add_unit(self, request: Request, form: Mapping[str, str]) -> Response:
        self._doors.check_form(request, form.get("csrf", ""))
        lang, sites = lang_of(request), farm_sites(self._services, self._doors, request)
        mine = self._doors.mine(request)
        trouble = trouble_of(lang, form, sites, mine.seen.units())
        if trouble:
            return self._unit_form(request, form, trouble)
        unit = f"{form.get('kind', UnitKind.POND)}-{random_id()}"
        try:
            self._registry.add_unit(
                unit,
                site=self._site(request, form, sites),
                name=form.get("name", ""),
                kind=form.get("kind", UnitKind.POND),
                species=form.get("species") or None,
                area_m2=number_of(lang, form.get("area_m2", "")),
                depth_m=number_of(lang, form.get("depth_m", "")),
            )
        except (InputError, ConflictError) as exc:
            return self._unit_form(request, form, refused(lang, exc))
        request.state.subject = f"unit={unit}"
        self._snapshots.forget()
        return RedirectResponse(f"/units/{unit}", 303)

    def _site(
        self, request: Request, form: Mapping[str, str], sites: Sequence[SiteInfo]
    ) -> str:
        """Return the farm that was chosen, or the only one, or make the first."""
        if sites:
            asked = form.get("site") or sites[0].id
            if asked not in {one.id for one in sites}:
                raise MissingError(f"there is no site {asked!r} of yours")
            return asked
        site = f"trai-{random_id()}"
        found = find_commune(form.get("commune", "")).commune
        self._registry.add_site(
            site,
            organisation=farms_of(self._services, self._doors, request)[0],
            name=form.get("farm", ""),
            commune=None if found is None else found.code,
        )
        return site


def farms_of(services: Services, doors: Doors, request: Request) -> Sequence[str]:
    """Return the organisations that the visitor farms in.

    Raises:
        RefusedError: there is none.
    """
    person = services.registry.get_person(doors.writer(request))
    found = [where for where, role in person.memberships if role in FARMS]
    if not found:
        raise RefusedError(
            "this needs a farmer's or technician's account", "needs_farmer"
        )
    return found


def farm_sites(
    services: Services, doors: Doors, request: Request
) -> Sequence[SiteInfo]:
    """Return the visitor's own farms, as places.

    Raises:
        RefusedError: he does not farm.
    """
    farms = farms_of(services, doors, request)
    return [
        one
        for one in doors.mine(request).seen.sites()
        if one.organisation in farms and one.kind == SiteKind.FARM
    ]


def trouble_of(
    lang: Lang,
    form: Mapping[str, str],
    sites: Sequence[SiteInfo],
    units: Sequence[UnitInfo],
) -> str:
    """Return what is wrong with a form for a unit, in words; empty: nothing is."""
    name = form.get("name", "").strip()
    if not name:
        return say(lang, "unit_name_missing")
    if not sites and not form.get("farm", "").strip():
        return say(lang, "unit_farm_missing")
    own = {one.id for one in sites}
    if any(one.site in own and one.name.lower() == name.lower() for one in units):
        return say(lang, "unit_name_taken", name=name)
    if form.get("kind", UnitKind.POND) not in set(UnitKind):
        return say(lang, "unit_kind_missing")
    for field in ("area_m2", "depth_m"):
        try:
            number_of(lang, form.get(field, ""))
        except InputError:
            return say(lang, "unit_number_wrong", text=form[field])
    return ""


def number_of(lang: Lang, text: str) -> float | None:
    """Return a number as the page's language writes it; None: nothing was typed.

    Raises:
        InputError: it is no number.
    """
    if not text.strip():
        return None
    try:
        return float(typed_number(lang, text))
    except ValueError:
        raise InputError(f"{text!r} is no number", "number_wrong") from None
