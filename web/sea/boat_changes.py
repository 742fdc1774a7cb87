"""A boat changed: what it is, out of service and back, another registration number.

The boat's owner does it, or who administers the platform. A number nobody may claim for
himself: that is the administrator's alone. Nothing is deleted.
"""

from collections.abc import Callable, Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.vessel_changes import VesselFacts
from web.door.doors import Doors, RefusedError
from web.door.forms import Fields
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.boatcards import (
    boat_change_views,
    gear_choices,
    port_choices,
    state_text,
    trade_choices,
)
from web.views.formats import exact, typed_number
from web.views.refused import refused
from web.words import Lang

OWNERS: Final = frozenset({Role.BOAT_OWNER, Role.FARMER, Role.ADMIN})
"""Who speaks for a household; skippers and delegates write in the book only."""


class BoatEditPages:
    """The page on which a boat is changed."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors = render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/vessels/{vessel}/edit", response_class=HTMLResponse)(self.edit)
        routes.post("/vessels/{vessel}/edit")(self.change)
        routes.post("/vessels/{vessel}/service")(self.service)
        routes.post("/vessels/{vessel}/number")(self.renumber)
        return routes

    def may_edit(self, request: Request, vessel: VesselInfo) -> bool:
        """Return whether the visitor may change a boat."""
        visitor = self._doors.known(request)
        if visitor.person is None:
            return False
        info = self._registry.get_person(visitor.person)
        return visitor.administers or info.is_any(OWNERS, vessel.organisation)

    def _allowed(self, request: Request, vessel: str) -> tuple[VesselInfo, str]:
        visitor = self._doors.known(request)
        seen = (
            self._registry
            if visitor.administers
            else self._doors.mine(request).seen
        )  # fmt: skip
        info = seen.get_vessel(vessel)
        if visitor.person is None or not self.may_edit(request, info):
            raise RefusedError(
                "this needs the boat's owner or an administrator", "needs_boat"
            )
        return info, visitor.person

    def edit(self, request: Request, vessel: str) -> HTMLResponse:
        """The form, filled with what is known."""
        info, _ = self._allowed(request, vessel)
        return self._page(request, info, _given(lang_of(request), info))

    def _page(
        self,
        request: Request,
        info: VesselInfo,
        given: Mapping[str, str],
        trouble: str = "",
    ) -> HTMLResponse:
        lang, registry = lang_of(request), self._registry
        administers = self._doors.known(request).administers
        return self._render.page(
            request,
            "boat_edit.html",
            status=422 if trouble else 200,
            vessel=info,
            given=given,
            trouble=trouble,
            state=state_text(lang, info),
            gears=gear_choices(lang),
            ports=port_choices(),
            trades=trade_choices(lang),
            administers=administers,
            back="/admin/places" if administers else f"/vessels/{info.id}/book",
            changes=boat_change_views(
                lang,
                registry.vessel_changes(info.id),
                registry.names(),
                self._services.now_ms(),
            ),
        )

    def change(self, request: Request, vessel: str, form: Fields) -> Response:
        """Say anew what a boat is; what is wrong comes back with what was typed."""
        lang = lang_of(request)

        def act(info: VesselInfo, person: str) -> str:
            facts = _facts(lang, info, form)
            self._registry.change_vessel(
                info.id, facts, person=person, at_ms=self._services.now_ms()
            )
            return info.id

        return self._done(request, vessel, form, act)

    def service(self, request: Request, vessel: str, form: Fields) -> Response:
        """Take a boat out of service, or put it back."""

        def act(info: VesselInfo, person: str) -> str:
            now_ms, is_lost = self._services.now_ms(), form.get("lost") == "on"
            if form.get("to") == "out":
                self._registry.retire_vessel(
                    info.id, person=person, at_ms=now_ms, is_lost=is_lost
                )
            else:
                self._registry.return_vessel(info.id, person=person, at_ms=now_ms)
            return info.id

        return self._done(request, vessel, form, act)

    def renumber(self, request: Request, vessel: str, form: Fields) -> Response:
        """Give a boat another registration number."""

        def act(info: VesselInfo, person: str) -> str:
            if not self._doors.known(request).administers:
                raise RefusedError("this needs an administrator", "needs_boat")
            return self._registry.renumber_vessel(
                info.id,
                form.get("number", ""),
                person=person,
                at_ms=self._services.now_ms(),
            )

        return self._done(request, vessel, form, act)

    def _done(
        self,
        request: Request,
        vessel: str,
        form: Mapping[str, str],
        act: Callable[[VesselInfo, str], str],
    ) -> Response:
        """Do it, if the form is of his session and the boat his to change."""
        self._doors.check_form(request, form.get("csrf", ""))
        info, person = self._allowed(request, vessel)
        request.state.subject = f"vessel={info.id}"
        try:
            changed = act(info, person)
        except (InputError, ConflictError) as exc:
            lang = lang_of(request)
            given = {**_given(lang, info), **form}
            return self._page(request, info, given, refused(lang, exc))
        return RedirectResponse(f"/vessels/{changed}/edit", 303)


def _given(lang: Lang, info: VesselInfo) -> dict[str, str]:
    length = "" if info.length_m is None else exact(lang, info.length_m)
    return {
        "name": info.name,
        "length_m": length,
        "gear": info.gear or "",
        "trade": info.trade,
        "home_port": info.home_port or "",
        "radio": info.radio or "",
        "owner": info.owner or "",
        "number": "",
    }


def _facts(lang: Lang, info: VesselInfo, form: Mapping[str, str]) -> VesselFacts:
    typed = {name: value.strip() for name, value in form.items()}
    length = typed_number(lang, typed.get("length_m", ""))
    try:
        length_m = float(length) if length else None
    except ValueError as exc:
        raise InputError(f"{length!r} is no length in metres", "length_wrong") from exc
    return VesselFacts(
        name=typed.get("name", ""),
        length_m=length_m,
        gear=typed.get("gear") or None,
        trade=typed.get("trade") or info.trade,
        home_port=typed.get("home_port") or None,
        radio=typed.get("radio") or None,
        owner=typed.get("owner") or None,
    )
