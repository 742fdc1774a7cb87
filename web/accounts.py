"""Signing in and out, the first page of somebody who has not, and the demo's roles."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.reference.procedures import Task
from greenwater.storage.registry.accounts import PersonInfo, Stage
from greenwater.storage.registry.people import Role
from traceability.codes import code_svg
from web.doors import Doors, safe_next
from web.formats import moment
from web.pages import Renderer, lang_of
from web.ports import Services
from web.signing import SignInError, SigningIn
from web.words import say

DEMO_ROLES: Final = (
    Role.FARMER,
    Role.BOAT_OWNER,
    Role.SKIPPER,
    Role.INSPECTOR,
    Role.OFFICER,
    Role.AUDITOR,
    Role.ADMIN,
)


class AccountPages:
    """Signing in and out; the demo's roles."""

    def __init__(
        self, services: Services, render: Renderer, doors: Doors, signing: SigningIn
    ) -> None:
        self._services = services
        self._render = render
        self._doors, self._signing = doors, signing

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/sign-in", response_class=HTMLResponse)(self.sign_in_page)
        routes.post("/sign-in")(self.sign_in)
        routes.post("/sign-out")(self.sign_out)
        routes.get("/demo", response_class=HTMLResponse)(self.demo_page)
        routes.get("/demo/label.svg")(self.demo_label)
        routes.post("/demo/{person}")(self.step_in)
        return routes

    def _page(
        self, request: Request, template: str, status: int = 200, **views: Any
    ) -> HTMLResponse:
        now_ms = milliseconds(self._services.clock.now())
        return self._render.page(
            request,
            template,
            now_ms=now_ms,
            is_simulated=self._services.is_demo,
            status=status,
            **views,
        )

    def sign_in_page(self, request: Request, next: str = "/") -> HTMLResponse:
        """Ask for telephone number and PIN or password."""
        return self._page(
            request, "sign_in.html", next=safe_next(next), trouble="", phone=""
        )

    def sign_in(
        self,
        request: Request,
        phone: Annotated[str, Form(max_length=40)],
        secret: Annotated[str, Form(max_length=200)],
        next: Annotated[str, Form(max_length=500)] = "/",
        shared: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """Open a session; where a second factor is owed, lead there."""
        is_own = not shared
        try:
            came = self._signing.sign_in(request, phone, secret, is_own=is_own)
        except SignInError as exc:
            lang = lang_of(request)
            seconds = -(-exc.wait_ms // 1000)
            key = "sign_in_wait" if seconds else "sign_in_wrong"
            trouble = say(lang, key, seconds=seconds)
            return self._page(
                request,
                "sign_in.html",
                status=422,
                next=safe_next(next),
                trouble=trouble,
                phone=phone,
            )
        there = quote(safe_next(next), safe="")
        where = {
            Stage.WHOLE: safe_next(next),
            Stage.CODE: f"/sign-in/code?next={there}",
            Stage.ENROL: f"/account/second-factor?next={there}",
        }
        response = RedirectResponse(where[came.stage], 303)
        self._doors.keep(request, response, came.token, is_own=is_own)
        return response

    def sign_out(self, request: Request, csrf: Annotated[str, Form()]) -> Response:
        """End the session."""
        self._doors.check_form(request, csrf)
        self._doors.visitor(request)
        response = RedirectResponse("/", 303)
        self._doors.sign_out(request, response)
        return response

    def demo_page(self, request: Request) -> HTMLResponse:
        """Let a visitor of the demo step into a role."""
        _only_in_demo(self._services)
        people = [
            (person, "commune" if self._is_of_commune(person) else role)
            for role in DEMO_ROLES
            for person in self._services.registry.list_people()
            if role in {held for _, held in person.memberships}
        ]
        now_ms = milliseconds(self._services.clock.now())
        return self._page(
            request,
            "demo.html",
            people=people,
            label=self._sample(),
            now=moment(lang_of(request), now_ms, now_ms),
        )

    def _is_of_commune(self, person: PersonInfo) -> bool:
        checking = self._services.registry.offices(task=Task.CHECK)
        theirs = {one for one, _ in person.memberships}
        return any(one.organisation in theirs for one in checking)

    def _sample(self) -> str:
        labels = self._services.registry.labels()
        return labels[0].uri if labels else ""

    def demo_label(self) -> Response:
        """The code of a sample label, to point a phone's camera at."""
        _only_in_demo(self._services)
        uri = self._sample()
        if not uri:
            raise MissingError("no label has been issued")
        svg = code_svg(uri, uri.partition("?")[0].rpartition("/")[2])
        return Response(svg, media_type="image/svg+xml")

    def step_in(self, request: Request, person: str) -> Response:
        """Open a session for one of the demo's people, without a secret."""
        _only_in_demo(self._services)
        known = self._services.registry.get_person(person).id
        came = self._signing.come_in(request, known, stage=Stage.WHOLE)
        response = RedirectResponse("/", 303)
        self._doors.keep(request, response, came.token)
        return response


def _only_in_demo(services: Services) -> None:
    if not services.is_demo:
        raise MissingError("this is not a demo")
