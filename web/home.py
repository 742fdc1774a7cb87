"""The first page: what each kind of visitor comes for."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.reading import DAY_MS, Reading, Source, milliseconds
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.places import SiteKind
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from web.door.doors import Doors
from web.door.visitors import Visitor
from web.pages import Renderer, lang_of, whole_board
from web.ports import Services
from web.views.alarms import AlarmView, actors_of, alarm_view, worst_first
from web.views.beyond import Beyond, beyond_now, beyond_words
from web.views.board import natural, unit_view
from web.views.cards import FIRST, HAND_STALE_MS, STALE_MS, state_of, value_text
from web.views.facts import Facts, Hanging, Snapshots
from web.views.formats import age, amount
from web.views.lights import Light, light_of
from web.views.series import water_now
from web.views.shown import UnitView
from web.views.trends import EVERY_MS, PAST_MS, stale_after_ms, trend_of
from web.words import Lang, channel_name, say


@dataclass(frozen=True)
class HomeUnit:
    """One unit on the farmer's first page: the number that matters, how it goes, its age."""

    view: UnitView
    light: Light
    alarms: tuple[AlarmView, ...]
    main: str
    main_note: str
    trend: str = ""
    tonight: str = ""
    beyond: str = ""
    main_name: str = ""
    place: str = ""
    """The farm it is of, for somebody who has several."""


@dataclass(frozen=True)
class Main:
    """The number that matters most at a unit, and what came before it."""

    hanging: Hanging
    reading: Reading
    buckets: Sequence[Bucket]


def main_of(services: Services, hanging: Sequence[Hanging], now_ms: int) -> Main | None:
    """Return the first channel that people look for: of oxygen, the lowest of all depths.

    What probes measure goes before what was read by hand.
    """
    probes = [one for one in hanging if one.source is not Source.HAND] or hanging
    for channel in FIRST:
        found = [
            (one, reading)
            for one in probes
            for reading in (*one.readings, *one.derived)
            if reading.channel is channel and reading.value is not None
        ]
        if not found:
            continue
        newest_ms = max(reading.taken_ms for _, reading in found)
        young = [pair for pair in found if newest_ms - pair[1].taken_ms < STALE_MS]
        one, reading = min(young, key=lambda pair: pair[1].value or 0.0)
        series = Series(one.deployed.device, one.deployed.probe)
        start_ms = max(now_ms - PAST_MS, one.deployed.from_ms)
        span = Span(series, start_ms, now_ms + 1)
        water = water_now(services, hanging)
        buckets = water.downsample(span, channel, EVERY_MS)
        return Main(one, reading, buckets)
    return None


def home_units(services: Services, facts: Facts, request: Request) -> list[HomeUnit]:
    """Return the visitor's units, those with trouble first."""
    lang = lang_of(request)
    alarms = worst_first(services.seen.alarms(open_only=True))
    names = services.registry.names(actors_of(alarms))
    tonight = _tonight(services, lang, facts.now_ms)
    places = _places(facts)
    order = {"act": 0, "lost": 1, "look": 2, "ok": 3}
    found = []
    for unit in sorted(facts.units, key=lambda one: natural(one.name)):
        ours = [one for one in alarms if one.unit == unit.id]
        view = unit_view(lang, facts, unit)
        main = main_of(services, facts.in_units.get(unit.id, ()), facts.now_ms)
        words = MainWords("", "", "", "", view.state)
        if main is not None:
            words = main_words(lang, main, facts.now_ms)
        beyond = beyond_now(services, facts, unit)
        found.append(
            HomeUnit(
                view,
                Light("lost", "none")
                if main is None and not ours
                else light_of(ours, words.state, is_beyond=beyond is not None),
                tuple(alarm_view(lang, a, unit, facts.now_ms, names) for a in ours),
                words.value,
                words.age,
                words.trend,
                tonight.get(unit.id, ""),
                _beyond(lang, beyond, ours, facts.now_ms),
                words.name,
                places.get(unit.site, ""),
            )
        )
    return sorted(found, key=lambda one: order[one.light.name])


def _places(facts: Facts) -> dict[str, str]:
    """Return the names of the farms, if there are several: two may have a first pond."""
    if len({one.site for one in facts.units}) < 2:
        return {}
    return {one.id: one.name for one in facts.sites}


def _beyond(
    lang: Lang, beyond: Beyond | None, alarms: Sequence[Alarm], now_ms: int
) -> str:
    """Return what is past its limit, unless an alarm says so already."""
    if beyond is None:
        return ""
    channel = beyond.reading.channel
    is_told = any(one.is_active and one.channel == channel for one in alarms)
    return "" if is_told else beyond_words(lang, beyond, now_ms)


@dataclass(frozen=True)
class MainWords:
    """The number that matters in words, its channel first; ``state`` is that of a card."""

    name: str
    value: str
    age: str
    trend: str
    state: str


def main_words(lang: Lang, main: Main, now_ms: int) -> MainWords:
    """Return what a card says of its number; an old one has no trend."""
    reading = main.reading
    name = channel_name(lang, reading.channel, is_short=True)
    told = age(lang, reading.taken_ms, now_ms)
    value = f"{name} {value_text(lang, reading)}"
    is_hand = main.hanging.source is Source.HAND
    if is_hand:
        told = f"{say(lang, 'chart_by_hand')}, {told}"
    if reading in main.hanging.derived:
        told = f"{say(lang, 'worked_out')}, {told}"
    stale_ms = HAND_STALE_MS if is_hand else stale_after_ms(main.buckets)
    state = state_of(reading.taken_ms, now_ms, stale_ms=stale_ms)
    if state != "fresh":
        return MainWords(name, value, say(lang, "stale", age=told), "", state)
    trend = trend_of(reading.channel, main.buckets)
    if trend is None or is_hand:
        return MainWords(name, value, told, "", state)
    change = amount(lang, reading.channel, abs(trend.per_h))
    words = say(lang, f"trend_{trend.way}", change=change)
    return MainWords(name, value, told, f"{trend.mark} {words}", state)


def _tonight(services: Services, lang: Lang, now_ms: int) -> dict[str, str]:
    """Return the newest sentence about each unit's night, of the last day."""
    found = services.seen.bulletins(from_ms=now_ms - DAY_MS)
    return {one.unit: lang.of(one) for one in reversed(found)}


def _elsewhere(visitor: Visitor) -> str:
    """Return the page that somebody who keeps no farm comes for, if there is one."""
    if visitor.administers and visitor.roles == {Role.ADMIN} and visitor.person:
        return "/admin"
    if visitor.inspects:
        return "/check"
    if visitor.is_of_boats:
        return "/vessels"
    is_of_office = visitor.roles == {Role.AUDITOR} or visitor.is_of_commune
    return "/dossiers" if is_of_office else ""


def home_routes(
    services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
) -> APIRouter:
    """Return the route of the first page."""
    routes = APIRouter()

    @routes.get("/", response_class=HTMLResponse)
    def first_page(request: Request) -> Response:
        """Lead each visitor to what he comes for."""
        visitor = doors.visitor(request)
        if visitor is None:
            if services.is_demo:
                return RedirectResponse("/demo", 303)
            return render.page(
                request,
                "landing.html",
                now_ms=milliseconds(services.clock.now()),
                is_simulated=False,
            )
        elsewhere = _elsewhere(visitor)
        if elsewhere:
            return RedirectResponse(elsewhere, 303)
        mine = doors.mine(request)
        facts = snapshots.now(mine)
        if not visitor.keeps_books or visitor.person is None:
            return whole_board(request, mine, facts, render)
        units = home_units(mine, facts, request)
        return render.page(
            request,
            "home.html",
            now_ms=facts.now_ms,
            is_simulated=any(one.view.is_simulated for one in units),
            units=units,
            may_add=visitor.farms,
            farms=[
                one
                for one in facts.sites
                if visitor.farms and one.kind is SiteKind.FARM
            ],
        )

    return routes
