"""A certificate: whether it is valid, what it is of, who did what; claims of products."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.storage.registry.certification import Certificate
from traceability.vietgap.certificates import (
    CertificateScope,
    certificate_state,
    claimed_at,
    shown_code,
)
from traceability.vietgap.certifying import ACTS, Certifying
from web.door.doors import Doors, RefusedError
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.dossiers import scope_lines, state_text
from web.views.formats import day, moment
from web.views.goods import product_name
from web.views.refused import wrong
from web.words import Lang, said, say


class CertificatePages:
    """Certificates, for who holds and who granted them."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._registry = services.registry
        self._certifying = Certifying(services.registry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/certificates/{certificate}", response_class=HTMLResponse)(
            self.page
        )
        routes.post("/certificates/{certificate}/acts")(self.act)
        routes.post("/certificates/{certificate}/claims")(self.claim)
        return routes

    def _find(self, request: Request, certificate: str) -> tuple[Certificate, str]:
        """Return a certificate and who asks for it.

        Raises:
            RefusedError: nobody in particular is there.
        """
        person = self._doors.known(request).person
        found = self._certifying.find(person, certificate)
        if person is None:
            raise RefusedError(
                "this needs an account of the holder or the office", "not_yours"
            )
        return found, person

    def page(self, request: Request, certificate: str) -> HTMLResponse:
        """One certificate."""
        person = self._doors.known(request).person
        found = self._certifying.find(person, certificate)
        return self._page(request, found, "", 200)

    def _page(
        self, request: Request, found: Certificate, trouble: str, status: int
    ) -> HTMLResponse:
        lang, now_ms = lang_of(request), self._services.now_ms()
        person = self._doors.known(request).person
        is_issuer = person is not None and self._certifying.is_issuer(person, found)
        acts, names = self._registry.certificate_acts(found.id), self._registry.names()
        state = certificate_state(found, acts, now_ms)
        sites, members = scope_lines(
            lang, msgspec.convert(found.scope, CertificateScope)
        )
        return self._render.page(
            request,
            "certificate.html",
            status=status,
            now_ms=now_ms,
            is_simulated=found.is_simulated or self._services.is_demo,
            certificate=found,
            code=shown_code(found.code),
            state=state,
            state_words=state_text(lang, state),
            facts=self._facts(lang, found),
            sites=sites,
            members=members,
            acts=[
                (
                    moment(lang, one.at_ms, now_ms),
                    say(lang, f"certificate_{one.kind}"),
                    names.get(one.person, one.person),
                    one.reason,
                )
                for one in acts
            ],
            products=self._products(request, lang, found, now_ms),
            is_issuer=is_issuer,
            dossier=self._dossier(person, found),
            kinds=[(kind, say(lang, f"certificate_do_{kind}")) for kind in ACTS],
            trouble=trouble,
        )

    def _dossier(self, person: str | None, found: Certificate) -> str | None:
        """Return the dossier it came from, if a person may open that."""
        if found.dossier is None:
            return None
        try:
            return self._registry.get_dossier_for(person, found.dossier).id
        except MissingError:
            return None

    def _facts(self, lang: Lang, found: Certificate) -> list[tuple[str, str]]:
        offices = {one.organisation: one.name for one in self._registry.offices()}
        facts = (
            ("certificate_holder", self._registry.producer_of(found.organisation)[0]),
            ("certificate_office", offices.get(found.office, found.office)),
            ("certificate_issued", day(found.issued_ms)),
            (
                "certificate_until",
                say(lang, "certificate_no_end")
                if found.until_ms is None
                else day(found.until_ms),
            ),
            ("certificate_as_written", found.raw_code),
        )
        return said(lang, facts)

    def _products(
        self, request: Request, lang: Lang, found: Certificate, now_ms: int
    ) -> list[tuple[str, str, bool]]:
        """Return the holder's products: (GTIN, name, whether it claims this one)."""
        if not self._doors.may_act(request):
            return []
        return [
            (
                one.id,
                product_name(lang, one),
                claimed_at(self._registry.claims(product=one.id), now_ms) == found.id,
            )
            for one in self._doors.mine(request).seen.products()
            if one.organisation == found.organisation
        ]

    def act(
        self,
        request: Request,
        certificate: str,
        csrf: Annotated[str, Form()],
        kind: Annotated[str, Form(max_length=20)] = "",
        text: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        """Suspend, resume or withdraw it."""
        self._doors.check_form(request, csrf)
        found, person = self._find(request, certificate)
        lang = lang_of(request)
        try:
            self._certifying.act(person, certificate, kind, text)
        except InputError as exc:
            return self._page(request, found, wrong(lang, exc), 422)
        except ConflictError:
            told = say(lang, "certificate_gone")
            return self._page(request, found, told, 409)
        return RedirectResponse(f"/certificates/{certificate}", 303)

    def claim(
        self,
        request: Request,
        certificate: str,
        csrf: Annotated[str, Form()],
        product: Annotated[str, Form(max_length=20)] = "",
        on: Annotated[str, Form(max_length=5)] = "",
    ) -> Response:
        """Have a product's labels claim it from now on, or no longer."""
        self._doors.check_form(request, csrf)
        found, person = self._find(request, certificate)
        self._certifying.claim(person, product, found.id if on == "on" else None)
        return RedirectResponse(f"/certificates/{certificate}", 303)
