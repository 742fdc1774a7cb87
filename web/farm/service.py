"""Out of service for maintenance: what, until when, who and why; ended before its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import HOUR_MS
from greenwater.reference.aerators import MONITOR
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.registry.out_of_service import OutOfService
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.cards import aerator_name
from web.views.formats import moment
from web.views.refused import refused
from web.words import Lang, say

HOURS: Final = (1, 4, 12, 24, 72)
"""For how long something may be taken out of service on the page."""


@dataclass(frozen=True)
class OutView:
    """One thing that is out of service."""

    number: int
    what: str
    until: str
    why: str


@dataclass(frozen=True)
class ProbeChoice:
    """One probe that may be taken out of service."""

    value: str
    name: str


class ServicePages:
    """What is out of service in a unit."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/units/{unit}/service", response_class=HTMLResponse)(self.page)
        routes.post("/units/{unit}/service")(self.begin)
        routes.post("/units/{unit}/service/end")(self.end)
        return routes

    def page(self, request: Request, unit: str) -> HTMLResponse:
        """What is out of service here, and a form to take something out."""
        return self._page(request, unit, {})

    def _page(
        self, request: Request, unit: str, given: Mapping[str, str], trouble: str = ""
    ) -> HTMLResponse:
        mine, lang, now_ms = (
            self._doors.mine(request),
            lang_of(request),
            self._services.now_ms(),
        )
        info = mine.seen.get_unit(unit)
        hung, names = self._hung(mine, unit), self._services.registry.names()
        return self._render.page(
            request,
            "service.html",
            status=422 if trouble else 200,
            given={"what": "", "hours": "4", "reason": "", **given},
            trouble=trouble,
            now_ms=now_ms,
            unit=info.name,
            href=f"/units/{unit}",
            out=[
                OutView(
                    one.number,
                    _what(lang, one, info.name),
                    say(
                        lang,
                        "service_until",
                        time=moment(lang, one.until_ms, now_ms),
                        name=names.get(one.person, say(lang, "somebody")),
                    ),
                    one.reason,
                )
                for one in self._out(mine, unit, hung, now_ms)
            ],
            probes=self._choices(lang, mine, hung),
            may_act=self._doors.may_act(request),
        )

    def _hung(self, mine: Services, unit: str) -> Sequence[Deployed]:
        now_ms = self._services.now_ms()
        return mine.seen.deployments(unit=unit, start_ms=now_ms, end_ms=now_ms + 1)

    @staticmethod
    def _choices(
        lang: Lang, mine: Services, hung: Sequence[Deployed]
    ) -> list[ProbeChoice]:
        profiles = {
            (one.device, one.id): one.profile for one in mine.seen.list_probes()
        }
        return [
            ProbeChoice(
                f"{one.device}/{one.probe}",
                aerator_name(lang, one.probe)
                if profiles.get((one.device, one.probe)) == MONITOR
                else say(lang, "service_probe", name=one.probe),
            )
            for one in hung
        ]

    @staticmethod
    def _out(
        mine: Services, unit: str, hung: Sequence[Deployed], now_ms: int
    ) -> list[OutOfService]:
        here: set[tuple[str | None, str | None]]
        here = {(one.device, one.probe) for one in hung}
        return [
            one
            for one in mine.seen.out_of_service(now_ms + 1)
            if one.from_ms <= now_ms
            and (one.unit == unit or (one.device, one.probe) in here)
        ]

    def begin(
        self,
        request: Request,
        unit: str,
        csrf: Annotated[str, Form()],
        what: Annotated[str, Form(max_length=140)] = "",
        hours: Annotated[int, Form()] = 4,
        reason: Annotated[str, Form(max_length=400)] = "",
    ) -> Response:
        """Take a unit, or one probe in it, out of service."""
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        mine.seen.get_unit(unit)
        now_ms = self._services.now_ms()
        if hours not in HOURS:
            raise InputError(f"{hours} hours are none of {HOURS}", "form_old")
        device, _, probe = what.partition("/")
        hung = {(one.device, one.probe) for one in self._hung(mine, unit)}
        if what and (device, probe) not in hung:
            raise MissingError(f"no probe {what} hangs in {unit}")
        try:
            self._services.registry.take_out_of_service(
                unit=None if what else unit,
                device=device or None,
                probe=probe or None,
                person=person,
                reason=reason,
                from_ms=now_ms,
                until_ms=now_ms + hours * HOUR_MS,
            )
        except InputError as exc:
            given = {"what": what, "hours": str(hours), "reason": reason}
            words = refused(lang_of(request), exc)
            return self._page(request, unit, given, words)
        return RedirectResponse(f"/units/{unit}/service", 303)

    def end(
        self, request: Request, unit: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Put all that is out of service in a unit back into service."""
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        mine.seen.get_unit(unit)
        now_ms = self._services.now_ms()
        for one in self._out(mine, unit, self._hung(mine, unit), now_ms):
            self._services.registry.end_out_of_service(
                one.number, person=person, at_ms=now_ms
            )
        return RedirectResponse(f"/units/{unit}", 303)


def _what(lang: Lang, one: OutOfService, unit: str) -> str:
    return unit if one.probe is None else say(lang, "service_probe", name=one.probe)
