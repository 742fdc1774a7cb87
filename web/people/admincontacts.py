"""Where a person is told of alarms, and in which place of the order: set by administrators.

Addresses hold secrets of message services: they are typed once and never shown again.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from analytics.alarms.addresses import check_address, parse_hours
from greenwater.kernel.errors import InputError
from greenwater.storage.registry.contacts import Contact
from web.door.doors import Doors
from web.pages import lang_of
from web.people.adminpeople import AdminPeoplePages
from web.ports import Services
from web.views.calls import contact_id
from web.views.refused import refused

Word = Annotated[str, Form(max_length=64)]

MOST_PLACE: Final = 9
"""How many people after each other are told, at most."""


class AdminContactPages:
    """One person's addresses, for the administrator."""

    def __init__(
        self, services: Services, doors: Doors, people: AdminPeoplePages
    ) -> None:
        self._services, self._registry = services, services.registry
        self._doors, self._people = doors, people

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.post("/admin/people/{person}/contacts")(self.add)
        routes.post("/admin/people/{person}/contacts/end")(self.end)
        return routes

    def add(
        self,
        request: Request,
        person: str,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        address: Annotated[str, Form(max_length=500)] = "",
        place: Word = "1",
        hours: Word = "",
    ) -> Response:
        """Have somebody told of a household's alarms; the same address again moves it."""
        self._begin(request, person, csrf)
        request.state.subject = f"person={person} organisation={organisation}"
        try:
            self._add(person, organisation, address.strip(), place, hours)
        except InputError as exc:
            given = {"organisation": organisation, "place": place, "hours": hours}
            words = refused(lang_of(request), exc)
            return self._people.shown(request, person, given=given, trouble=words)
        return RedirectResponse(f"/admin/people/{person}#contacts", 303)

    def _add(
        self, person: str, organisation: str, address: str, place: str, hours: str
    ) -> None:
        theirs = {one for one, _ in self._registry.get_person(person).memberships}
        if organisation not in theirs or place not in map(
            str, range(1, MOST_PLACE + 1)
        ):
            raise InputError(f"{person} is not of {organisation!r}", "form_old")
        if self._services.is_demo:
            raise InputError(
                "a demo sends nothing out of the machine: add a number on /calls",
                "contact_demo",
            )
        check_address(address)
        self._registry.add_contact(
            organisation,
            person,
            address,
            place=int(place) - 1,
            hours=parse_hours(hours),
        )

    def end(
        self,
        request: Request,
        person: str,
        csrf: Annotated[str, Form()],
        contact: Word = "",
        sure: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """Have somebody told no more at one of his addresses; a last one is asked about."""
        self._begin(request, person, csrf)
        request.state.subject = f"person={person}"
        known = self._registry.contacts()
        for one in known:
            if one.person == person and contact_id(one) == contact:
                if not sure and _is_last(one, known):
                    return self._people.shown(request, person, ending=contact)
                self._registry.drop_contact(one.organisation, person, one.url)
        return RedirectResponse(f"/admin/people/{person}#contacts", 303)

    def _begin(self, request: Request, person: str, csrf: str) -> None:
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        self._registry.get_person(person)


def _is_last(one: Contact, known: Sequence[Contact]) -> bool:
    """Return whether nobody of a household is told any more without an address."""
    return [two for two in known if two.organisation == one.organisation] == [one]
