"""Somebody's own account: where he is signed in, his secret, what he may look at."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.storage.registry.accounts import Proof, SignedIn, Stage
from web.door.doors import ON_DUTY, Doors
from web.door.hashing import WeakSecretError
from web.pages import Renderer, lang_of
from web.people.inviting import may_invite_for, new_secret
from web.people.sign_in import SignInError, SigningIn
from web.ports import Services
from web.views.formats import moment
from web.views.refused import refused
from web.words import Lang, say

Secret = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True)
class SessionView:
    """One browser that is signed in."""

    id: str
    agent: str
    since: str
    seen: str
    until: str
    is_here: bool


class OwnPages:
    """One's own account."""

    def __init__(
        self, services: Services, render: Renderer, doors: Doors, signing: SigningIn
    ) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors, self._signing = render, doors, signing

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/account", response_class=HTMLResponse)(self.page)
        routes.get("/api/v1/session")(self.session)
        routes.post("/account/sessions/end")(self.end_others)
        routes.post("/account/sessions/{session}/end")(self.end_one)
        routes.post("/account/secret")(self.set_secret)
        return routes

    def page(self, request: Request) -> HTMLResponse:
        """Who one is here, where one is signed in, and ways to one's own data."""
        return self._page(request)

    def _page(self, request: Request, trouble: str = "") -> HTMLResponse:
        person, now_ms = self._doors.person(request), self._services.now_ms()
        lang, here = lang_of(request), self._doors.session(request)
        info = self._registry.get_person(person)
        names = {one: name for one, name, _ in self._registry.list_organisations()}
        factor = self._registry.find_second_factor(person)
        return self._render.page(
            request,
            "account.html",
            now_ms=now_ms,
            status=422 if trouble else 200,
            trouble=trouble,
            name=info.name,
            phone=info.phone or "",
            roles=[
                (say(lang, f"role_{role}"), names.get(where, where))
                for where, role in info.memberships
            ],
            is_pin=not info.roles & ON_DUTY,
            has_factor=factor is not None and factor.confirmed_ms is not None,
            may_invite=bool(
                may_invite_for(self._doors.known(request).roles, info.memberships)
            ),
            sessions=[
                session_view(lang, one, now_ms, here)
                for one in self._registry.list_sessions(person, now_ms)
                if one.stage is Stage.WHOLE
            ],
        )

    def session(self, request: Request) -> Response:
        """Say who is signed in on this browser, and what its forms carry.

        For the phone's own worker, which sends what waits though no page is open.
        """
        facts = {
            "person": self._doors.person(request),
            "csrf": self._doors.csrf(request),
        }
        body = msgspec.json.encode(facts)
        return Response(body, 200, {"Cache-Control": "no-store"}, "application/json")

    def end_others(self, request: Request, csrf: Annotated[str, Form()]) -> Response:
        """Sign out everywhere but here."""
        self._doors.check_form(request, csrf)
        person, here = self._doors.person(request), self._doors.session(request)
        self._registry.end_sessions(person, but="" if here is None else here.id)
        return RedirectResponse("/account", 303)

    def end_one(
        self, request: Request, session: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Sign out one browser."""
        self._doors.check_form(request, csrf)
        self._registry.end_session(self._doors.person(request), session)
        return RedirectResponse("/account", 303)

    def set_secret(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        old: Secret = "",
        secret: Secret = "",
        again: Secret = "",
    ) -> Response:
        """Take another PIN or password; every other browser is signed out."""
        self._doors.check_form(request, csrf)
        person, lang = self._doors.person(request), lang_of(request)
        is_pin = not self._doors.known(request).roles & ON_DUTY
        try:
            shown = self._signing.check_secret(request, person, old)
            info = self._registry.get_person(person)
            about = (info.name, info.phone or "")
            made = new_secret(secret, again, is_pin=is_pin, about=about)
        except SignInError as exc:
            seconds = -(-exc.wait_ms // 1000)
            key = "sign_in_wait" if seconds else "secret_old_wrong"
            return self._page(request, say(lang, key, seconds=seconds))
        except WeakSecretError as exc:
            return self._page(request, refused(lang, exc))
        self._registry.set_secret(
            person, made, is_pin=is_pin, instead_of=shown.secret_hash
        )
        proof = Proof(made)
        came = self._signing.come_in(request, person, stage=Stage.WHOLE, proof=proof)
        response = RedirectResponse("/account", 303)
        self._doors.keep(request, response, came.token)
        return response


def session_view(
    lang: Lang, one: SignedIn, now_ms: int, here: SignedIn | None
) -> SessionView:
    """Return a session as its owner sees it."""
    return SessionView(
        one.id,
        one.agent or say(lang, "session_unknown"),
        moment(lang, one.created_ms, now_ms),
        moment(lang, one.seen_ms, now_ms),
        moment(lang, one.expires_ms, now_ms),
        here is not None and here.id == one.id,
    )
