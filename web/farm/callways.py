"""What a household sets of its calls itself: how one is told, in which order, at which hours.

Nobody types an apprise address here (``analytics.alarms.ways`` says why); what was typed is
not a secret of the operator's, and is shown again by its end alone.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from msgspec.structs import replace

from analytics.alarms.addresses import parse_hours
from analytics.alarms.calling import moved
from analytics.alarms.pushing import Subscription, own_subscription, subscription_of
from analytics.alarms.ways import own_address
from greenwater.kernel.errors import InputError, MissingError
from greenwater.storage.registry.consents import Purpose
from greenwater.storage.registry.contacts import Contact
from web.door.doors import Doors, RefusedError
from web.door.phones import name_phone, new_phone, phone_of
from web.farm.calls import CallPages, Ending, may_order
from web.pages import lang_of
from web.ports import Services
from web.views.calls import contact_id, means_of
from web.views.refused import refused
from web.words import Lang, say

Word = Annotated[str, Form(max_length=64)]

MOST_WAYS: Final = 4
"""How many addresses of his own somebody may have in one organisation."""

STEPS: Final = {"earlier": -1, "later": 1}


class CallWayPages:
    """Forms of the page of calls."""

    def __init__(self, services: Services, doors: Doors, calls: CallPages) -> None:
        self._services, self._registry = services, services.registry
        self._doors, self._calls = doors, calls

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.post("/calls/ways")(self.add)
        routes.post("/calls/ways/push")(self.add_browser)
        routes.post("/calls/ways/push/renewed")(self.renew_browser)
        routes.post("/calls/ways/end")(self.end)
        routes.post("/calls/order")(self.order)
        routes.post("/calls/hours")(self.hours)
        return routes

    def add(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        way: Word = "",
        to: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Have the visitor himself told in one more way, which he agrees to by that."""
        self._doors.check_form(request, csrf)
        person = self._doors.person(request)
        request.state.subject = f"person={person} organisation={organisation} way={way}"
        try:
            self._add(person, organisation, way, to)
        except InputError as exc:
            given = {"way": way, "to": to, "organisation": organisation}
            words = refused(lang_of(request), exc)
            return self._calls.shown(request, given=given, trouble=words)
        return RedirectResponse("/calls", 303)

    def _add(self, person: str, organisation: str, way: str, to: str) -> None:
        if way not in set(self._services.ways):
            raise InputError(f"{person} has no way {way!r}", "form_old")
        self._tell(person, organisation, own_address(way, to))

    def add_browser(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        endpoint: Annotated[str, Form(max_length=2000)] = "",
        key: Annotated[str, Form(max_length=200)] = "",
        secret: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Have the visitor told in the browser that he asks from, as it let him."""
        self._doors.check_form(request, csrf)
        person, here = self._doors.person(request), self._doors.session(request)
        request.state.subject = f"person={person} organisation={organisation} way=push"
        phone, lang = phone_of(request) or new_phone(), lang_of(request)
        one = Subscription(
            endpoint=endpoint,
            key=key,
            secret=secret,
            name="" if here is None else here.agent,
            lang=str(lang),
            phone=phone,
            session="" if here is None else here.id,
        )
        try:
            if not self._services.pushing.key:
                raise InputError("no browser is told here", "form_old")
            url = own_subscription(one, self._services.pushing.hosts)
            self._member(person, organisation)
            self._take_over(person, organisation, one)
            self._tell(person, organisation, url)
        except InputError as exc:
            return self._calls.shown(request, trouble=refused(lang, exc))
        response = RedirectResponse("/calls#ways", 303)
        name_phone(request, response, phone)
        return response

    def renew_browser(
        self,
        request: Request,
        endpoint: Annotated[str, Form(max_length=2000)] = "",
        key: Annotated[str, Form(max_length=200)] = "",
        secret: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Follow a browser whose push service gave it another address.

        Its worker asks, signed in or not; the browser's own name, which nobody else knows,
        says whose it is. Place, hours and what it ends with stay as they were.
        """
        phone, hosts = phone_of(request), self._services.pushing.hosts
        for contact in self._registry.contacts() if phone else ():
            one = subscription_of(contact.url)
            if one is not None and one.phone == phone:
                request.state.subject = f"person={contact.person} way=push"
                now = replace(one, endpoint=endpoint, key=key, secret=secret)
                self._registry.renew_contact(contact, own_subscription(now, hosts))
        return Response(status_code=204)

    def _take_over(self, person: str, organisation: str, one: Subscription) -> None:
        """End what that browser was told before: it is somebody else's now, or named anew."""
        for contact in self._registry.contacts():
            found = subscription_of(contact.url)
            if found is None or found.endpoint != one.endpoint:
                continue
            is_here = contact.person == person and contact.organisation == organisation
            is_anothers = contact.person != person and found.secret == one.secret
            if is_here or is_anothers:
                self._registry.drop_contact(
                    contact.organisation, contact.person, contact.url
                )

    def _member(self, person: str, organisation: str) -> None:
        theirs = {one for one, _ in self._registry.get_person(person).memberships}
        if organisation not in theirs:
            raise InputError(f"{person} is not of {organisation!r}", "form_old")

    def _tell(self, person: str, organisation: str, url: str) -> None:
        self._member(person, organisation)
        ours = self._of(organisation)
        his = [one for one in ours if one.person == person]
        if len(his) >= MOST_WAYS and url not in {one.url for one in his}:
            raise InputError(
                f"{person} is told in {MOST_WAYS} ways already: end one first",
                "way_many",
                most=MOST_WAYS,
            )
        last = max((one.place for one in ours), default=-1)
        self._agree(person)
        self._registry.add_contact(
            organisation,
            person,
            url,
            place=his[0].place if his else last + 1,
            hours=his[0].hours if his else None,
        )

    def _agree(self, person: str) -> None:
        said = self._registry.consents(person)
        last = next((one for one in said if one.purpose == Purpose.MESSAGES), None)
        if last is None or not last.is_given:
            now_ms = self._services.now_ms()
            self._registry.say_consent(
                person, Purpose.MESSAGES, is_given=True, at_ms=now_ms
            )

    def _of(self, organisation: str) -> Sequence[Contact]:
        known = self._registry.contacts()
        return [one for one in known if one.organisation == organisation]

    def end(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        contact: Word = "",
        sure: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """End one of the visitor's own ways; the last one only once he knows what it means."""
        self._doors.check_form(request, csrf)
        person = self._doors.person(request)
        request.state.subject = f"person={person}"
        known = self._calls.contacts(request)
        found = next((one for one in known if contact_id(one) == contact), None)
        if found is None or found.person != person:
            return RedirectResponse("/calls", 303)  # it has ended already
        words = _what_it_means(lang_of(request), found, known)
        if words and not sure:
            return self._calls.shown(request, ending=Ending(contact, words))
        self._registry.drop_contact(found.organisation, person, found.url)
        return RedirectResponse("/calls", 303)

    def order(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        person: Word = "",
        step: Word = "",
    ) -> Response:
        """Have somebody called one earlier or later."""
        self._orders(request, csrf, organisation, person)
        places = moved(self._of(organisation), person, STEPS.get(step, 0))
        self._registry.place_contacts(organisation, places)
        return RedirectResponse("/calls#order", 303)

    def hours(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        organisation: Word = "",
        person: Word = "",
        start: Word = "",
        end: Word = "",
    ) -> Response:
        """Say at which hours somebody is on duty; none: always."""
        self._orders(request, csrf, organisation, person)
        try:
            hours = parse_hours(f"{start}-{end}" if start or end else "")
        except InputError as exc:
            words = refused(lang_of(request), exc)
            return self._calls.shown(request, trouble=words)
        self._registry.set_contact_hours(organisation, person, hours)
        return RedirectResponse("/calls#order", 303)

    def _orders(
        self, request: Request, csrf: str, organisation: str, person: str
    ) -> None:
        """See that the form is ours, and that who sent it may order these calls.

        Raises:
            MissingError: it is not his household, or nobody is called there by that name.
            RefusedError: he only looks.
        """
        self._doors.check_form(request, csrf)
        info = self._registry.get_person(self._doors.person(request))
        if organisation not in {one for one, _ in info.memberships}:
            raise MissingError(f"there is no organisation {organisation!r} of yours")
        if not may_order(info, organisation):
            raise RefusedError(
                "this needs a farmer's or technician's account", "needs_farmer"
            )
        if person not in {one.person for one in self._of(organisation)}:
            raise MissingError(f"{person!r} is not called in {organisation}")
        request.state.subject = f"person={person} organisation={organisation}"


def _what_it_means(lang: Lang, found: Contact, known: Sequence[Contact]) -> str:
    """Return what ending an address leaves; empty where its owner has another one there."""
    means = means_of(lang, found.url)
    others = [
        one for one in known if one.organisation == found.organisation and one != found
    ]
    if not others:
        return say(lang, "ways_last_of_all", means=means)
    if not any(one.person == found.person for one in others):
        return say(lang, "ways_last_of_his", means=means)
    return ""
