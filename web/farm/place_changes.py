"""A farm's places changed later: names, communes, species, sizes; a pond closed or opened.

By the farm's own people, or by the administrator, who sees what a place is called and
nothing of its water.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.reference.communes import TABLE, shown_name
from greenwater.storage.registry import random_id
from greenwater.storage.registry.places import RaftInfo, SiteInfo, UnitInfo
from web.door.doors import RefusedError
from web.door.forms import Fields
from web.farm.places import (
    FarmPages,
    commune_choices,
    farm_sites,
    number_of,
    species_choices,
    trouble_of,
    wrong_by,
)
from web.pages import lang_of
from web.views.board import natural
from web.views.changes import ChangeView, change_views
from web.views.formats import day, exact
from web.views.refused import refused
from web.views.seawords import species_name
from web.words import Lang, say

Word = Annotated[str, Form(max_length=200)]


class Given(NamedTuple):
    """A form as it was sent back, which one it was, and what is wrong with it."""

    values: Mapping[str, str]
    trouble: str = ""
    where: str = ""


NOTHING: Final = Given({})


@dataclass(frozen=True)
class UnitLine:
    """A pond or cage in the farm's list."""

    href: str
    name: str
    note: str


class ChangePages(FarmPages):
    """Forms for what a farm, a raft, a pond or a cage is called and is."""

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/sites/{site}/change", response_class=HTMLResponse)(self.site_form)
        routes.post("/sites/{site}/change")(self.change_site)
        routes.post("/sites/{site}/rafts")(self.add_raft)
        routes.post("/sites/{site}/rafts/{raft}")(self.change_raft)
        routes.get("/units/{unit}/change", response_class=HTMLResponse)(self.unit_form)
        routes.post("/units/{unit}/change")(self.change_unit)
        routes.post("/units/{unit}/close")(self.close_unit)
        routes.post("/units/{unit}/reopen")(self.reopen_unit)
        return routes

    def _person(self, request: Request) -> str:
        """Return who asks; a change bears a name.

        Raises:
            RefusedError: it is the operator at his own screen.
        """
        person = self._doors.known(request).person
        if person is None:
            raise RefusedError(
                "this needs a farmer's or technician's account", "needs_farmer"
            )
        return person

    def _site(self, request: Request, site: str) -> SiteInfo:
        """Return a farm that the visitor may change: his own, or as administrator any.

        Raises:
            MissingError: there is none.
        """
        if self._doors.known(request).administers:
            return self._registry.get_site(site)
        for one in farm_sites(self._services, self._doors, request):
            if one.id == site:
                return one
        raise MissingError(f"there is no farm {site!r} of yours")

    def _unit(self, request: Request, unit: str) -> UnitInfo:
        """Return a unit of a farm that the visitor may change."""
        info = self._registry.get_unit(unit)
        self._site(request, info.site)
        return info

    def _rafts(self, site: str) -> Sequence[RaftInfo]:
        return [one for one in self._registry.rafts() if one.site == site]

    def _units(self, site: str) -> Sequence[UnitInfo]:
        found = [one for one in self._registry.units() if one.site == site]
        return sorted(found, key=lambda one: natural(one.name))

    def _changes(self, request: Request, kind: str, place: str) -> list[ChangeView]:
        rafts = {one.id: one.name for one in self._registry.rafts()}
        found = self._registry.place_changes(kind, place)
        names = self._registry.names({one.person for one in found})
        return change_views(
            lang_of(request), found, names, rafts, self._services.now_ms()
        )

    def _back(self, request: Request, site: str, unit: str | None = None) -> Response:
        """Lead to what was changed; the administrator sees no farm's water."""
        self._snapshots.forget()
        is_seen = unit is not None and self._doors.known(request).farms
        where = f"/units/{unit}" if is_seen else f"/sites/{site}/change"
        return RedirectResponse(where, 303)

    # The farm and its rafts

    def site_form(self, request: Request, site: str) -> HTMLResponse:
        """The farm's name and commune, its rafts, its ponds and cages."""
        return self._site_form(request, self._site(request, site), NOTHING)

    def _site_form(
        self, request: Request, info: SiteInfo, given: Given
    ) -> HTMLResponse:
        lang, units = lang_of(request), self._units(info.id)
        stands = {"name": info.name, "commune": info.commune or "", "raft": ""}
        return self._render.page(
            request,
            "site_change.html",
            status=422 if given.trouble else 200,
            site=info,
            given={**stands, **given.values},
            trouble=given.trouble,
            where=given.where,
            communes=commune_choices(),
            other_commune=_other_commune(info.commune),
            rafts=self._rafts(info.id),
            units=[_line(lang, one) for one in units if one.is_open],
            closed=[_line(lang, one) for one in units if not one.is_open],
            changes=self._changes(request, "site", info.id),
            administers=self._doors.known(request).administers,
        )

    def change_site(
        self,
        request: Request,
        site: str,
        csrf: Annotated[str, Form()],
        name: Word = "",
        commune: Word = "",
    ) -> Response:
        """Change a farm's name and commune."""
        self._doors.check_form(request, csrf)
        info, person = self._site(request, site), self._person(request)
        given = {"name": name, "commune": commune}
        if not name.strip():
            words = say(lang_of(request), "unit_farm_missing")
            return self._site_form(request, info, Given(given, words, "name"))
        try:
            self._registry.change_site(
                site,
                name=name,
                commune=commune or None,
                person=person,
                at_ms=self._services.now_ms(),
            )
        except InputError as exc:
            field, words = wrong_by(lang_of(request), exc)
            return self._site_form(request, info, Given(given, words, field))
        return self._back(request, site)

    def add_raft(
        self,
        request: Request,
        site: str,
        csrf: Annotated[str, Form()],
        raft: Word = "",
    ) -> Response:
        """Add a raft of cages or a block of ponds to a farm."""
        self._doors.check_form(request, csrf)
        info = self._site(request, site)
        words = self._raft_trouble(request, info, raft)
        if words:
            return self._site_form(request, info, Given({"raft": raft}, words, "raft"))
        try:
            self._registry.add_raft(f"be-{random_id()}", site=site, name=raft)
        except InputError as exc:
            words = wrong_by(lang_of(request), exc).words
            return self._site_form(request, info, Given({"raft": raft}, words, "raft"))
        return self._back(request, site)

    def change_raft(
        self,
        request: Request,
        site: str,
        raft: str,
        csrf: Annotated[str, Form()],
        name: Word = "",
    ) -> Response:
        """Give a raft another name."""
        self._doors.check_form(request, csrf)
        info, person = self._site(request, site), self._person(request)
        if raft not in {one.id for one in self._rafts(site)}:
            raise MissingError(f"there is no raft {raft!r} at {site!r}")
        words = self._raft_trouble(request, info, name, raft)
        if words:
            return self._site_form(request, info, Given({raft: name}, words, raft))
        at_ms = self._services.now_ms()
        try:
            self._registry.change_raft(raft, name=name, person=person, at_ms=at_ms)
        except InputError as exc:
            words = wrong_by(lang_of(request), exc).words
            return self._site_form(request, info, Given({raft: name}, words, raft))
        return self._back(request, site)

    def _raft_trouble(
        self, request: Request, site: SiteInfo, name: str, raft: str = ""
    ) -> str:
        """Return what is wrong with a raft's name, in words; empty: nothing is."""
        others = [one.name for one in self._rafts(site.id) if one.id != raft]
        return name_trouble(lang_of(request), name, others)

    # A pond or cage

    def unit_form(self, request: Request, unit: str) -> HTMLResponse:
        """What a pond or cage is; closing it, opening it again."""
        return self._unit_form(request, self._unit(request, unit), NOTHING)

    def _unit_form(
        self, request: Request, info: UnitInfo, given: Given
    ) -> HTMLResponse:
        lang = lang_of(request)
        stands = {
            "name": info.name,
            "raft": info.raft or "",
            "species": info.species or "",
            "area_m2": _typed(lang, info.area_m2),
            "depth_m": _typed(lang, info.depth_m),
        }
        sees = self._doors.known(request).farms
        return self._render.page(
            request,
            "unit_change.html",
            status=422 if given.trouble else 200,
            unit=info,
            back=f"/units/{info.id}" if sees else f"/sites/{info.site}/change",
            hangs=sees and info.is_open,
            given={**stands, **given.values},
            trouble=given.trouble,
            where=given.where,
            species=species_choices(lang),
            rafts=[(one.id, one.name) for one in self._rafts(info.site)],
            closed="" if info.closed_ms is None else day(info.closed_ms),
            changes=self._changes(request, "unit", info.id),
        )

    def change_unit(self, request: Request, unit: str, form: Fields) -> Response:
        """Change what a pond or cage is; what is wrong comes back with the form."""
        self._doors.check_form(request, form.get("csrf", ""))
        info, person, lang = (
            self._unit(request, unit),
            self._person(request),
            lang_of(request),
        )
        site, others = self._registry.get_site(info.site), self._units(info.site)
        wrong = trouble_of(
            lang, {**form, "kind": info.kind, "site": info.site}, [site],
            [one for one in others if one.id != unit],
        )  # fmt: skip
        if wrong is not None:
            return self._unit_form(request, info, Given(form, wrong.words, wrong.field))
        try:
            self._registry.change_unit(
                unit,
                name=form.get("name", ""),
                raft=form.get("raft") or None,
                species=form.get("species") or None,
                area_m2=number_of(lang, form.get("area_m2", "")),
                depth_m=number_of(lang, form.get("depth_m", "")),
                person=person,
                at_ms=self._services.now_ms(),
            )
        except InputError as exc:
            field, words = wrong_by(lang, exc)
            return self._unit_form(request, info, Given(form, words, field))
        return self._back(request, info.site, unit)

    def close_unit(
        self, request: Request, unit: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Close a pond or cage: nothing is measured there, nothing alarms, all is kept."""
        self._doors.check_form(request, csrf)
        info, person = self._unit(request, unit), self._person(request)
        try:
            self._registry.close_unit(
                unit, person=person, at_ms=self._services.now_ms()
            )
        except ConflictError as exc:
            words = refused(lang_of(request), exc)
            return self._unit_form(request, info, Given({}, words, "close"))
        return self._back(request, info.site, unit)

    def reopen_unit(
        self, request: Request, unit: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Take a closed pond or cage into use again."""
        self._doors.check_form(request, csrf)
        info, person = self._unit(request, unit), self._person(request)
        self._registry.reopen_unit(unit, person=person, at_ms=self._services.now_ms())
        return self._back(request, info.site, unit)


def name_trouble(lang: Lang, name: str, others: Sequence[str]) -> str:
    """Return what is wrong with a name beside its neighbours', in words; empty: nothing."""
    if not name.strip():
        return say(lang, "raft_name_missing")
    if name.strip().lower() in {one.lower() for one in others}:
        return say(lang, "unit_name_taken", name=name.strip())
    return ""


def _other_commune(code: str | None) -> tuple[str, str] | None:
    """Return a commune that is none of today's list, so that saving leaves it."""
    if code is None or code in {one.code for one in TABLE.communes}:
        return None
    return code, shown_name(code)


def _typed(lang: Lang, value: float | None) -> str:
    return "" if value is None else exact(lang, value)


def _line(lang: Lang, one: UnitInfo) -> UnitLine:
    living = "" if one.species is None else species_name(lang, one.species)
    since = (
        ""
        if one.closed_ms is None
        else say(lang, "unit_closed_since", day=day(one.closed_ms))
    )
    note = " · ".join(filter(None, (say(lang, one.kind), living, since)))
    return UnitLine(f"/units/{one.id}/change", one.name, note)
