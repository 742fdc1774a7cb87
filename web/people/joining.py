"""Links that are good once: inviting, joining, a new secret, the demo's roles."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.storage.registry.accounts import Proof, Stage
from greenwater.storage.registry.consents import Purpose
from greenwater.storage.registry.links import LinkKind, OneTimeLink
from greenwater.storage.registry.people import Role, parse_phone
from greenwater.storage.registry.rows import parse_name
from web.door.doors import ON_DUTY, Doors, token_of
from web.door.throttle import Throttle
from web.pages import Renderer, lang_of
from web.people.inviting import (
    INVITED,
    Inviting,
    NewLinkView,
    may_invite_for,
    new_secret,
)
from web.people.sign_in import SigningIn
from web.ports import Services
from web.views.refused import refused
from web.words import say

Text = Annotated[str, Form(max_length=200)]


class JoinPages:
    """Inviting others, and coming in by a link."""

    def __init__(
        self,
        services: Services,
        render: Renderer,
        doors: Doors,
        signing: SigningIn,
        inviting: Inviting,
    ) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors, self._signing = render, doors, signing
        self._inviting, self._throttle = inviting, Throttle()

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/account/invitations", response_class=HTMLResponse)(self.page)
        routes.post("/account/invitations")(self.invite)
        routes.post("/account/invitations/{invitation}/end")(self.end)
        routes.get("/join/{token}", response_class=HTMLResponse)(self.join_page)
        routes.post("/join/{token}")(self.join)
        routes.get("/once/{token}", response_class=HTMLResponse)(self.once_page)
        routes.post("/once/{token}")(self.once)
        return routes

    def _mine(self, request: Request) -> tuple[str, list[str]]:
        """Return who is there and where he may invite; for others there is no such page."""
        person = self._doors.person(request)
        memberships = self._registry.get_person(person).memberships
        mine = may_invite_for(self._doors.known(request).roles, memberships)
        if not mine:
            raise MissingError(f"there is no page {request.url.path}")
        return person, mine

    def page(self, request: Request) -> HTMLResponse:
        """The open invitations, and a form for another."""
        return self._page(request)

    def _page(self, request: Request, new: NewLinkView | None = None) -> HTMLResponse:
        _, mine = self._mine(request)
        lang = lang_of(request)
        names = {one: name for one, name, _ in self._registry.list_organisations()}
        return self._render.page(
            request,
            "invitations.html",
            new=new,
            links=self._inviting.open_links(lang, frozenset(mine)),
            organisations=[(one, names.get(one, one)) for one in mine],
            roles=[(str(one), say(lang, f"role_{one}")) for one in INVITED],
        )

    def invite(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        role: Annotated[str, Form(max_length=20)] = "",
        organisation: Annotated[str, Form(max_length=64)] = "",
    ) -> HTMLResponse:
        """Make an invitation and show it, this once."""
        self._doors.check_form(request, csrf)
        person, mine = self._mine(request)
        where = organisation or mine[0]
        if where not in mine:
            raise MissingError(f"there is no organisation {where!r} of yours")
        if role not in INVITED:
            raise InputError(
                f"role {role!r} is not one of {', '.join(INVITED)}", "form_old"
            )
        request.state.subject = f"organisation={where} role={role}"
        made = self._inviting.invite(lang_of(request), where, Role(role), person)
        return self._page(request, made)

    def end(
        self, request: Request, invitation: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Withdraw an invitation."""
        self._doors.check_form(request, csrf)
        _, mine = self._mine(request)
        open_ones = self._inviting.open_links(lang_of(request), frozenset(mine))
        if invitation not in {one.id for one in open_ones}:
            raise MissingError(f"there is no invitation {invitation!r} of yours")
        self._registry.end_link(invitation, self._services.now_ms())
        return RedirectResponse("/account/invitations", 303)

    def _link(self, token: str) -> OneTimeLink:
        link = self._registry.find_link(token, self._services.now_ms())
        if link.kind == LinkKind.DEMO:
            raise MissingError("this link is of the demo")
        return link

    def join_page(self, request: Request, token: str) -> HTMLResponse:
        """Say what the link is for and ask for what is needed; looking uses nothing up."""
        return self._join_page(request, token, self._link(token))

    def _join_page(
        self,
        request: Request,
        token: str,
        link: OneTimeLink,
        *,
        trouble: str = "",
        name: str = "",
        phone: str = "",
    ) -> HTMLResponse:
        lang, visitor = lang_of(request), self._doors.visitor(request)
        return self._render.page(
            request,
            "join.html",
            status=422 if trouble else 200,
            token=token,
            what=self._inviting.what(lang, link),
            is_new=link.person is None,
            is_pin=self._takes_pin(link),
            may_accept=link.person is None
            and visitor is not None
            and visitor.person is not None,
            trouble=trouble,
            name=name,
            phone=phone,
        )

    def _takes_pin(self, link: OneTimeLink) -> bool:
        if link.role is not None:
            return Role(link.role) not in ON_DUTY
        info = self._registry.get_person(link.person or "")
        return not info.roles & ON_DUTY

    def join(
        self,
        request: Request,
        token: str,
        csrf: Annotated[str, Form(max_length=64)] = "",
        accept: Annotated[str, Form(max_length=2)] = "",
        name: Text = "",
        phone: Annotated[str, Form(max_length=40)] = "",
        secret: Text = "",
        again: Text = "",
        agreed: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """Use the link: as somebody new, as who is signed in, or to choose a secret."""
        link = self._link(token)
        if accept and link.person is None:
            self._doors.check_form(request, csrf)
            person = self._doors.person(request)
            self._registry.use_link(token, person, self._services.now_ms())
            self._noted(request, link, person)
            return self._enter(request, person, Proof(token=token_of(request)))
        try:
            person, proof = self._settle(
                token, link, (name, phone), (secret, again), agreed
            )
        except (InputError, ConflictError) as exc:
            trouble = refused(lang_of(request), exc)
            return self._join_page(
                request, token, link, trouble=trouble, name=name, phone=phone
            )
        self._noted(request, link, person)
        return self._enter(request, person, proof)

    def _about(self, link: OneTimeLink, who: tuple[str, str]) -> tuple[str, str]:
        """Return the name and number of whoever uses a link."""
        if link.person is None:
            return who
        info = self._registry.get_person(link.person)
        return info.name, info.phone or ""

    def _settle(
        self,
        token: str,
        link: OneTimeLink,
        who: tuple[str, str],
        secret: tuple[str, str],
        agreed: str,
    ) -> tuple[str, Proof]:
        """Do what the link is for; return who came in by it, and his new secret's proof."""
        now_ms, is_pin = self._services.now_ms(), self._takes_pin(link)
        kept = new_secret(*secret, is_pin=is_pin, about=self._about(link, who))
        if link.person is not None:
            person = self._registry.use_link(token, link.person, now_ms).person or ""
            self._registry.set_secret(person, kept, is_pin=is_pin)
            return person, Proof(kept)
        if not agreed:
            raise InputError(
                "say that you agree to what is kept of you", "join_not_agreed"
            )
        person = f"p-{secrets.token_hex(5)}"
        self._take_in(token, link, person, who)
        self._registry.set_secret(person, kept, is_pin=is_pin)
        self._registry.say_consent(person, Purpose.ACCOUNT, is_given=True, at_ms=now_ms)
        return person, Proof(kept)

    def _take_in(
        self, token: str, link: OneTimeLink, person: str, who: tuple[str, str]
    ) -> None:
        now_ms = self._services.now_ms()
        try:
            name, phone = parse_name(who[0]), parse_phone(who[1])
        except InputError as exc:
            raise InputError(str(exc), "join_name_phone") from exc
        # Whoever holds a link learns of a few numbers whether they have accounts.
        if not self._throttle.begin(link.id, now_ms).may:
            raise InputError("too many numbers were tried with this link", "join_wait")
        try:
            self._registry.join(token, person, name, phone, now_ms)
        except ConflictError as exc:
            raise ConflictError(str(exc), "join_phone_taken") from exc

    def _noted(self, request: Request, link: OneTimeLink, person: str) -> None:
        subject = f"link={link.id}"
        if link.role is not None:
            subject += f" organisation={link.organisation} role={link.role}"
        self._doors.note(request, f"link_{link.kind}", subject, person=person)

    def _enter(self, request: Request, person: str, proof: Proof) -> Response:
        stage = self._signing.owed(person)
        came = self._signing.come_in(request, person, stage=stage, proof=proof)
        where = {Stage.CODE: "/sign-in/code", Stage.ENROL: "/account/second-factor"}
        response = RedirectResponse(where.get(stage, "/"), 303)
        self._doors.keep(request, response, came.token)
        return response

    def _demo_link(self, token: str) -> OneTimeLink:
        link = self._registry.find_link(token, self._services.now_ms())
        if not self._services.is_demo or link.kind != LinkKind.DEMO:
            raise MissingError("this is not a demo")
        return link

    def once_page(self, request: Request, token: str) -> HTMLResponse:
        """Offer a role of the demo; looking uses nothing up."""
        link = self._demo_link(token)
        return self._render.page(
            request,
            "once.html",
            is_simulated=True,
            token=token,
            name=self._registry.names([link.person]).get(link.person or "", ""),
        )

    def once(self, request: Request, token: str) -> Response:
        """Step into a role of the demo, once."""
        link = self._demo_link(token)
        self._registry.use_link(token, link.person or "", self._services.now_ms())
        came = self._signing.come_in(
            request, link.person or "", stage=Stage.WHOLE, proof=None
        )
        response = RedirectResponse("/", 303)
        self._doors.keep(request, response, came.token)
        return response
