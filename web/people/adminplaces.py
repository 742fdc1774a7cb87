"""The administrator's page of places: whose farms and boats there are; a boat added.

Ponds and cages are added by the farms' own people (``web.farm.places``); a boat bears a
registration number that nobody may claim for himself, so it is added here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.reference.gears import GEARS
from greenwater.reference.vessels import Trade, parse_registration
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.boatcards import trade_choices
from web.views.finding import find
from web.views.formats import number, typed_number
from web.views.refused import refused
from web.views.seawords import gear_name
from web.words import Lang, say

Word = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True)
class PlaceView:
    """A farm or a boat in the list: what it is, whose, and what belongs to it.

    It leads to what it is called at most: who administers sees no farm's water and no
    boat's trips.
    """

    name: str
    owner: str
    note: str
    href: str = ""


def _told(one: PlaceView) -> str:
    return f"{one.name} {one.owner}"


class AdminPlacePages:
    """Farms and boats, for the administrator."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors = render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/admin/places", response_class=HTMLResponse)(self.places)
        routes.post("/admin/vessels")(self.add_vessel)
        return routes

    def places(self, request: Request) -> HTMLResponse:
        """Every farm and boat, and a form for another boat."""
        self._doors.administrator(request)
        return self._page(request, {})

    def _page(
        self, request: Request, given: Mapping[str, str], trouble: str = ""
    ) -> HTMLResponse:
        lang = lang_of(request)
        organisations = [
            (one, name) for one, name, _ in self._registry.list_organisations()
        ]
        owners = dict(organisations)
        asked = request.query_params.get("q", "")
        gears = [one.codes[0] for one in GEARS.gear if one.codes]
        return self._render.page(
            request,
            "admin_places.html",
            status=422 if trouble else 200,
            farms=find(self._farms(lang, owners), asked, _told),
            boats=find(
                [
                    PlaceView(
                        f"{one.name} ({one.id})",
                        owners.get(one.organisation, one.organisation),
                        ""
                        if one.length_m is None
                        else f"{number(lang, one.length_m, 1)} m",
                        f"/vessels/{one.id}/edit",
                    )
                    for one in self._registry.vessels()
                ],
                asked,
                _told,
            ),
            organisations=organisations,
            gears=[(code, gear_name(lang, code)) for code in gears],
            trades=trade_choices(lang),
            given={"organisation": "", "gear": "", "number": "", "name": ""}
            | {"length_m": "", "trade": Trade.CATCHING}
            | dict(given),
            trouble=trouble,
        )

    def _farms(self, lang: Lang, owners: Mapping[str, str]) -> list[PlaceView]:
        units = Counter(one.site for one in self._registry.units() if one.is_open)
        return [
            PlaceView(
                one.name,
                owners.get(one.organisation, one.organisation),
                say(lang, "places_units", count=number(lang, units[one.id])),
                f"/sites/{one.id}/change",
            )
            for one in self._registry.sites()
        ]

    def add_vessel(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        number: Word = "",
        name: Word = "",
        length_m: Word = "",
        gear: Word = "",
        trade: Word = Trade.CATCHING,
    ) -> Response:
        """Add a boat of an organisation; what is wrong comes back with the form."""
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        given = {
            "organisation": organisation,
            "number": number,
            "name": name,
            "length_m": length_m,
            "gear": gear,
            "trade": trade,
        }
        request.state.subject = f"vessel={number} organisation={organisation}"
        trouble = self._trouble(lang_of(request), given)
        if trouble:
            return self._page(request, given, trouble)
        length = typed_number(lang_of(request), length_m)
        try:
            self._registry.add_vessel(
                number,
                organisation=organisation,
                name=name,
                length_m=float(length) if length.strip() else None,
                gear=gear or None,
                trade=trade,
            )
        except (InputError, ConflictError) as exc:
            return self._page(request, given, refused(lang_of(request), exc))
        return RedirectResponse("/admin/places", 303)

    def _trouble(self, lang: Lang, given: Mapping[str, str]) -> str:
        """Return what is wrong in words; empty: nothing is."""
        known = {one for one, _, _ in self._registry.list_organisations()}
        if given["organisation"] not in known:
            raise MissingError(f"there is no organisation {given['organisation']!r}")
        try:
            vessel = parse_registration(given["number"])
        except InputError:
            return say(lang, "duty_no_number", number=given["number"])
        if vessel in {one.id for one in self._registry.vessels()}:
            return say(lang, "vessel_taken", number=vessel)
        if not given["name"].strip():
            return say(lang, "vessel_name_missing")
        length = typed_number(lang, given["length_m"]).strip()
        try:
            is_length = not length or 0 < float(length) <= 150
        except ValueError:
            is_length = False
        return "" if is_length else say(lang, "vessel_length_wrong")
