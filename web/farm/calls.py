"""Who is called first and next, and a message to oneself to hear whether it rings."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from analytics.alarms.calling import ESCALATE_MS, ROUNDS
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.bulletins import BulletinCopy
from greenwater.storage.registry.contacts import Contact
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.calls import call_view, short_of
from web.views.formats import MINUTE_MS, clock_time
from web.words import say

TESTS: Final = "test/"
"""What the ids of such messages begin with."""


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

    def _now_ms(self) -> int:
        return milliseconds(self._services.clock.now())

    def _contacts(self, request: Request) -> list[Contact]:
        ours = self._doors.known(request).organisations
        known = self._services.registry.contacts()
        return [one for one in known if one.organisation in ours]

    def page(self, request: Request) -> HTMLResponse:
        """Who is told of alarms, in which order, and when nobody answers who is next."""
        person, lang = self._doors.person(request), lang_of(request)
        registry, now_ms = self._services.registry, self._now_ms()
        names, contacts = registry.names(), self._contacts(request)
        states = registry.copies_to(person, TESTS)
        return self._render.page(
            request,
            "calls.html",
            now_ms=now_ms,
            is_simulated=False,
            calls=[
                call_view(
                    lang, one, names.get(one.person, one.person), person, states, now_ms
                )
                for one in contacts
            ],
            minutes=ESCALATE_MS // MINUTE_MS,
            rounds=ROUNDS,
            may_test=any(one.person == person for one in contacts),
        )

    def test(self, request: Request, csrf: Annotated[str, Form()]) -> Response:
        """Send a test to every address of the visitor's own, once a minute at most."""
        self._doors.check_form(request, csrf)
        person, lang, now_ms = (
            self._doors.person(request),
            lang_of(request),
            self._now_ms(),
        )
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
            for one in self._contacts(request)
            if one.person == person
        ]
        self._services.registry.save_bulletins([], copies)
        return RedirectResponse("/calls", 303)
