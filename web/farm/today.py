"""The day's entries on one page: few taps, with or without scripts, network or none."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from greenwater.kernel.reading import DAY_MS
from greenwater.reference.records import Place, get_kind
from greenwater.storage.registry.books import Record
from greenwater.storage.registry.naming import units_of
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import form_time
from web.views.records import (
    FieldView,
    field_views,
    record_view,
    replaced,
    typed_fields,
    writers_of,
)
from web.words import Lang, say

QUICK: Final[Mapping[str, Sequence[str]]] = {
    "feed_use": ("product", "kg"),
    "water_measure": ("dissolved_oxygen", "temperature", "ph", "salinity"),
    "health_check": ("signs", "dead_count"),
    "drug_chem_use": ("product", "substance", "amount", "reason", "withdrawal_days"),
    "mortality_disposal": ("kg", "disposal"),
}
"""What is written every day, and the fields that stand open; the others are folded."""

AGAIN: Final = ("product", "substance", "disposal", "instrument", "method", "depth_m")
"""What is usually as it was the last time."""

NEWEST: Final = 60


@dataclass(frozen=True)
class PlaceChoice:
    """Where an entry may be for."""

    value: str
    name: str
    is_chosen: bool


@dataclass(frozen=True)
class QuickForm:
    """One kind of entry: where it may be for, its open fields and the folded ones."""

    kind: str
    name: str
    record: str
    place: str
    places: tuple[PlaceChoice, ...]
    open_fields: tuple[FieldView, ...]
    more_fields: tuple[FieldView, ...]
    known: Mapping[str, Sequence[str]]
    is_open: bool


class TodayPages:
    """``/records/today``; it must stand before ``/records/{record}``."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/records/today", response_class=HTMLResponse)(self.page)
        return routes

    def page(self, request: Request, unit: str = "", kind: str = "") -> HTMLResponse:
        """The forms of the day, what this phone has not sent, what was entered today."""
        mine, lang = self._doors.mine(request), lang_of(request)
        now_ms = self._services.now_ms()
        newest = mine.seen.newest_records(NEWEST)
        today = [one for one in newest if now_ms - one.entered_ms < DAY_MS]
        gone = replaced(newest)
        names = self._services.registry.names(writers_of(today))
        return self._render.page(
            request,
            "today.html",
            now_ms=now_ms,
            may_act=self._doors.may_act(request),
            happened=form_time(now_ms),
            forms=self._forms(mine, lang, newest, unit, kind),
            records=[record_view(lang, one, now_ms, names, gone) for one in today],
        )

    def _forms(
        self,
        mine: Services,
        lang: Lang,
        newest: Sequence[Record],
        unit: str,
        kind: str,
    ) -> list[QuickForm]:
        found = []
        for one in QUICK:
            places = _places(mine, get_kind(one).place, unit)
            if places:
                found.append(_form(lang, one, places, newest, is_open=one == kind))
        return found


def _places(mine: Services, place: Place, unit: str) -> list[PlaceChoice]:
    units = units_of(mine.seen)
    if place is Place.UNIT:
        return [
            PlaceChoice(one.id, one.name, one.id == unit)
            for one in units.values()
            if one.is_open
        ]
    return [
        PlaceChoice(
            crop.id,
            f"{units[crop.unit].name} – {crop.name}"
            if crop.unit in units
            else crop.name,
            crop.unit == unit,
        )
        for crop in mine.seen.crops()
        if crop.ended_ms is None
    ]


def _form(
    lang: Lang,
    kind: str,
    places: Sequence[PlaceChoice],
    newest: Sequence[Record],
    *,
    is_open: bool,
) -> QuickForm:
    before = [typed_fields(lang, one) for one in newest if one.kind == kind]
    last = before[0] if before else {}
    known = {
        name: list(dict.fromkeys(one[name] for one in before if name in one))[:8]
        for name in AGAIN
    }
    values: dict[str, str] = {name: last[name] for name in AGAIN if name in last}
    fields = {one.name: one for one in field_views(lang, kind, values, "", "")}
    quick = QUICK[kind]
    return QuickForm(
        kind,
        say(lang, f"record_{kind}"),
        str(uuid.uuid4()),
        get_kind(kind).place.value,
        tuple(places),
        tuple(fields[name] for name in quick),
        tuple(one for name, one in fields.items() if name not in quick),
        known,
        is_open,
    )
