"""Who is called first and next, and a message to oneself to hear whether it rings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from analytics.alarms.calling import ESCALATE_MS, ROUNDS
from analytics.alarms.pushing import subscription_of
from greenwater.kernel.reading import HOUR_MS, MINUTE_MS
from greenwater.storage.registry.accounts import PersonInfo
from greenwater.storage.registry.bulletins import TESTS, BulletinCopy
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.people import Role
from web.door.doors import Doors
from web.door.phones import phone_of
from web.door.visitors import BOATS, FARMS, Visitor
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.calls import HouseholdView, call_view, household_view, short_of
from web.views.formats import clock_time
from web.words import Lang, say

MOST_TESTS: Final = 12
"""How many tests somebody may send in an hour: each may cost the operator a text message."""

CALLED: Final = FARMS | BOATS
"""Whom a household's alarms are for."""

ORDERS: Final = FARMS | {Role.BOAT_OWNER, Role.SKIPPER}
"""Who says in which order, and at which hours, the people of his household are called."""


class Ending(NamedTuple):
    """An address that its owner would end, and what that would mean."""

    contact: str
    words: str


class CallPages:
    """The order of an organisation's calls."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/calls", response_class=HTMLResponse)(self.page)
        routes.post("/calls/test")(self.test)
        return routes

    def contacts(self, request: Request) -> list[Contact]:
        """Return who is told in the visitor's organisations."""
        ours = self._doors.known(request).organisations
        known = self._services.registry.contacts()
        return [one for one in known if one.organisation in ours]

    def page(self, request: Request) -> HTMLResponse:
        """Who is told of alarms, in which order, and when nobody answers who is next."""
        return self.shown(request)

    def shown(
        self,
        request: Request,
        *,
        given: Mapping[str, str] | None = None,
        trouble: str = "",
        ending: Ending | None = None,
    ) -> HTMLResponse:
        """Return the page; ``given`` is a form that was refused, and ``trouble`` why."""
        person, lang = self._doors.person(request), lang_of(request)
        registry, now_ms = self._services.registry, self._services.now_ms()
        info, contacts = registry.get_person(person), self.contacts(request)
        mine = [one for one in contacts if one.person == person]
        names = registry.organisation_names()
        homes = {one: names.get(one, one) for one, _ in sorted(info.memberships)}
        return self._render.page(
            request,
            "calls.html",
            status=422 if trouble or ending else 200,
            now_ms=now_ms,
            households=self._households(lang, info, homes, contacts, now_ms),
            own=[
                (
                    homes.get(one.organisation, "") if len(homes) > 1 else "",
                    call_view(lang, one, info.name, person, (), now_ms),
                    bool(told_at(phone_of(request), [one])),
                )
                for one in mine
            ],
            ways=[str(one) for one in self._services.ways],
            push_key=self._services.pushing.key,
            told_here=told_at(phone_of(request), mine),
            homes=homes,
            given={"way": "", "to": "", "organisation": "", **(given or {})},
            phone=(info.phone or "").replace("+84", "0", 1),
            trouble=trouble,
            ending=ending,
            minutes=ESCALATE_MS // MINUTE_MS,
            rounds=ROUNDS,
            may_test=bool(mine),
        )

    def _households(
        self,
        lang: Lang,
        info: PersonInfo,
        homes: Mapping[str, str],
        contacts: Sequence[Contact],
        now_ms: int,
    ) -> list[HouseholdView]:
        """Return the orders of those organisations in which alarms call anybody."""
        registry = self._services.registry
        people, states = registry.names(), registry.copies_to(info.id, TESTS)
        found = []
        for home in homes:
            ours = [one for one in contacts if one.organisation == home]
            called = {
                person
                for person, where, role in registry.who_sees(home)
                if where == home and role in CALLED
            } | {one.person for one in ours}
            if not called:
                continue
            found.append(
                household_view(
                    lang,
                    (home, homes[home]),
                    ours,
                    {one: people.get(one, one) for one in called},
                    person=info.id,
                    states=states,
                    now_ms=now_ms,
                    may_order=may_order(info, home),
                )
            )
        return found

    def test(self, request: Request, csrf: Annotated[str, Form()]) -> Response:
        """Send a test to every address of the visitor's own, once a minute at most."""
        self._doors.check_form(request, csrf)
        person, lang, now_ms = (
            self._doors.person(request),
            lang_of(request),
            self._services.now_ms(),
        )
        registry = self._services.registry
        lately = [
            one
            for one in registry.copies_to(person, TESTS)
            if one.due_ms > now_ms - HOUR_MS
        ]
        if len(lately) >= MOST_TESTS:
            words = say(lang, "calls_tests_many", most=MOST_TESTS)
            return self.shown(request, trouble=words)
        copies = [
            BulletinCopy(
                id=f"{TESTS}{person}/{short_of(one.url)}/{now_ms // MINUTE_MS}",
                organisation=one.organisation,
                person=person,
                url=one.url,
                head=say(lang, "calls_test_head"),
                text=say(lang, "calls_test_text", time=clock_time(now_ms)),
                due_ms=now_ms,
            )
            for one in self.contacts(request)
            if one.person == person
        ]
        registry.save_bulletins([], copies)
        return RedirectResponse("/calls", 303)


def to_telephone(
    services: Services, visitor: Visitor, organisation: str
) -> list[PersonInfo]:
    """Return whom one of an organisation's own people may telephone, as they are called.

    Its others who have a number; nobody else learns of these.
    """
    if organisation not in visitor.organisations:
        return []
    registry = services.registry
    places = {
        one.person: one.place
        for one in reversed(registry.contacts())
        if one.organisation == organisation
    }
    others = {
        person
        for person, where, role in registry.who_sees(organisation)
        if where == organisation and role in CALLED and person != visitor.person
    }
    order = sorted(others, key=lambda one: (places.get(one, len(places)), one))
    return [one for one in map(registry.get_person, order) if one.phone]


def told_at(phone: str, mine: Sequence[Contact]) -> list[str]:
    """Return the organisations whose alarms this browser tells its owner of."""
    found = ((one.organisation, subscription_of(one.url)) for one in mine)
    return [
        home for home, one in found if one is not None and phone and one.phone == phone
    ]


def may_order(info: PersonInfo, organisation: str) -> bool:
    """Return whether somebody says in which order an organisation's people are called."""
    return any(
        where == organisation and role in ORDERS for where, role in info.memberships
    )
