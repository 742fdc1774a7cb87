"""Beginning a crop: what will be sold, which pond, since when."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import (
    ConflictError,
    InputError,
    MissingError,
    PlatformError,
)
from greenwater.kernel.reading import local
from greenwater.reference.species import SPECIES
from greenwater.storage.registry.naming import units_of
from web.door.doors import Doors
from web.door.forms import Fields
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import form_time
from web.views.records import parse_local
from web.views.refused import refused
from web.words import Lang, say

PRODUCT: Final = dict.fromkeys(
    ("name_vi", "name_en", "species", "gtin", "brand", "trip"), ""
)
"""A form for a product as it is first shown; ``trip``: whose landing asks for it."""


@dataclass(frozen=True)
class Asked:
    """A form as it was filled in, and what is wrong with it, by its field."""

    values: Mapping[str, str]
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The answer's HTTP status."""
        return 422 if self.wrong else 200


def _refused(
    lang: Lang, form: Mapping[str, str], error: PlatformError, name: str, other: str
) -> Asked:
    """Return a form that was refused: beside its ``name``, its time, or ``other``."""
    where = other
    if error.key.startswith("name_"):
        where = name
    elif error.key == "time_wrong":
        where = "started"
    return Asked(form, {where: refused(lang, error)})


class CropPages:
    """Forms for a product and for a crop."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._books = services.books

    def routes(self) -> APIRouter:
        """Return the routes; ``/crops/new`` must stand before ``/crops/{crop}``."""
        routes = APIRouter()
        routes.get("/crops/new", response_class=HTMLResponse)(self.crop_form)
        routes.post("/crops")(self.open_crop)
        routes.get("/products/new", response_class=HTMLResponse)(self.product_form)
        routes.post("/products")(self.add_product)
        return routes

    def crop_form(self, request: Request, product: str = "") -> Response:
        """Ask for a pond, a product and a day; without a product, for that first."""
        mine = self._doors.mine(request)
        if not mine.seen.products():
            return RedirectResponse("/products/new", 303)
        return self._crop_form(request, Asked({"product": product}))

    def _crop_form(self, request: Request, asked: Asked) -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        busy = {crop.unit for crop in mine.seen.crops() if crop.ended_ms is None}
        units, now_ms = units_of(mine.seen).values(), self._services.now_ms()
        given = {
            "unit": "",
            "product": "",
            "name": say(lang, "crop_name_like", year=local(now_ms).year),
            "started": form_time(now_ms),
        }
        return self._render.page(
            request,
            "crop_new.html",
            status=asked.status,
            has_units=any(one.is_open for one in units),
            units=[one for one in units if one.is_open and one.id not in busy],
            products=mine.seen.products(),
            given={**given, **asked.values},
            wrong=asked.wrong,
        )

    def open_crop(self, request: Request, form: Fields) -> Response:
        """Open the crop; what is wrong comes back with the form."""
        self._doors.check_form(request, form.get("csrf", ""))
        person, mine = self._doors.writer(request), self._doors.mine(request)
        unit = mine.seen.get_unit(form.get("unit", ""))
        product = mine.seen.get_product(form.get("product", ""))
        crop = uuid.uuid4().hex
        try:
            self._books.open_crop(
                person,
                crop=crop,
                unit=unit.id,
                product=product.id,
                name=form.get("name", ""),
                started_ms=parse_local(form.get("started", "")),
            )
        except (InputError, ConflictError) as exc:
            asked = _refused(lang_of(request), form, exc, "name", "unit")
            return self._crop_form(request, asked)
        return RedirectResponse(f"/crops/{crop}", 303)

    def product_form(
        self, request: Request, species: str = "", trip: str = ""
    ) -> HTMLResponse:
        """Ask for what is sold and its number; of a species that a trip has landed."""
        self._doors.known(request)
        given = {"species": species, "trip": self._trip(request, trip)}
        return self._product_form(request, Asked(given))

    def _trip(self, request: Request, trip: str) -> str:
        """Return a trip that the visitor sees; empty: it is none."""
        try:
            self._doors.mine(request).seen.vessel_of_trip(trip)
        except MissingError:
            return ""
        return trip

    def _product_form(self, request: Request, asked: Asked) -> HTMLResponse:
        lang = lang_of(request)
        species = [(code, lang.of(one)) for code, one in SPECIES.items()]
        return self._render.page(
            request,
            "product_new.html",
            status=asked.status,
            species=sorted(species, key=lambda one: one[1]),
            given={**PRODUCT, **asked.values},
            is_of_boats=self._doors.known(request).is_of_boats,
            wrong=asked.wrong,
        )

    def add_product(self, request: Request, form: Fields) -> Response:
        """Add the product; what is wrong comes back with the form."""
        self._doors.check_form(request, form.get("csrf", ""))
        person = self._doors.writer(request)
        try:
            gtin = self._books.add_product(
                person,
                gtin=form.get("gtin", ""),
                name_vi=form.get("name_vi", ""),
                name_en=form.get("name_en", ""),
                species=form.get("species", ""),
                brand=form.get("brand", ""),
            )
        except (InputError, ConflictError) as exc:
            asked = _refused(lang_of(request), form, exc, "name_vi", "gtin")
            return self._product_form(request, asked)
        if trip := self._trip(request, form.get("trip", "")):
            return RedirectResponse(f"/trips/{trip}#landings", 303)
        where = f"/crops/new?product={gtin}"
        is_of_boats = self._doors.known(request).is_of_boats
        return RedirectResponse("/vessels" if is_of_boats else where, 303)
