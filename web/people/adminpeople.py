"""The administrator's pages of people: who there is and as what, inviting, ending."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.storage.registry.accounts import PersonInfo
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.people import OrganisationKind, Role
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.people.inviting import Inviting, NewLinkView
from web.people.own_account import session_view
from web.ports import Services
from web.views.calls import CallView, call_view, means_of
from web.views.finding import find
from web.views.formats import moment
from web.views.refused import refused
from web.words import Lang, say

Word = Annotated[str, Form(max_length=64)]


@dataclass(frozen=True)
class Leaving:
    """A role that an administrator would end, and which calls would end with it."""

    organisation: str
    role: str
    words: str


@dataclass(frozen=True)
class PersonView:
    """Somebody, in a list."""

    id: str
    name: str
    phone: str
    roles: str


def _told(one: PersonView) -> str:
    return f"{one.name} {one.phone.replace('+84', '0', 1)} {one.roles}"


class AdminPeoplePages:
    """People and roles, for the administrator."""

    def __init__(
        self, services: Services, render: Renderer, doors: Doors, inviting: Inviting
    ) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors, self._inviting = render, doors, inviting

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/admin/people", response_class=HTMLResponse)(self.people)
        routes.post("/admin/organisations")(self.add_organisation)
        routes.post("/admin/invitations")(self.invite)
        routes.post("/admin/invitations/{invitation}/end")(self.end_invitation)
        routes.get("/admin/people/{person}", response_class=HTMLResponse)(self.person)
        routes.post("/admin/people/{person}/roles")(self.add_role)
        routes.post("/admin/people/{person}/roles/end")(self.end_role)
        routes.post("/admin/people/{person}/sessions/end")(self.end_sessions)
        routes.post("/admin/people/{person}/link")(self.link)
        routes.post("/admin/people/{person}/second-factor/end")(self.end_factor)
        routes.post("/admin/people/{person}/keys/{key}/end")(self.end_key)
        return routes

    def people(self, request: Request) -> HTMLResponse:
        """Everybody, the open invitations, a form for another."""
        self._doors.administrator(request)
        return self._people(request)

    def _people(
        self, request: Request, new: NewLinkView | None = None, trouble: str = ""
    ) -> HTMLResponse:
        lang = lang_of(request)
        return self._render.page(
            request,
            "admin_people.html",
            status=422 if trouble else 200,
            new=new,
            trouble=trouble,
            people=find(
                self._views(lang, self._registry.list_people()),
                request.query_params.get("q", ""),
                _told,
            ),
            links=self._inviting.open_links(lang, None),
            kinds=[(str(one), say(lang, f"kind_{one}")) for one in OrganisationKind],
            **self._choices(lang),
        )

    def _choices(self, lang: Lang) -> dict[str, Any]:
        return {
            "organisations": [
                (one, name) for one, name, _ in self._registry.list_organisations()
            ],
            "roles": [(str(one), say(lang, f"role_{one}")) for one in Role],
        }

    def _views(self, lang: Lang, people: Iterable[PersonInfo]) -> list[PersonView]:
        names = self._registry.organisation_names()
        found = []
        for one in people:
            roles = (
                f"{say(lang, f'role_{role}')}, {names.get(where, where)}"
                for where, role in one.memberships
            )
            found.append(
                PersonView(one.id, one.name, one.phone or "", "; ".join(roles))
            )
        return found

    def add_organisation(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        id: Word = "",
        name: Annotated[str, Form(max_length=200)] = "",
        kind: Word = OrganisationKind.HOUSEHOLD,
    ) -> Response:
        """Add a tenant."""
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        request.state.subject = f"organisation={id} kind={kind}"
        try:
            if kind not in set(OrganisationKind):
                raise InputError(f"kind {kind!r} is none", "form_old")
            self._registry.add_organisation(id, name, kind=OrganisationKind(kind))
        except (InputError, ConflictError) as exc:
            return self._people(request, trouble=refused(lang_of(request), exc))
        return RedirectResponse("/admin/people", 303)

    def invite(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        role: Word = "",
    ) -> HTMLResponse:
        """Make an invitation into any organisation and role; show it, this once."""
        self._doors.check_form(request, csrf)
        visitor = self._doors.administrator(request)
        self._must_be(organisation, role)
        request.state.subject = f"organisation={organisation} role={role}"
        lang = lang_of(request)
        made = self._inviting.invite(lang, organisation, Role(role), visitor.person)
        return self._people(request, made)

    def _must_be(self, organisation: str, role: str) -> None:
        if role not in set(Role):
            raise InputError(
                f"role {role!r} is not one of {', '.join(Role)}", "form_old"
            )
        if organisation not in {
            one for one, _, _ in self._registry.list_organisations()
        }:
            raise MissingError(f"organisation {organisation} is not registered")

    def end_invitation(
        self, request: Request, invitation: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Withdraw a link."""
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        self._registry.end_link(invitation, self._services.now_ms())
        return RedirectResponse("/admin/people", 303)

    def person(self, request: Request, person: str) -> HTMLResponse:
        """One person: roles, sessions, ways back in."""
        self._doors.administrator(request)
        return self.shown(request, person)

    def shown(
        self,
        request: Request,
        person: str,
        new: NewLinkView | None = None,
        *,
        given: Mapping[str, str] | None = None,
        trouble: str = "",
        ending: str = "",
        leaving: Leaving | None = None,
    ) -> HTMLResponse:
        """Return somebody's page; ``given`` is the address that was refused, and why.

        ``ending`` is a household's last address, ``leaving`` a role with which his calls
        end: they end only if that is meant.
        """
        lang, now_ms = lang_of(request), self._services.now_ms()
        info = self._registry.get_person(person)
        names = {id_: name for id_, name, _ in self._registry.list_organisations()}
        factor = self._registry.find_second_factor(person)
        return self._render.page(
            request,
            "admin_person.html",
            now_ms=now_ms,
            status=422 if trouble or ending or leaving else 200,
            ending=ending,
            leaving=leaving,
            new=new,
            trouble=trouble,
            given={"organisation": "", "place": "1", "hours": "", **(given or {})},
            calls=[
                (names.get(one.organisation, ""), self._call(lang, one, info, now_ms))
                for one in self._registry.contacts()
                if one.person == person
            ],
            theirs=sorted({(one, names.get(one, one)) for one, _ in info.memberships}),
            one=self._views(lang, [info])[0],
            held=[
                (where, str(role), say(lang, f"role_{role}"), names.get(where, where))
                for where, role in info.memberships
            ],
            sessions=[
                session_view(lang, one, now_ms, None)
                for one in self._registry.list_sessions(person, now_ms)
            ],
            keys=[
                (key, moment(lang, key.from_ms, now_ms))
                for key in self._registry.inspector_keys(person=person)
            ],
            has_factor=factor is not None and factor.confirmed_ms is not None,
            **self._choices(lang),
        )

    @staticmethod
    def _call(lang: Lang, one: Contact, info: PersonInfo, now_ms: int) -> CallView:
        return call_view(lang, one, info.name, "", (), now_ms)

    def add_role(
        self,
        request: Request,
        person: str,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        role: Word = "",
    ) -> Response:
        """Make somebody something more."""
        this = self._named(request, person, csrf, organisation, role)
        self._registry.add_member(person, organisation, this)
        return RedirectResponse(f"/admin/people/{person}", 303)

    def end_role(
        self,
        request: Request,
        person: str,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        role: Word = "",
        sure: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """End what somebody is; the last administrator stays.

        With the last role in an organisation its calls to him end: that is asked about.
        """
        this = self._named(request, person, csrf, organisation, role)
        if this is Role.ADMIN and self._registry.administrators() == [person]:
            raise ConflictError(
                "he is the last administrator: invite another one first", "last_admin"
            )
        words = (
            ""
            if sure
            else self._calls_lost(lang_of(request), person, organisation, this)
        )
        if words:
            leaving = Leaving(organisation, role, words)
            return self.shown(request, person, leaving=leaving)
        self._registry.drop_member(person, organisation, this)
        self._registry.end_sessions(person)
        return RedirectResponse(f"/admin/people/{person}", 303)

    def _calls_lost(
        self, lang: Lang, person: str, organisation: str, role: Role
    ) -> str:
        """Return which calls end with a role; empty where none does."""
        info, known = self._registry.get_person(person), self._registry.contacts()
        left = {
            (where, one) for where, one in info.memberships if where == organisation
        }
        ours = [one for one in known if one.organisation == organisation]
        his = [one for one in ours if one.person == person]
        if not his or left != {(organisation, role)}:
            return ""
        names = {id_: name for id_, name, _ in self._registry.list_organisations()}
        key = "role_ends_calls" if len(his) < len(ours) else "role_ends_all_calls"
        return say(
            lang,
            key,
            name=info.name,
            where=names.get(organisation, organisation),
            means=", ".join(means_of(lang, one.url) for one in his),
        )

    def _named(
        self, request: Request, person: str, csrf: str, organisation: str, role: str
    ) -> Role:
        """Return the role that a form names, once it may be given or taken there."""
        self._begin(request, person, csrf)
        self._must_be(organisation, role)
        request.state.subject = (
            f"person={person} organisation={organisation} role={role}"
        )
        return Role(role)

    def _begin(self, request: Request, person: str, csrf: str) -> str | None:
        """See that the form is ours, that an administrator sent it, and that he exists."""
        self._doors.check_form(request, csrf)
        visitor = self._doors.administrator(request)
        self._registry.get_person(person)
        return visitor.person

    def end_sessions(
        self, request: Request, person: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Sign somebody out everywhere."""
        self._begin(request, person, csrf)
        self._registry.end_sessions(person)
        return RedirectResponse(f"/admin/people/{person}", 303)

    def link(
        self, request: Request, person: str, csrf: Annotated[str, Form()]
    ) -> HTMLResponse:
        """Make a link with which he chooses a new PIN or password; show it, this once."""
        by = self._begin(request, person, csrf)
        made = self._inviting.let_choose(lang_of(request), person, by)
        return self.shown(request, person, made)

    def end_factor(
        self, request: Request, person: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Forget a second factor: his phone is lost. He is signed out everywhere."""
        self._begin(request, person, csrf)
        self._registry.end_second_factor(person)
        self._registry.end_sessions(person)
        return RedirectResponse(f"/admin/people/{person}", 303)

    def end_key(
        self, request: Request, person: str, key: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Say that an inspector's phone is lost: nothing that it signed is believed."""
        self._begin(request, person, csrf)
        if key not in {one.id for one in self._registry.inspector_keys(person=person)}:
            raise MissingError(f"{person} has no key {key}")
        self._registry.end_inspector_key(
            key, at_ms=self._services.now_ms(), is_lost=True
        )
        return RedirectResponse(f"/admin/people/{person}", 303)
