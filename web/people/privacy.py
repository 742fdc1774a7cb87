"""Who sees my data, what I agreed to, and all of it to take away (Law 91/2025)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import (
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from greenwater.kernel.errors import InputError, MissingError
from greenwater.storage.registry.consents import Consent, Purpose
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.people.carrying import own_data
from web.ports import Services
from web.views.formats import moment
from web.words import Lang, say


@dataclass(frozen=True)
class SeerView:
    """Somebody who may see an organisation's data, and as what."""

    name: str
    role: str
    organisation: str


@dataclass(frozen=True)
class ConsentView:
    """A purpose, whether it is agreed to now, and since when."""

    purpose: str
    text: str
    effect: str
    is_given: bool
    when: str


class PrivacyPages:
    """One's own data."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors = render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/account/who-sees", response_class=HTMLResponse)(self.page)
        routes.post("/account/consents/{purpose}")(self.say)
        routes.get("/account/data.zip")(self.carry)
        return routes

    def page(self, request: Request) -> HTMLResponse:
        """Who sees what is one's own: people, programs, everybody; what one agreed to."""
        person, now_ms = self._doors.person(request), self._services.now_ms()
        lang, info = lang_of(request), self._registry.get_person(person)
        names = {one: name for one, name, _ in self._registry.list_organisations()}
        own = sorted({where for where, _ in info.memberships})
        return self._render.page(
            request,
            "who_sees.html",
            now_ms=now_ms,
            own=[
                (names.get(where, where), self._seers(lang, where, names, own))
                for where in own
            ],
            programs=[
                (token.name, names.get(where, where))
                for where in own
                for token in self._registry.list_api_tokens(where)
                if token.revoked_ms is None and token.expires_ms > now_ms
            ],
            consents=consents_now(lang, self._registry.consents(person), now_ms),
        )

    def _seers(
        self, lang: Lang, where: str, names: dict[str, str], own: Sequence[str]
    ) -> list[SeerView]:
        people = self._registry.names()
        found = [
            SeerView(
                people.get(person, person),
                say(lang, f"role_{role}"),
                "" if organisation == where else names.get(organisation, organisation),
            )
            for person, organisation, role in self._registry.who_sees(where)
        ]
        return sorted(found, key=lambda one: (one.organisation, one.name, one.role))

    def say(
        self,
        request: Request,
        purpose: str,
        csrf: Annotated[str, Form()],
        given: Annotated[str, Form(max_length=2)] = "",
        sure: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """Agree to a purpose, or take that back."""
        self._doors.check_form(request, csrf)
        person = self._doors.person(request)
        if purpose not in set(Purpose):
            raise MissingError(f"there is no purpose {purpose!r}")
        if purpose == Purpose.ACCOUNT and not given:
            if not sure:
                raise InputError(
                    "this ends your account: tick that you are sure", "sure_end"
                )
            self._refuse_last_administrator(person)
        request.state.subject = f"purpose={purpose} given={bool(given)}"
        self._registry.say_consent(
            person,
            Purpose(purpose),
            is_given=bool(given),
            at_ms=self._services.now_ms(),
        )
        over = purpose == Purpose.ACCOUNT and not given
        response = RedirectResponse("/" if over else "/account/who-sees", 303)
        if over:
            self._doors.sign_out(request, response)
        return response

    def _refuse_last_administrator(self, person: str) -> None:
        if self._registry.administrators() == [person]:
            raise InputError(
                "you are the last administrator: invite another one first", "last_admin"
            )

    def carry(self, request: Request) -> Response:
        """All that is one's own, as a ZIP of JSON and CSV, streamed."""
        person, mine = self._doors.person(request), self._doors.mine(request)
        organisations = self._doors.known(request).organisations
        return StreamingResponse(
            own_data(mine, person, organisations, self._services.now_ms()),
            media_type="application/zip",
            headers={
                "Content-Disposition": 'attachment; filename="greenwater-data.zip"',
                "Cache-Control": "no-store",
            },
        )


def consents_now(lang: Lang, said: Sequence[Consent], now_ms: int) -> list[ConsentView]:
    """Return how each purpose stands: the newest word counts."""
    views = []
    for purpose in Purpose:
        last = next((one for one in said if one.purpose == purpose), None)
        views.append(
            ConsentView(
                purpose,
                say(lang, f"consent_{purpose}"),
                say(lang, f"consent_{purpose}_end"),
                last is not None and last.is_given,
                say(lang, "consent_never")
                if last is None
                else say(
                    lang,
                    "consent_given" if last.is_given else "consent_withdrawn",
                    time=moment(lang, last.at_ms, now_ms),
                ),
            )
        )
    return views
