"""The administrator's pages: how the system is, and devices."""

import shutil
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from greenwater.kernel.errors import ConflictError, InputError, PlatformError
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.reading import DAY_MS
from greenwater.storage.registry.devices import DeviceInfo
from greenwater.storage.registry.pulses import BACKUP, Pulse
from traceability.told import book_device
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.people.adminlogs import act_name
from web.people.second_factor import qr
from web.ports import Services
from web.views.finding import find
from web.views.formats import age, moment, number
from web.views.refused import refused
from web.words import Lang, say

MB: Final = 2**20
LOW_MB: Final = 500
SILENT_S: Final = 60.0
"""After so long without a sign of life, in real time, a service is not well."""

LAG_S: Final = 30
BACKUP_MS: Final = 7 * DAY_MS
"""Boxes keep for so long what was acknowledged: an older backup may miss some of it."""

Place = Annotated[str, Form(max_length=64)]


@dataclass(frozen=True)
class DeviceView:
    """A box as the administrator sees it."""

    id: str
    name: str
    place: str
    heard: str
    state: str
    waiting: str
    troubles: str
    is_revoked: bool
    is_online: bool


def _urgency(one: DeviceView) -> int:
    """Return where a box stands: the silent and the ill first, the revoked last."""
    if one.is_revoked:
        return 3
    return 0 if not one.is_online else 1 if one.troubles else 2


def _told(one: DeviceView) -> str:
    return f"{one.name} {one.id} {one.place}"


class AdminPages:
    """Health and devices."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors = render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/admin", response_class=HTMLResponse)(self.health)
        routes.get("/admin/devices", response_class=HTMLResponse)(self.devices)
        routes.post("/admin/devices")(self.add_device)
        routes.post("/admin/devices/{device}/renew")(self.renew)
        routes.post("/admin/devices/{device}/revoke")(self.revoke)
        return routes

    def health(self, request: Request) -> HTMLResponse:
        """What is well and what is not: databases, disk, boxes, alarms of the platform."""
        self._doors.administrator(request)
        lang, now_ms = lang_of(request), self._services.now_ms()
        counts = self._registry.noted_since(now_ms - DAY_MS)
        return self._render.page(
            request,
            "admin.html",
            facts=[
                *self._stores(lang),
                *self._services_facts(lang, now_ms),
                *self._boxes(lang, now_ms),
            ],
            alarms=[
                (
                    one.kind,
                    one.subject,
                    one.message,
                    moment(lang, one.raised_ms, now_ms),
                )
                for one in self._registry.operator_alarms()
            ],
            acts=sorted((act_name(lang, act), many) for act, many in counts.items()),
        )

    def _stores(self, lang: Lang) -> list[tuple[str, str, bool]]:
        """Return (what, how it is, whether it is well)."""
        facts = [(say(lang, "health_registry"), say(lang, "health_answers"), True)]
        try:
            self._services.telemetry.latest(DeviceId("no-such-device"))
            told = say(lang, "health_answers"), True
        except PlatformError:
            told = say(lang, "refused_silent"), False
        facts.append((say(lang, "health_telemetry"), *told))
        folder = self._services.house.folder
        if folder is not None:
            free_mb = shutil.disk_usage(folder).free // MB
            text = say(lang, "health_free", gb=number(lang, free_mb / 1000, 1))
            facts.append((say(lang, "health_disk"), text, free_mb >= LOW_MB))
        return facts

    def _services_facts(self, lang: Lang, now_ms: int) -> list[tuple[str, str, bool]]:
        """Return what ingest last said of itself, and when the last backup was made."""
        pulses = {one.name: one for one in self._registry.pulses()}
        backup = pulses.pop(BACKUP, None)
        found = [
            self._ingest_fact(lang, one, now_ms)
            for one in pulses.values()
            if one.name.startswith("ingest")
        ]
        if not found:
            found = [(say(lang, "health_ingest"), say(lang, "never"), False)]
        told = say(lang, "health_no_backup")
        is_recent = backup is not None and now_ms - backup.at_ms < BACKUP_MS
        if backup is not None:
            mb = max(1, int(backup.facts["bytes"]) // MB)
            told = say(
                lang, "health_backed_up", time=moment(lang, backup.at_ms, now_ms), mb=mb
            )
        is_well = is_recent or self._services.is_demo
        return [*found, (say(lang, "health_backup"), told, is_well)]

    def _ingest_fact(
        self, lang: Lang, one: Pulse, now_ms: int
    ) -> tuple[str, str, bool]:
        silent_s = (now_ms - one.at_ms) / 1000
        if self._services.is_demo:  # whose clock runs faster than ingest does
            silent_s = self._services.clock.real_seconds(silent_s)
        lag_s, queue = int(one.facts["lag_s"]), int(one.facts["queue"])
        name = say(lang, "health_ingest") + one.name.removeprefix("ingest")
        heard = age(lang, one.at_ms, now_ms)
        text = say(lang, "health_beat", age=heard, queue=queue, lag=lag_s)
        return name, text, silent_s < SILENT_S and lag_s < LAG_S

    def _boxes(self, lang: Lang, now_ms: int) -> list[tuple[str, str, bool]]:
        """Return how the boxes do. One aboard without a network is at sea: all is well."""
        devices, statuses = self._heard_devices(), self._registry.statuses()
        boxes = {one.id: one for one in devices if one.state is DeviceState.ACTIVE}
        alive = boxes.keys()
        heard_of = {one for one, told in statuses.items() if told.status.online}
        gone = alive - heard_of
        waiting = sum(
            told.status.outbox_depth or 0
            for one, told in statuses.items()
            if one in alive
        )
        heard = max((told.received_ms for told in statuses.values()), default=None)
        rested = self._registry.quarantined_since(now_ms - DAY_MS)
        untold = len(self._registry.undelivered(now_ms - DAY_MS))
        return [
            (
                say(lang, "health_boxes"),
                say(
                    lang, "health_online", online=len(alive & heard_of), all=len(alive)
                ),
                all(boxes[one].vessel is not None for one in gone),
            ),
            (
                say(lang, "health_heard"),
                say(lang, "never") if heard is None else age(lang, heard, now_ms),
                True,
            ),
            (
                say(lang, "health_waiting"),
                say(lang, "health_readings", count=waiting),
                True,
            ),
            (
                say(lang, "health_quarantine"),
                say(lang, "health_entries", count=rested),
                rested == 0,
            ),
            (
                say(lang, "health_untold"),
                say(lang, "health_messages", count=untold),
                untold == 0,
            ),
        ]

    def _heard_devices(self) -> list[DeviceInfo]:
        """Return all devices but those that stand for a book: they never call."""
        return [
            one
            for one in self._registry.list_devices()
            if one.id
            not in (book_device(one.site or ""), book_device(one.vessel or ""))
        ]

    def devices(self, request: Request) -> HTMLResponse:
        """Every box with its health, and a form to add one."""
        self._doors.administrator(request)
        return self._devices(request)

    def _devices(
        self,
        request: Request,
        new: tuple[str, str, Markup] | None = None,
        trouble: str = "",
        left: str = "",
    ) -> HTMLResponse:
        lang, now_ms = lang_of(request), self._services.now_ms()
        statuses, views = self._registry.statuses(), []
        sites = self._registry.sites()
        names = {one.id: one.name for one in sites}
        for one in self._heard_devices():
            told = statuses.get(one.id)
            status = None if told is None else told.status
            views.append(
                DeviceView(
                    one.id,
                    one.name,
                    names.get(one.place, one.place),
                    _heard(lang, told.received_ms if told else None, now_ms),
                    say(lang, _state(one.state, bool(status and status.online))),
                    str(status.outbox_depth or 0) if status else "",
                    ", ".join(status.unhealthy) if status else "",
                    one.state == DeviceState.REVOKED,
                    bool(status and status.online),
                )
            )
        return self._render.page(
            request,
            "admin_devices.html",
            status=422 if trouble else 200,
            devices=find(
                sorted(views, key=_urgency), request.query_params.get("q", ""), _told
            ),
            new=new,
            trouble=trouble or left,
            sites=[(one.id, one.name) for one in sites],
            vessels=[
                (one.id, one.name)
                for one in self._registry.vessels()
                if one.is_in_service
            ],
        )

    def add_device(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        device: Place = "",
        name: Annotated[str, Form(max_length=200)] = "",
        place: Place = "",
    ) -> HTMLResponse:
        """Register a box; show its password and a code to enrol it with, this once."""
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        request.state.subject = f"device={device} place={place}"
        kind, _, where = place.partition("/")
        try:
            password = self._registry.add_device(
                device,
                name=name,
                site=where if kind == "site" else None,
                vessel=where if kind == "vessel" else None,
                now_ms=self._services.now_ms(),
            )
        except (InputError, ConflictError) as exc:
            return self._devices(request, trouble=refused(lang_of(request), exc))
        if password is None:
            trouble = say(lang_of(request), "device_there", name=device)
            return self._devices(request, trouble=trouble)
        left = self._permit(request)
        enrolment = self._enrolment(request, device, password)
        return self._devices(request, enrolment, left=left)

    def _enrolment(
        self, request: Request, device: str, password: str
    ) -> tuple[str, str, Markup]:
        """Return what a box is enrolled with: the head of its ``edge.toml``, and a code."""
        lines = (
            f'device = "{device}"',
            f'broker_url = "{self._services.house.broker_url}"',
            f"# password: {password}",
        )
        text = "\n".join(lines)
        return device, text, qr(text, say(lang_of(request), "device_enrol"))

    def _permit(self, request: Request) -> str:
        """Have the broker told; return in words that somebody must still do it."""
        permit = self._services.house.permit
        if permit is None or not permit():
            return ""
        return say(lang_of(request), "broker_left")

    def renew(
        self, request: Request, device: str, csrf: Annotated[str, Form()]
    ) -> HTMLResponse:
        """Give a box another password and show it, this once."""
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        password = self._registry.renew_password(device)
        left = self._permit(request)
        enrolment = self._enrolment(request, device, password)
        return self._devices(request, enrolment, left=left)

    def revoke(
        self,
        request: Request,
        device: str,
        csrf: Annotated[str, Form()],
        sure: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """Shut a box out for good; its readings stay."""
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        self._registry.get_device(device)
        if not sure:
            raise InputError(
                f"{device} is shut out for good: tick that you are sure", "sure_shut"
            )
        self._registry.revoke_device(device, self._services.now_ms())
        if left := self._permit(request):
            return self._devices(request, left=left)
        return RedirectResponse("/admin/devices", 303)


def _heard(lang: Lang, at_ms: int | None, now_ms: int) -> str:
    if at_ms is None:
        return say(lang, "device_unheard")
    return say(lang, "device_heard", time=age(lang, at_ms, now_ms))


def _state(state: DeviceState, is_online: bool) -> str:
    if state is DeviceState.REVOKED:
        return "device_revoked"
    return "device_online" if is_online else "device_offline"
