"""A farm's own ponds and cages: one added, and with the first one the farm itself."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import (
    ConflictError,
    InputError,
    MissingError,
    PlatformError,
)
from greenwater.reference.communes import TABLE, find_commune
from greenwater.reference.species import SPECIES
from greenwater.storage.registry import random_id
from greenwater.storage.registry.places import SiteInfo, SiteKind, UnitInfo, UnitKind
from web.door.doors import Doors, RefusedError
from web.door.forms import Fields
from web.door.visitors import FARMS
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.facts import Snapshots
from web.views.formats import exact, typed_number
from web.views.refused import refused
from web.views.seawords import species_name
from web.words import Lang, say

FIELDS: Final = dict.fromkeys(
    (
        "farm",
        "commune",
        "site",
        "raft",
        "kind",
        "name",
        "species",
        "area_m2",
        "depth_m",
    ),
    "",
)
"""A form as it is first shown."""


class FarmPages:
    """What the pages of a farm's own places stand on."""

    def __init__(
        self, services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
    ) -> None:
        self._services, self._registry = services, services.registry
        self._snapshots, self._render, self._doors = snapshots, render, doors


class PlacePages(FarmPages):
    """A form for a pond, cage or tank."""

    def routes(self) -> APIRouter:
        """Return the routes; ``/units/new`` must stand before ``/units/{unit}``."""
        routes = APIRouter()
        routes.get("/units/new", response_class=HTMLResponse)(self.unit_form)
        routes.post("/units")(self.add_unit)
        return routes

    def unit_form(self, request: Request) -> HTMLResponse:
        """Ask for a pond or cage; of the first one also where the farm is."""
        return self._unit_form(request, {})

    def _unit_form(
        self, request: Request, given: Mapping[str, str], wrong: "Wrong | None" = None
    ) -> HTMLResponse:
        lang = lang_of(request)
        sites = farm_sites(self._services, self._doors, request)
        own = {one.id: one.name for one in sites}
        rafts = [one for one in self._registry.rafts() if one.site in own]
        return self._render.page(
            request,
            "unit_new.html",
            status=200 if wrong is None else 422,
            kinds=[(str(one), say(lang, one)) for one in UnitKind],
            species=species_choices(lang),
            sites=list(own.items()),
            rafts=[
                (one.id, one.name if len(own) == 1 else f"{one.name} – {own[one.site]}")
                for one in rafts
            ],
            communes=commune_choices(),
            given={**FIELDS, **given},
            trouble="" if wrong is None else wrong.words,
            where="" if wrong is None else wrong.field,
        )

    def add_unit(self, request: Request, form: Fields) -> Response:
        """Add the unit; what is wrong comes back with the form."""
        self._doors.check_form(request, form.get("csrf", ""))
        lang, sites = lang_of(request), farm_sites(self._services, self._doors, request)
        mine = self._doors.mine(request)
        wrong = trouble_of(lang, form, sites, mine.seen.units())
        if wrong is not None:
            return self._unit_form(request, form, wrong)
        unit = f"{form.get('kind', UnitKind.POND)}-{random_id()}"
        try:
            self._registry.add_unit(
                unit,
                site=self._site(request, form, sites),
                name=form.get("name", ""),
                kind=form.get("kind", UnitKind.POND),
                raft=form.get("raft") or None,
                species=form.get("species") or None,
                area_m2=number_of(lang, form.get("area_m2", "")),
                depth_m=number_of(lang, form.get("depth_m", "")),
            )
        except (InputError, ConflictError) as exc:
            return self._unit_form(request, form, wrong_by(lang, exc))
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
    found = services.registry.get_person(doors.writer(request)).organisations(FARMS)
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


def own_unit(services: Services, doors: Doors, request: Request, unit: str) -> UnitInfo:
    """Return a unit of the visitor's own farm.

    Raises:
        MissingError: there is none.
        RefusedError: he does not farm.
    """
    info = doors.mine(request).seen.get_unit(unit)
    if info.site not in {one.id for one in farm_sites(services, doors, request)}:
        raise MissingError(f"there is no unit {unit!r} of yours")
    return info


class Wrong(NamedTuple):
    """What is wrong with a form, in words, and beside which field; empty: the whole."""

    field: str
    words: str


MOST_TOLD: Final = 40
_MOST: Final = {"area_m2": 1e7, "depth_m": 200.0}
_FIELDS: Final = {"raft_elsewhere": "raft", "commune_code": "commune"}


def trouble_of(
    lang: Lang,
    form: Mapping[str, str],
    sites: Sequence[SiteInfo],
    units: Sequence[UnitInfo],
) -> Wrong | None:
    """Return what is wrong with a form for a unit beside ``units``; None: nothing is."""
    name = form.get("name", "").strip()
    if not sites and not form.get("farm", "").strip():
        return Wrong("farm", say(lang, "unit_farm_missing"))
    if not name:
        return Wrong("name", say(lang, "unit_name_missing"))
    if form.get("kind", UnitKind.POND) not in set(UnitKind):
        return Wrong("kind", say(lang, "unit_kind_missing"))
    if form.get("species") and form["species"] not in SPECIES:
        return Wrong("species", say(lang, "unit_species_missing"))
    site = form.get("site") or (sites[0].id if sites else "")
    for one in units:
        if one.site == site and one.name.lower() == name.lower():
            key = "unit_name_taken" if one.is_open else "unit_name_closed"
            return Wrong("name", say(lang, key, name=one.name))
    return _size_trouble(lang, form)


def _size_trouble(lang: Lang, form: Mapping[str, str]) -> Wrong | None:
    for field, most in _MOST.items():
        text = form.get(field, "")
        try:
            value = number_of(lang, text)
        except InputError:
            return Wrong(field, say(lang, "unit_number_wrong", text=shortened(text)))
        if value is not None and not 0 < value <= most:
            low, high = exact(lang, 0.0), exact(lang, most)
            words = say(
                lang, "unit_number_range", text=shortened(text), low=low, high=high
            )
            return Wrong(field, words)
    return None


def wrong_by(lang: Lang, error: PlatformError) -> Wrong:
    """Return what the registry found wrong with a place, in words, beside its field."""
    field = "name" if error.key.startswith("name_") else _FIELDS.get(error.key, "")
    return Wrong(field, refused(lang, error))


def species_choices(lang: Lang) -> list[tuple[str, str]]:
    """Return what may live in a pond or cage: codes and names, by name."""
    return sorted(
        ((code, species_name(lang, code)) for code in SPECIES), key=lambda one: one[1]
    )


def commune_choices() -> list[tuple[str, str]]:
    """Return the communes of today a farm may lie in: codes and names, by name."""
    known = [(one.code, one.name) for one in TABLE.communes if one.code]
    return sorted(known, key=lambda one: one[1])


def shortened(text: str) -> str:
    """Return what was typed as a sentence about it repeats it: not all of a long one."""
    return text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]}…"


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
