"""Tokens of programs, on the page of whoever answers for a household or firm."""

import secrets
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import DAY_MS
from greenwater.storage.registry import random_id
from greenwater.storage.registry.tokens import SCOPES, ApiToken
from web.door.doors import Doors, RefusedError
from web.pages import Renderer, lang_of
from web.people.inviting import may_invite_for
from web.ports import Services
from web.views.formats import moment
from web.words import Lang, say

DAYS: Final = (30, 90, 365)
MOST: Final = 20
"""Tokens of one organisation that are good at once."""


@dataclass(frozen=True)
class TokenView:
    """A token that is good."""

    id: str
    name: str
    scopes: str
    until: str
    made_by: str


class TokenPages:
    """The page of tokens."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors = render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/account/tokens", response_class=HTMLResponse)(self.page)
        routes.post("/account/tokens", response_class=HTMLResponse)(self.make)
        routes.post("/account/tokens/{token}/end")(self.end)
        return routes

    def _ours(self, request: Request) -> tuple[str, list[str]]:
        """Return who is there, and the organisations whose tokens are his to make."""
        person = self._doors.person(request)
        held = self._registry.get_person(person).memberships
        ours = may_invite_for(self._doors.known(request).roles, held)
        if not ours:
            raise RefusedError(
                "tokens are made by the farmer, boat owner or administrator",
                "not_yours",
            )
        return person, ours

    def page(self, request: Request) -> HTMLResponse:
        """The tokens that are good, and a form for another."""
        return self._page(request)

    def _page(
        self, request: Request, *, secret: str = "", trouble: str = ""
    ) -> HTMLResponse:
        _, ours = self._ours(request)
        lang, now_ms = lang_of(request), self._services.now_ms()
        names, people = self._registry.organisation_names(), self._registry.names()
        return self._render.page(
            request,
            "tokens.html",
            status=422 if trouble else 200,
            now_ms=now_ms,
            trouble=trouble,
            secret=secret,
            organisations=[(one, names.get(one, one)) for one in ours],
            scopes=[(one, say(lang, f"scope_{one}")) for one in sorted(SCOPES)],
            days=DAYS,
            tokens=[
                _view(lang, one, now_ms, people)
                for where in ours
                for one in self._good(where)
            ],
        )

    def _good(self, organisation: str) -> list[ApiToken]:
        now_ms = self._services.now_ms()
        found = self._registry.list_api_tokens(organisation)
        return [
            one for one in found if one.revoked_ms is None and now_ms < one.expires_ms
        ]

    def make(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        name: Annotated[str, Form(max_length=80)] = "",
        scope: Annotated[list[str] | None, Form()] = None,
        days: Annotated[int, Form()] = 90,
        organisation: Annotated[str, Form(max_length=100)] = "",
    ) -> HTMLResponse:
        """Make a token and show its secret, this once."""
        self._doors.check_form(request, csrf)
        person, ours = self._ours(request)
        where, lang = organisation or ours[0], lang_of(request)
        if where not in ours:
            raise RefusedError(
                "that organisation's tokens are not yours to make", "not_yours"
            )
        if days not in DAYS or not scope or not name.strip():
            return self._page(request, trouble=say(lang, "token_needs"))
        if len(self._good(where)) >= MOST:
            return self._page(request, trouble=say(lang, "token_many", most=MOST))
        secret, id_, now_ms = (
            secrets.token_urlsafe(32),
            random_id(),
            self._services.now_ms(),
        )
        try:
            self._registry.add_api_token(
                id_, secret, organisation=where, name=name, scopes=frozenset(scope),
                now_ms=now_ms, expires_ms=now_ms + days * DAY_MS, made_by=person,
            )  # fmt: skip
        except InputError:
            return self._page(request, trouble=say(lang, "token_needs"))
        request.state.subject = f"token={id_} {' '.join(sorted(scope))}"
        return self._page(request, secret=secret)

    def end(
        self, request: Request, token: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """End a token at once."""
        self._doors.check_form(request, csrf)
        _, ours = self._ours(request)
        where = next(
            (one for one in ours if token in {held.id for held in self._good(one)}),
            ours[0],
        )
        self._registry.revoke_api_token(
            token, now_ms=self._services.now_ms(), organisation=where
        )
        return RedirectResponse("/account/tokens", 303)


def _view(lang: Lang, one: ApiToken, now_ms: int, people: dict[str, str]) -> TokenView:
    maker = people.get(one.made_by, one.made_by) if one.made_by else ""
    scopes = ", ".join(say(lang, f"scope_{scope}") for scope in sorted(one.scopes))
    return TokenView(
        one.id, one.name, scopes, moment(lang, one.expires_ms, now_ms), maker
    )
