"""The public pages of goods and lots, for whoever has no label of them in hand."""

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from greenwater.kernel.errors import MissingError
from greenwater.reference.species import get_species
from greenwater.storage.registry.books import Lot
from traceability.label.passport import Passport, passport_of
from traceability.label.pictures import Pictures
from traceability.proof.verify import Code, Verdict
from web.api.answers import open_to_all
from web.labels.digital_links import public_lot
from web.labels.kept_pages import is_for_all, may_keep
from web.labels.kept_passports import KeptPassports
from web.labels.notices import Notices, inspected
from web.labels.pages import LINKED, linked_response, passport_view
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.goods import product_name
from web.words import said


class PassportPages:
    """What Digital Links of goods and lots lead to. A lot has labels, or no page."""

    def __init__(
        self, services: Services, render: Renderer, kept: KeptPassports
    ) -> None:
        self._services, self._render, self._kept = services, render, kept

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/passport/{gtin}", response_class=HTMLResponse)(self.product_page)
        routes.get("/passport/{gtin}/picture.jpg")(self.picture)
        routes.get("/passport/{gtin}/{lot}", response_class=HTMLResponse)(self.lot_page)
        routes.get("/api/v1/passports/{gtin}/{lot}")(self.lot_document)
        return routes

    def product_page(self, request: Request, gtin: str) -> HTMLResponse:
        """Show what a product is and who makes it."""
        registry, lang = self._services.registry, lang_of(request)
        product = registry.get_product(gtin)
        species = get_species(product.species)
        named = lang.of(species)
        facts: Sequence[tuple[str, str | None]] = (
            ("passport_species", f"{named[:1].upper()}{named[1:]} ({species.latin})"),
            ("passport_who", registry.producer_of(product.organisation)[0]),
            ("passport_brand", product.brand),
            ("check_gtin", product.id),
        )
        return self._render.page(
            request,
            "product.html",
            name=product_name(lang, product),
            facts=said(lang, facts),
        )

    def picture(self, gtin: str) -> Response:
        """The product's picture; its address changes with it."""
        folder = self._services.photos
        if folder is None:
            raise MissingError(f"product {gtin[:20]} has no picture")
        kept = Pictures(self._services.registry, self._services.clock, folder)
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response(kept.read(gtin), 200, headers, "image/jpeg")

    def _lot(
        self, request: Request, gtin: str, code: str
    ) -> tuple[Lot, Verdict | None, Passport]:
        registry = self._services.registry
        lot = public_lot(registry, gtin, code)
        if lot is None:
            raise MissingError(f"there is no lot {code[:40]} of product {gtin[:20]}")
        may_keep(request.scope, registry, lot.id)
        recall = next(iter(registry.recalls_upon(lot.id)), None)
        verdict = None
        if recall is not None:
            verdict = Verdict(
                Code.RECALLED, gtin, code, reason=recall.reason, phone=recall.phone
            )
        now_ms = self._services.now_ms()
        found = passport_of(
            registry,
            gtin,
            code,
            None,
            verdict,
            now_ms=now_ms,
            filled=self._kept.of if is_for_all(request.scope) else None,
        )
        return lot, verdict, found

    def lot_page(self, request: Request, gtin: str, lot: str) -> HTMLResponse:
        """Show a lot's passport; no label was checked, and the page says so."""
        known, verdict, found = self._lot(request, gtin, lot)
        seen = inspected(self._services.registry, lang_of(request), known.id)
        return passport_view(
            self._render,
            request,
            self._services.now_ms(),
            verdict,
            found,
            notices=Notices(inspections=seen),
        )

    def lot_document(self, request: Request, gtin: str, lot: str) -> Response:
        """Return a lot's passport; without a verdict: no label was checked.

        As linked data where ``application/ld+json`` is accepted.
        """
        _, _, found = self._lot(request, gtin, lot)
        if LINKED in request.headers.get("accept", ""):
            about = f"{self._services.public_url.rstrip('/')}/01/{gtin}/10/{quote(lot)}"
            return linked_response(found, about)
        return open_to_all(found)
