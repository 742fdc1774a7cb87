"""The demo's first page: what goes on tonight, whose role to step into, a label to scan.

It is there in a demo alone, which shows everything to anybody: all of it is simulated.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.reference.procedures import Task
from greenwater.storage.registry.accounts import PersonInfo, Stage
from greenwater.storage.registry.people import Role
from traceability.proof.codes import code_svg
from web.door.doors import Doors
from web.home import home_units
from web.pages import Renderer, lang_of
from web.people.sign_in import SigningIn
from web.ports import Services
from web.sea.fleet import boat_view
from web.views.facts import Snapshots
from web.views.formats import moment
from web.views.outlooks import bulletins_of
from web.views.seamap import Mark, sea_map
from web.words import Lang, say

ROLES: Final = (
    Role.FARMER,
    Role.BOAT_OWNER,
    Role.SKIPPER,
    Role.INSPECTOR,
    Role.OFFICER,
    Role.AUDITOR,
    Role.ADMIN,
)
URGENT: Final = {"act": 0, "look": 1, "lost": 2, "ok": 3}
MESSAGES: Final = "messages.json"
"""What the demo's gateway for text messages keeps, in the platform's folder (``Message``)."""

SHOWN: Final = 3
"""How many of them are shown, the newest first."""

ALONE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that no other machine reaches."""


class Message(Struct, frozen=True, kw_only=True):
    """A text message that came to the demo's gateway, for a number such as 84900000001."""

    to: str
    text: str
    at_ms: int


class MessageView(Struct, frozen=True):
    """A message as it is shown; ``href`` is where its link leads, on this site."""

    name: str
    at: str
    text: str
    href: str


class DemoPages:
    """The demo's stage door."""

    def __init__(
        self, services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
    ) -> None:
        self._services, self._snapshots = services, snapshots
        self._render, self._doors = render, doors
        self._signing = SigningIn(services, doors)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/demo", response_class=HTMLResponse)(self.demo_page)
        routes.get("/demo/label.svg")(self.demo_label)
        routes.get("/demo/authority.crt")(self.demo_authority)
        routes.post("/demo/{person}")(self.step_in)
        return routes

    def demo_page(self, request: Request) -> HTMLResponse:
        """What goes on, and a role for whoever comes."""
        self._only_in_demo()
        facts = self._snapshots.now(self._services)
        host = urlsplit(self._services.public_url).hostname or ""
        return self._render.page(
            request,
            "demo.html",
            now_ms=facts.now_ms,
            is_simulated=True,
            now=moment(lang_of(request), facts.now_ms, facts.now_ms),
            people=self._people(),
            label=self._sample(),
            is_alone=host in ALONE,
            speed=round(self._services.rate),
            messages=self._messages(lang_of(request), facts.now_ms),
            **self._scene(request),
        )

    def _messages(self, lang: Lang, now_ms: int) -> list[MessageView]:
        """Return what telephones got lately; none outlives the demo."""
        folder = self._services.house.folder
        path = None if folder is None else folder / MESSAGES
        if path is None or not path.exists():
            return []
        kept = msgspec.json.decode(path.read_bytes(), type=list[Message])
        names = {one.phone: one.name for one in self._services.registry.list_people()}
        ours = f"{self._services.public_url.rstrip('/')}/a/"
        found = []
        for one in reversed(kept[-SHOWN:]):
            words, _, token = one.text.partition(ours)
            found.append(
                MessageView(
                    names.get(f"+{one.to}", one.to),
                    moment(lang, one.at_ms, now_ms),
                    words,
                    f"/a/{token}" if token else "",
                )
            )
        return found

    def _scene(self, request: Request) -> dict[str, Any]:
        """Return the ponds, trouble first, tonight's sentence, and the boats."""
        lang, facts = lang_of(request), self._snapshots.now(self._services)
        units = home_units(self._services, facts, request)
        infos = {one.id: one for one in facts.units}
        told = [
            text
            for one in units
            for text in bulletins_of(self._services, facts, infos[one.view.id], lang)
        ]
        known = [boat_view(lang, facts, one) for one in facts.vessels]
        boats = sorted(
            (one for one in known if one.at), key=lambda one: URGENT[one.light.name]
        )
        marks = [
            Mark(one.at, one.light, str(number))
            for number, one in enumerate(boats, 1)
            if one.at
        ]
        return {
            "units": units,
            "tonight": told[:1],
            "boats": boats,
            "sea": sea_map(marks, alt=say(lang, "fleet_map_alt")) if marks else "",
        }

    def _people(self) -> list[tuple[PersonInfo, str]]:
        everybody = self._services.registry.list_people()
        return [
            (person, "commune" if self._is_of_commune(person) else role)
            for role in ROLES
            for person in everybody
            if role in {held for _, held in person.memberships}
        ]

    def _is_of_commune(self, person: PersonInfo) -> bool:
        checking = self._services.registry.offices(task=Task.CHECK)
        theirs = {one for one, _ in person.memberships}
        return any(one.organisation in theirs for one in checking)

    def _sample(self) -> str:
        labels = self._services.registry.labels()
        return labels[0].uri if labels else ""

    def demo_label(self) -> Response:
        """The code of a sample label, to point a phone's camera at."""
        self._only_in_demo()
        uri = self._sample()
        if not uri:
            raise MissingError("no label has been issued")
        svg = code_svg(uri, uri.partition("?")[0].rpartition("/")[2])
        return Response(svg, media_type="image/svg+xml")

    def demo_authority(self) -> Response:
        """What a phone installs to believe the demo's certificate for its week."""
        self._only_in_demo()
        authority = self._services.house.authority
        if authority is None:
            raise MissingError("this demo has no certificate of its own")
        kind = "application/x-x509-ca-cert"
        return Response(authority.read_bytes(), media_type=kind)

    def step_in(self, request: Request, person: str) -> Response:
        """Open a session for one of the demo's people, without a secret."""
        self._only_in_demo()
        known = self._services.registry.get_person(person).id
        came = self._signing.come_in(request, known, stage=Stage.WHOLE, proof=None)
        response = RedirectResponse("/", 303)
        self._doors.keep(request, response, came.token)
        return response

    def _only_in_demo(self) -> None:
        if not self._services.is_demo:
            raise MissingError("this is not a demo")
