"""Alarms on the farmer's phone: what, since when, what to do; taking care; the aerators."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import (
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import DAY_MS, instant, milliseconds
from greenwater.reference.alarm_rules import RULES
from greenwater.storage.registry.alarms import Alarm, AlarmStep
from greenwater.storage.registry.naming import units_of
from greenwater.storage.registry.places import UnitInfo
from web.api.pulses import Pulses
from web.api.streams import OVER, Held, Streams, holder_of
from web.api.water import Api
from web.door.doors import Doors
from web.farm.calls import CALLED, to_telephone
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.aerators import FOR_S, aerators_at
from web.views.alarms import (
    actors_of,
    alarm_view,
    changes_during,
    step_views,
    worst_first,
)
from web.views.charts import Window
from web.views.facts import Snapshots
from web.views.shown import ChartView
from web.views.unitcharts import UnitCharts
from web.views.untold import untold_line
from web.words import Lang

ORDER_MS: Final = 10 * 60 * 1000
"""How long an order to switch an aerator waits for its box."""

HALF_HOUR_MS: Final = 30 * 60 * 1000

CHART_HOURS: Final = 24
PAGE: Final = 30
PULSE_S: Final = 0.5
PING_S: Final = 15.0
LOOK_S: Final = 5.0
STILL_S: Final = 20.0
"""How often a stream asks whether its viewer is signed in still, and as what."""


class AlarmPages:
    """Alarms, links, orders, and the stream that tells open pages."""

    def __init__(
        self, services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
    ) -> None:
        self._services = services
        self._snapshots = snapshots
        self._render = render
        self._doors = doors
        self._pulses = Pulses(services.registry)
        self._api = Api(services, snapshots, doors)
        self._streams = Streams()

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/alarms", response_class=HTMLResponse)(self.alarms_page)
        routes.get("/alarms/{alarm}", response_class=HTMLResponse)(self.alarm_page)
        routes.post("/alarms/{alarm}/acknowledge")(self.acknowledge)
        routes.post("/alarms/{alarm}/shelve")(self.shelve)
        routes.post("/alarms/{alarm}/unshelve")(self.unshelve)
        routes.get("/a/{token}", response_class=HTMLResponse)(self.link_page)
        routes.post("/a/{token}", response_class=HTMLResponse)(self.link_acknowledge)
        routes.post("/units/{unit}/aerators/{probe}")(self.switch)
        routes.get("/events")(self.events)
        return routes

    def alarms_page(self, request: Request, before: int | None = None) -> HTMLResponse:
        """Alarms, those that are open first, a page of the rest (``before``, ms)."""
        mine = self._doors.mine(request)
        lang, units = lang_of(request), _units(mine)
        newest = mine.seen.alarms(limit=PAGE, before_ms=before)
        known = {one.id for one in newest}
        waiting = mine.seen.alarms(open_only=True) if before is None else ()
        shown = worst_first([*(a for a in waiting if a.id not in known), *newest])
        names = self._services.registry.names(actors_of(shown))
        views = [
            alarm_view(
                lang, one, units.get(one.unit or ""), self._services.now_ms(), names
            )
            for one in shown
        ]
        return self._render.page(
            request,
            "alarms.html",
            is_simulated=any(one.is_simulated for one in views),
            alarms=views,
            older=newest[-1].raised_ms if len(newest) == PAGE else None,
            is_called=bool(self._doors.known(request).roles & CALLED),
            may_act=self._doors.may_act(request),
        )

    def alarm_page(self, request: Request, alarm: str) -> HTMLResponse:
        """One alarm, what to do about it, and its whole history."""
        mine = self._doors.mine(request)
        found = mine.seen.get_alarm(alarm)
        lang, steps = lang_of(request), mine.seen.alarm_steps(alarm)
        changes = (
            changes_during(mine.seen.limit_changes(found.unit, found.channel), found)
            if found.unit is not None
            else ()
        )
        people = actors_of([found]) | {one.person for one in steps}
        people |= {one.became.person for one in changes}
        names = self._services.registry.names(people)
        unit = _units(mine).get(found.unit or "")
        facts = self._snapshots.now(mine)
        return self._render.page(
            request,
            "alarm.html",
            now_ms=facts.now_ms,
            is_simulated=found.is_simulated,
            alarm=alarm_view(lang, found, unit, facts.now_ms, names),
            steps=step_views(lang, steps, found, names, changes),
            aerators=aerators_at(lang, mine, facts, found.unit),
            chart=_chart(lang, mine, found, unit, facts.now_ms),
            untold=self._untold(lang, found, steps, facts.now_ms),
            may_act=self._doors.may_act(request),
            others=to_telephone(
                self._services, self._doors.known(request), found.organisation
            ),
        )

    def _untold(
        self, lang: Lang, alarm: Alarm, steps: Sequence[AlarmStep], now_ms: int
    ) -> str:
        """Return why nobody has been told, if nobody was."""
        waiting = self._services.registry.messages_waiting(alarm.id)
        names = self._services.registry.names(one.person for one in waiting)
        return untold_line(lang, alarm, steps, waiting, names, now_ms)

    def acknowledge(
        self, request: Request, alarm: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Say that the visitor takes care."""
        self._doors.check_form(request, csrf)
        person = self._doors.writer(request)
        self._doors.mine(request).seen.get_alarm(alarm)
        self._services.registry.acknowledge_alarm(
            alarm, person=person, via="page", at_ms=self._services.now_ms()
        )
        return RedirectResponse(f"/alarms/{alarm}", 303)

    def shelve(
        self,
        request: Request,
        alarm: str,
        csrf: Annotated[str, Form()],
        until: Annotated[str, Form(pattern="^(half_hour|morning)$")] = "half_hour",
    ) -> Response:
        """Put the reminders off: for half an hour, or until the morning."""
        self._doors.check_form(request, csrf)
        person, now_ms = self._doors.writer(request), self._services.now_ms()
        self._doors.mine(request).seen.get_alarm(alarm)
        until_ms = now_ms + HALF_HOUR_MS
        if until == "morning":
            until_ms = morning_after(now_ms)
        self._services.registry.shelve_alarm(
            alarm, person=person, via="page", at_ms=now_ms, until_ms=until_ms
        )
        return RedirectResponse(f"/alarms/{alarm}", 303)

    def unshelve(
        self, request: Request, alarm: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """Have people told again."""
        self._doors.check_form(request, csrf)
        person = self._doors.writer(request)
        self._doors.mine(request).seen.get_alarm(alarm)
        self._services.registry.unshelve_alarm(
            alarm, person=person, via="page", at_ms=self._services.now_ms()
        )
        return RedirectResponse(f"/alarms/{alarm}", 303)

    def link_page(self, request: Request, token: str) -> HTMLResponse:
        """Show the one alarm that a message's link stands for; nothing is changed."""
        return self._linked(request, token, done=False)

    def link_acknowledge(self, request: Request, token: str) -> HTMLResponse:
        """Acknowledge the one alarm that a message's link stands for, signed in or not."""
        link = self._services.registry.get_alarm_link(token, self._services.now_ms())
        self._services.registry.acknowledge_alarm(
            link.alarm, person=link.person, via="link", at_ms=self._services.now_ms()
        )
        return self._linked(request, token, done=True)

    def _linked(self, request: Request, token: str, *, done: bool) -> HTMLResponse:
        link = self._services.registry.get_alarm_link(token, self._services.now_ms())
        alarm = self._services.registry.get_alarm(link.alarm)
        unit = (
            None if alarm.unit is None else self._services.registry.get_unit(alarm.unit)
        )
        names = self._services.registry.names(actors_of([alarm]))
        view = alarm_view(lang_of(request), alarm, unit, self._services.now_ms(), names)
        response = self._render.page(
            request,
            "linked.html",
            is_simulated=alarm.is_simulated,
            alarm=view,
            token=token,
            done=done,
        )
        # The address is a secret: it must not travel on with what is clicked here.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def switch(
        self,
        request: Request,
        unit: str,
        probe: str,
        csrf: Annotated[str, Form()],
        on: Annotated[str, Form(pattern="^(on|off)$")],
        alarm: Annotated[str, Form(max_length=32)] = "",
    ) -> Response:
        """Order an aerator on or off; its box answers, and its current proves it."""
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        info = mine.seen.get_unit(unit)
        at_ms = self._services.now_ms()
        hung = mine.seen.deployments(unit=info.id, start_ms=at_ms, end_ms=at_ms + 1)
        device = next((one.device for one in hung if one.probe == probe), None)
        if device is None:
            raise MissingError(f"unit {unit} has no aerator {probe}")
        _order(self._services, device, probe, is_on=on == "on", at_ms=at_ms)
        if alarm:
            mine.seen.get_alarm(alarm)
            self._services.registry.note_alarm(
                alarm,
                "command_on" if on == "on" else "command_off",
                key=f"command_{on}/{probe}/{at_ms}",
                at_ms=at_ms,
                person=person,
                detail={"probe": probe},
            )
        return RedirectResponse(f"/alarms/{alarm}" if alarm else f"/units/{unit}", 303)

    async def events(
        self,
        request: Request,
        unit: Annotated[str | None, Query(max_length=100)] = None,
    ) -> StreamingResponse:
        """Tell an open page when its viewer's alarms change (server-sent events).

        The page of a ``unit`` is told what changed of its readings too (``live``). Of too
        many at once the oldest is told that it is ``over``, and why.
        """
        mine = await run_in_threadpool(self._doors.mine, request)
        if unit is not None:
            await run_in_threadpool(mine.seen.get_unit, unit)
        seen = await run_in_threadpool(lambda: mine.seen.organisations)
        holder = await run_in_threadpool(holder_of, request, self._doors)

        async def counted() -> AsyncIterator[str]:
            with self._streams.one_more(*holder) as held:
                async for told in self._told(request, held, seen, unit):
                    yield told

        return StreamingResponse(
            counted(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _told(
        self,
        request: Request,
        held: Held,
        seen: frozenset[str] | None,
        unit: str | None,
    ) -> AsyncIterator[str]:
        """Yield what a stream says, for as long as somebody listens and it is not over."""
        last, quiet_s = ("", ""), 0.0
        shown, shown_s, every_s = b"", 0.0, self._render.poll_s
        listener = _Listener(request, self._doors)
        yield "retry: 2000\n\n"
        while await listener.is_there(quiet_s):
            if held.is_over:
                yield OVER
                return
            if unit is not None and time.monotonic() - shown_s >= every_s:
                shown_s = time.monotonic()
                news = await run_in_threadpool(self._api.live, request, None, unit)
                if news.body != shown:
                    shown = bytes(news.body)
                    yield f"event: live\ndata: {shown.decode()}\n\n"
            marks = await self._pulses.now(seen)
            if marks != last or quiet_s >= PING_S:
                last, quiet_s = marks, 0.0
                told = json.dumps({"state": marks[0], "value": marks[1]})
                yield f"data: {told}\n\n"
            await asyncio.sleep(PULSE_S)
            quiet_s += PULSE_S


class _Listener:
    """Whoever has a stream open: over when he is gone, or no more signed in as he was."""

    def __init__(self, request: Request, doors: Doors) -> None:
        self._request, self._doors = request, doors
        self._known_s = time.monotonic()

    async def is_there(self, quiet_s: float) -> bool:
        """Return whether to go on; each question is asked now and then, for it takes long."""
        if quiet_s % LOOK_S < PULSE_S and await self._request.is_disconnected():
            return False
        if time.monotonic() - self._known_s < STILL_S:
            return True
        self._known_s = time.monotonic()
        return await run_in_threadpool(self._doors.is_still, self._request)


def morning_after(now_ms: int) -> int:
    """Return the next morning, as the rules of shelving have it."""
    now = instant(now_ms).astimezone(VIETNAM)
    morning = now.replace(hour=int(RULES.shelving.morning_h), minute=0, second=0)
    at_ms = milliseconds(morning.replace(microsecond=0))
    most_ms = now_ms + round(RULES.shelving.most_other_s * 1000)
    return min(at_ms if at_ms > now_ms else at_ms + DAY_MS, most_ms)


def _order(
    services: Services, device: str, probe: str, *, is_on: bool, at_ms: int
) -> None:
    try:
        services.registry.add_command(
            uuid.uuid4().hex,
            device,
            "switch",
            {"rule": probe, "on": is_on, "for_s": FOR_S},
            now_ms=at_ms,
            expires_ms=at_ms + ORDER_MS,
        )
    except ConflictError as exc:
        raise InputError(f"box {device} takes no orders: {exc}", "box_shut") from exc


def _units(services: Services) -> Mapping[str, UnitInfo]:
    return units_of(services.seen)


def _chart(
    lang: Lang,
    services: Services,
    alarm: Alarm,
    unit: UnitInfo | None,
    now_ms: int,
) -> ChartView | None:
    """Return the alarm's channel over the day around it."""
    if unit is None or alarm.channel is None:
        return None
    end_ms = min(now_ms, (alarm.cleared_ms or now_ms) + 3 * 3_600_000)
    window = Window.until(end_ms, CHART_HOURS)
    channel = Channel(alarm.channel)
    return UnitCharts(services, unit, window, lang, now_ms).view(channel)
