"""The administrator's pages of what was kept aside, and of what was done: quarantine, audit."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.audit import PAGE, Noted
from greenwater.storage.registry.quarantine import InQuarantine
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import moment
from web.words import WORDS, Lang, say

SHOWN_BYTES: Final = 512


@dataclass(frozen=True)
class NotedView:
    """One line of the audit log."""

    number: int
    at: str
    who: str
    act: str
    subject: str
    outcome: str
    session: str


@dataclass(frozen=True)
class EntryView:
    """One entry of quarantine."""

    id: int
    device: str
    at: str
    kind: str
    size: int
    reason: str
    state: str


class AdminLogPages:
    """Quarantine and the audit log."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors = render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/admin/quarantine", response_class=HTMLResponse)(self.quarantine)
        routes.get("/admin/quarantine/{entry}", response_class=HTMLResponse)(self.entry)
        routes.post("/admin/quarantine/{entry}/replay")(self.replay)
        routes.get("/admin/audit", response_class=HTMLResponse)(self.audit)
        return routes

    def quarantine(
        self,
        request: Request,
        before: Annotated[int | None, Query(ge=0)] = None,
        device: Annotated[str, Query(max_length=64)] = "",
    ) -> HTMLResponse:
        """What could not become a reading, newest first."""
        self._doors.administrator(request)
        lang, now_ms = lang_of(request), self._services.now_ms()
        found = self._registry.newest_quarantine(before=before, device=device or None)
        return self._render.page(
            request,
            "admin_quarantine.html",
            entries=[_entry(lang, one, now_ms) for one in found],
            device=device,
            next=found[-1].id if len(found) == PAGE else None,
        )

    def entry(self, request: Request, entry: int) -> HTMLResponse:
        """One entry with the beginning of its bytes."""
        self._doors.administrator(request)
        one, lang = self._registry.get_quarantined(entry), lang_of(request)
        raw = (one.raw or b"")[:SHOWN_BYTES]
        return self._render.page(
            request,
            "admin_entry.html",
            one=_entry(lang, one, self._services.now_ms()),
            topic=one.topic,
            told=getattr(request.state, "verdict", ""),
            text=raw.decode("utf-8", "backslashreplace"),
            has_bytes=one.raw is not None,
            may_replay=one.raw is not None and self._services.house.replay is not None,
        )

    def replay(
        self, request: Request, entry: int, csrf: Annotated[str, Form()]
    ) -> HTMLResponse:
        """Take an entry in again; say what became of it."""
        self._doors.check_form(request, csrf)
        self._doors.administrator(request)
        self._registry.get_quarantined(entry)
        again = self._services.house.replay
        if again is None:
            raise InputError(
                "this site cannot replay: use greenwater quarantine replay", "no_replay"
            )
        request.state.verdict = "; ".join(verdict for _, verdict in again([entry]))
        return self.entry(request, entry)

    def audit(
        self,
        request: Request,
        before: Annotated[int | None, Query(ge=0)] = None,
        act: Annotated[str, Query(max_length=40)] = "",
        person: Annotated[str, Query(max_length=64)] = "",
        outcome: Annotated[str, Query(max_length=10)] = "",
    ) -> HTMLResponse:
        """The audit log, newest first, by act, person and outcome."""
        self._doors.administrator(request)
        lang, names = lang_of(request), self._registry.names()
        found = self._registry.noted(
            act=act or None,
            person=person or None,
            outcome=outcome or None,
            before=before,
        )
        keys = [one for one in WORDS[lang] if one.startswith("act_")]
        return self._render.page(
            request,
            "admin_audit.html",
            lines=[
                noted_view(lang, one, names, self._services.now_ms()) for one in found
            ],
            acts=sorted((act_name(lang, key[4:]), key[4:]) for key in keys),
            people=sorted((name, one) for one, name in names.items()),
            outcomes=[(one, say(lang, f"outcome_{one}")) for one in OUTCOMES],
            chosen=(act, person, outcome),
            next=found[-1].number if len(found) == PAGE else None,
        )


OUTCOMES: Final = ("done", "refused", "failed")


def act_name(lang: Lang, act: str) -> str:
    """Return an act in words."""
    return WORDS[lang].get(f"act_{act}", act)


def noted_view(lang: Lang, one: Noted, names: dict[str, str], now_ms: int) -> NotedView:
    """Return one line of the audit log."""
    who = say(lang, "nobody_known") if one.session != "cli" else say(lang, "at_machine")
    return NotedView(
        one.number,
        moment(lang, one.at_ms, now_ms),
        names.get(one.person or "", who),
        act_name(lang, one.act),
        one.subject,
        say(lang, f"outcome_{one.outcome}"),
        one.session,
    )


def _entry(lang: Lang, one: InQuarantine, now_ms: int) -> EntryView:
    state = "" if one.has_bytes else say(lang, "quarantine_bytes_gone")
    if one.replayed_ms is not None:
        time = moment(lang, one.replayed_ms, now_ms)
        state = say(lang, "quarantine_replayed", time=time)
    return EntryView(
        one.id,
        one.device,
        moment(lang, one.received_ms, now_ms),
        one.kind,
        one.size,
        one.reason,
        state,
    )
