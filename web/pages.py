"""The pages, as HTML."""

import hashlib
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.places import UnitInfo
from web.assets import STATIC
from web.door.doors import Doors
from web.door.policies import with_images
from web.door.returning import LOOKING, same_with
from web.door.visitors import Visitor
from web.ports import Services
from web.views import series, tracks
from web.views.board import UNITS_ON_ONE_PAGE, board
from web.views.boatpapers import endings, states_of
from web.views.cards import STALE_MS
from web.views.charts import PERIODS, Window
from web.views.drawn import vessel_view
from web.views.facts import Facts, Snapshots
from web.views.finding import find
from web.views.formats import clock_time, day
from web.views.shown import ChartView, Frame, Link, Period, Phone, VesselView
from web.views.unitcharts import BOARD_HOURS, main_chart
from web.views.urgent import urgent_of
from web.words import WORDS, Lang, say

THEMES: Final = ("light", "dark")
PHONE_WORDS: Final = (
    "phone_unsent", "phone_stay", "phone_saved", "phone_sent", "phone_kept", "phone_kept_age",
    "phone_old", "phone_waits", "phone_refused", "phone_conflict", "phone_conflict_see",
    "phone_edit", "phone_drop", "phone_drop_sure", "phone_sign_in", "phone_photos",
    "phone_photo_refused", "phone_no_photo", "field_missing", "not_saved",
)  # fmt: skip
"""What a phone says by itself (``book.js``)."""

_YEAR_S: Final = 31_536_000
_SHORTEST_POLL_S, _LONGEST_POLL_S, _WORTH_POLLING_S = 2.0, 10.0, 60.0


def lang_of(request: Request) -> Lang:
    """Return the language asked for now (``?lang=en``), or before, or Vietnamese."""
    wanted = request.query_params.get("lang") or request.cookies.get("lang")
    return Lang.EN if wanted == Lang.EN else Lang.VI


def theme_of(request: Request) -> str:
    """Return ``light`` or ``dark`` if that was chosen; empty: as the machine has it."""
    wanted = request.query_params.get("theme") or request.cookies.get("theme", "")
    return wanted if wanted in THEMES else ""


def hours_of(request: Request, default: int = BOARD_HOURS) -> int:
    """Return the period asked for, if it is one that there is."""
    text = request.query_params.get("hours", "")
    hours = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    return hours if hours in PERIODS else default


def ways_of(visitor: Visitor | None) -> list[tuple[str, str]]:
    """Return where a visitor may go: (word, address)."""
    if visitor is None:
        return [("way_check", "/check")]
    if visitor.administers and visitor.roles == {Role.ADMIN} and visitor.person:
        return [("way_check", "/check")]
    farm = [("way_home", "/"), ("way_alarms", "/alarms"), ("way_records", "/records")]
    if visitor.is_of_boats:
        boats = [("way_fleet", "/fleet"), ("way_boats", "/vessels")]
        return [*boats, ("way_alarms", "/alarms"), ("way_check", "/check")]
    if visitor.keeps_books:
        boats = [("way_boats", "/vessels")] if visitor.has_boats_too else []
        return [*farm, *boats, ("way_check", "/check")]
    dossiers, check = ("way_dossiers", "/dossiers"), ("way_check", "/check")
    if visitor.roles == {Role.AUDITOR} or visitor.is_of_commune:
        return [dossiers, check]
    own = [dossiers] if Role.OFFICER in visitor.roles else []
    own += [("way_inspections", "/inspections")] if visitor.inspects else []
    all_ = [("way_board", "/board"), ("way_fleet", "/fleet"), ("way_alarms", "/alarms")]
    return [check, *all_, ("way_areas", "/areas"), *own]


def own_ways(visitor: Visitor | None) -> list[tuple[str, str]]:
    """Return the ways to a visitor's own account, and to the administrator's pages."""
    if visitor is None or visitor.person is None:
        return []
    admin = [("way_admin", "/admin")] if visitor.administers else []
    return [*admin, ("way_account", "/account")]


def boats_way(visitor: Visitor | None) -> tuple[str, str]:
    """Return where one boat's page leads back to, for whoever looks: (address, word)."""
    if visitor is not None and visitor.is_of_boats:
        return "/vessels", "way_boats"
    return "/board", "home"


def farms_way(visitor: Visitor | None) -> tuple[str, str]:
    """Return where one unit's page leads back to, for whoever looks: (address, word)."""
    if visitor is not None and visitor.keeps_books:
        return "/", "way_home"
    return "/board", "home"


def is_at(here: str, href: str) -> bool:
    """Return whether a page is the one of a way, or below it."""
    return here == href or (href != "/" and here.startswith(f"{href}/"))


def themes(request: Request, lang: Lang) -> tuple[Link, ...]:
    """Return how the site may look, as the machine has it first."""
    chosen = theme_of(request)
    return tuple(
        Link(
            say(lang, f"theme_{name or 'auto'}"),
            same_with(request, "theme", name or "auto"),
            name == chosen,
        )
        for name in ("", *THEMES)
    )


class Renderer:
    """Templates, and what surrounds every page."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._services, self._doors = services, doors
        self._templates = Environment(
            loader=PackageLoader("web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        plot = STATIC / "vendor" / "uplot"
        self._has_plot = (plot / "uPlot.iife.min.js").is_file()
        self.version = _digest(sorted(STATIC.glob("*.*")))

    def page(
        self,
        request: Request,
        template: str,
        *,
        now_ms: int | None = None,
        is_simulated: bool | None = None,
        status: int = 200,
        live: str = "",
        has_map: bool = False,
        **views: Any,
    ) -> HTMLResponse:
        """Return a page of this instant, or of ``now_ms`` where its data are of that.

        ``is_simulated`` is told of what is on it, where that is not the demo's word for
        all. ``live`` is where a script asks for what changed.
        One that ``has_map`` may load the pictures of the ground that an operator named.
        """
        lang = lang_of(request)
        now_ms = self._services.now_ms() if now_ms is None else now_ms
        if is_simulated is None:
            is_simulated = self._services.is_demo
        frame = Frame(
            lang,
            say(lang, "title"),
            same_with(request, "lang", lang.other),
            say(lang, "switch"),
            say(lang, "updated", time=f"{clock_time(now_ms)}, {day(now_ms)}"),
            is_simulated,
            round(self.poll_s * 1000),
            live,
            self._has_plot,
            self.version,
            dict(WORDS[lang]),
            **self._about(request, lang),
        )

        def t(key: str, **values: object) -> str:
            return say(lang, key, **values)

        text = self._templates.get_template(template).render(
            frame=frame, lang=lang, t=t, tiles=self._services.tiles, **views
        )
        response = HTMLResponse(text, status, headers={"Cache-Control": "no-store"})
        if has_map and (origin := self._services.tiles.origin):
            response.headers["Content-Security-Policy"] = with_images(origin)
        # By this a phone keeps pages for one session, and forgets those of others.
        response.headers["X-Session-Mark"] = self._mark(request)
        self._keep(request, response, "lang", lang)
        self._keep(request, response, "theme", theme_of(request))
        return response

    def _keep(
        self, request: Request, response: Response, name: str, value: str
    ) -> None:
        """Keep a choice that the address makes, in a cookie of a year."""
        if name in request.query_params:
            is_secure = request.url.scheme == "https"
            response.set_cookie(
                name, value, max_age=_YEAR_S, samesite="lax", secure=is_secure
            )

    def _about(self, request: Request, lang: Lang) -> dict[str, Any]:
        """Return who is there, where he may go, and what his forms carry."""
        visitor = self._doors.visitor(request)
        here = request.url.path
        return {
            "visitor": "" if visitor is None else visitor.name,
            "links": tuple(
                Link(say(lang, key), href, is_at(here, href))
                for key, href in (*ways_of(visitor), *own_ways(visitor))
            ),
            "csrf": self._doors.csrf(request),
            "is_demo": self._services.is_demo,
            "inspects": visitor is not None and visitor.inspects,
            "inspector": visitor.person or "" if visitor and visitor.inspects else "",
            "sailor": _sailor(visitor),
            "phone": self._phone(visitor, lang),
            "theme": theme_of(request),
            "themes": themes(request, lang),
            "is_answer": request.method not in LOOKING,
        }

    def _mark(self, request: Request) -> str:
        visitor = self._doors.visitor(request)
        if visitor is None or visitor.person is None:
            return ""
        return _hash(self._doors.csrf(request))

    def _phone(self, visitor: Visitor | None, lang: Lang) -> Phone:
        """Return what is written into a page so that a phone can go on without us."""
        if visitor is None or visitor.person is None or not visitor.keeps_books:
            return Phone()
        rate = self._services.rate
        return Phone(
            visitor.person,
            self._services.now_ms(),
            rate,
            round(STALE_MS / (rate or 1.0)),
            {key: WORDS[lang][key] for key in PHONE_WORDS},
        )

    @property
    def poll_s(self) -> float:
        """How often an open page is brought up to date, in real seconds."""
        # A minute of the system's time, which an accelerated demo reaches sooner.
        wanted_s = self._services.clock.real_seconds(_WORTH_POLLING_S)
        return min(max(wanted_s, _SHORTEST_POLL_S), _LONGEST_POLL_S)


def _sailor(visitor: Visitor | None) -> str:
    is_one = visitor is not None and visitor.keeps_boats
    return (visitor.person or "") if visitor is not None and is_one else ""


def _hash(text: str) -> str:
    return hashlib.blake2b(
        text.encode(), digest_size=8, key=b"greenwater phone"
    ).hexdigest()


def _digest(files: list[Path]) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def page_routes(snapshots: Snapshots, render: Renderer, doors: Doors) -> APIRouter:
    """Return the routes of the pages."""
    routes = APIRouter()

    @routes.get("/board", response_class=HTMLResponse)
    def board_page(request: Request) -> HTMLResponse:
        """Every site, raft and unit with its latest values; every boat."""
        services = doors.mine(request)
        return whole_board(request, services, snapshots.now(services), render)

    @routes.get("/sites/{site}", response_class=HTMLResponse)
    def site_page(request: Request, site: str) -> HTMLResponse:
        """One site."""
        services = doors.mine(request)
        facts = snapshots.now(services)
        if site not in {one.id for one in facts.sites}:
            raise MissingError(f"there is no site {site!r}")
        return whole_board(request, services, facts, render, site=site)

    @routes.get("/vessels/{vessel}", response_class=HTMLResponse)
    def vessel_page(request: Request, vessel: str) -> HTMLResponse:
        """One boat."""
        services = doors.mine(request)
        facts = snapshots.now(services)
        if vessel not in {one.id for one in facts.vessels}:
            raise MissingError(f"there is no vessel {vessel!r}")
        lang, hours = lang_of(request), hours_of(request)
        (view,) = vessel_views(services, facts, lang, hours, vessel=vessel)
        info = next(one for one in facts.vessels if one.id == vessel)
        states = states_of(services.seen, [info], facts.now_ms)
        return render.page(
            request,
            "vessel.html",
            papers=endings(lang, [info], states),
            now_ms=facts.now_ms,
            is_simulated=view.is_simulated,
            vessel=view,
            periods=periods_of(lang, hours),
            back=boats_way(doors.visitor(request)),
        )

    return routes


def whole_board(
    request: Request,
    services: Services,
    facts: Facts,
    render: Renderer,
    *,
    site: str | None = None,
) -> HTMLResponse:
    """Return every site, raft, unit and boat, or one site."""
    lang = lang_of(request)

    def charted(unit: UnitInfo, hanging: object) -> ChartView | None:
        return main_chart(services, facts, unit, lang)

    view = board(lang, facts, charted, site=site)
    urgent = urgent_of(services, facts, lang) if site is None else None
    farms = None
    if urgent is not None and any(one.more for one in view.sites):
        told = sorted(view.sites, key=urgent.first)
        farms = find(told, request.query_params.get("q", ""), lambda one: one.name)
    is_few = site is None and len(facts.vessels) <= UNITS_ON_ONE_PAGE
    vessels = vessel_views(services, facts, lang, BOARD_HOURS) if is_few else []
    where = f"site={site}&" if site else ""
    return render.page(
        request,
        "board.html",
        now_ms=facts.now_ms,
        is_simulated=view.is_simulated,
        live=f"/live.json?{where}lang={lang}",
        board=view,
        farms=farms,
        urgent=urgent,
        vessels=vessels,
        is_whole=site is None,
    )


def periods_of(lang: Lang, chosen: int) -> list[Period]:
    """Return the lengths of time that may be looked at."""
    return [
        Period(
            say(lang, "hours", count=hours)
            if hours <= 48
            else say(lang, "days", count=hours // 24),
            f"?hours={hours}",
            hours == chosen,
        )
        for hours in PERIODS
    ]


def vessel_views(
    services: Services,
    facts: Facts,
    lang: Lang,
    hours: int,
    *,
    vessel: str | None = None,
) -> list[VesselView]:
    """Return the boats, or one of them."""
    window = Window.until(facts.now_ms, hours)
    found = []
    for one in facts.vessels:
        if vessel not in (None, one.id):
            continue
        deployed = series.deployments_at(services, window, unit=None, vessel=one.id)
        latitudes, longitudes = series.position_buckets(services, deployed, window)
        track = tracks.fixes(latitudes, longitudes)
        found.append(vessel_view(lang, facts, one, track, window))
    return found
