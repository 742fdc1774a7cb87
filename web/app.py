"""The site as one application, given the open services. No globals, nothing opened."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from greenwater.kernel.errors import (
    ConflictError,
    InputError,
    MissingError,
    PlatformError,
    UnavailableError,
)
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import random_id
from traceability.label.scanning import Scanning
from web.api.epcis import EpcisApi
from web.api.idempotency import Once, OnlyKeyed
from web.api.ledger import LedgerPages
from web.api.problems import problem_response
from web.api.trips import TripApi
from web.api.water import api_routes
from web.assets import STATIC
from web.demo import DemoPages
from web.door.bodies import LargestBody
from web.door.doors import (
    Doors,
    RefusedError,
    SignInNeededError,
    door,
)
from web.door.programs import is_known
from web.door.returning import page_behind, words_in
from web.farm.alarms import AlarmPages
from web.farm.books import BookPages
from web.farm.calls import CallPages
from web.farm.callways import CallWayPages
from web.farm.chartjson import ChartNumbers
from web.farm.crops import CropPages
from web.farm.own_limits import LimitPages
from web.farm.place_changes import ChangePages
from web.farm.places import PlacePages
from web.farm.readiness import ReadinessPages
from web.farm.record_api import RecordApi
from web.farm.record_entry import EntryPages
from web.farm.record_import import ImportPages
from web.farm.records import RecordPages
from web.farm.service import ServicePages
from web.farm.today import TodayPages
from web.farm.unit_probes import HangingPages
from web.farm.unitpages import unit_routes
from web.goods.api import GoodsApi
from web.goods.lots import LotPages
from web.goods.pages import GoodsPages
from web.home import home_routes
from web.installing import InstallPages
from web.labels.kept_pages import KeptPages
from web.labels.kept_passports import KeptPassports
from web.labels.pages import LabelPages
from web.labels.passports import PassportPages
from web.labels.prints import PrintPages
from web.labels.resolver import Resolver
from web.labels.scans import ScanPages
from web.middleware import EveryRequest, dressed
from web.office.areas import AreaPages
from web.office.certificates import CertificatePages
from web.office.dossiers import DossierPages
from web.office.duty import DutyPages
from web.office.inspections import InspectionPages
from web.openapi import describe
from web.pages import Renderer, lang_of, page_routes
from web.people.people import people_pages
from web.ports import Services
from web.sea.boat_changes import BoatEditPages
from web.sea.boats import BoatPages
from web.sea.fleet import FleetPages
from web.sea.importing import SeaImportPages
from web.sea.logbook import LogPages
from web.sea.record_api import SeaRecordApi
from web.sea.record_entry import SeaEntryPages
from web.sea.trip_cards import TripCardPages
from web.sea.trip_tables import TripTablePages
from web.sea.trips import TripPages
from web.views.facts import Snapshots
from web.views.refused import refused
from web.words import WORDS, Lang, say

log = structlog.get_logger()

STATUS: Final[dict[type[PlatformError], int]] = {
    InputError: 422,
    MissingError: 404,
    ConflictError: 409,
    UnavailableError: 503,
}
RETRY_S: Final = 10


def status_of(error: PlatformError) -> int:
    """Return the status of the nearest family; 500 for our own faults."""
    return next((STATUS[c] for c in type(error).__mro__ if c in STATUS), 500)


class _Assets(StaticFiles):
    """Files whose addresses carry a version, so that phones may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        # Modules name each other: their version is a folder, which is not there.
        folder, _, rest = path.partition("/")
        is_versioned = folder.startswith("@")
        response = await super().get_response(rest if is_versioned else path, scope)
        age_s = 31_536_000 if is_versioned else 86_400
        response.headers["Cache-Control"] = f"public, max-age={age_s}"
        return response


def create_app(services: Services) -> FastAPI:
    """Return the site over open services; whoever opened them closes them."""
    app = FastAPI(
        title="Greenwater",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    snapshots, doors = Snapshots(), Doors(services)
    render = Renderer(services, doors)
    scanning = Scanning(services.registry, services.clock)
    kept_passports = KeptPassports(services.registry, services.clock)
    app.include_router(page_routes(snapshots, render, doors))
    places = PlacePages(services, snapshots, render, doors)  # before /units/{unit}
    app.include_router(places.routes())
    app.include_router(unit_routes(snapshots, render, doors))
    app.include_router(api_routes(services, snapshots, doors))
    app.include_router(TripApi(services, doors).routes())
    app.include_router(home_routes(services, snapshots, render, doors))
    for pages in (
        *people_pages(services, render, doors),
        DemoPages(services, snapshots, render, doors),
        AlarmPages(services, snapshots, render, doors),
        ServicePages(services, render, doors),
        calls := CallPages(services, render, doors),
        CallWayPages(services, doors, calls),
        ChartNumbers(snapshots, doors),
        CropPages(services, render, doors),
        ChangePages(services, snapshots, render, doors),
        HangingPages(services, snapshots, render, doors),
        LimitPages(services, snapshots, render, doors),
        BookPages(services, render, doors),
        TodayPages(services, render, doors),
        RecordPages(services, render, doors),
        InstallPages(services, render),
        ImportPages(services, render, doors),
        EntryPages(services, render, doors),
        RecordApi(services, doors),
        FleetPages(snapshots, render, doors),
        TripTablePages(services, render, doors),
        AreaPages(snapshots, render, doors),
        LogPages(services, render, doors),
        SeaEntryPages(services, render, doors),
        BoatPages(services, render, doors),
        BoatEditPages(services, render, doors),
        TripPages(services, render, doors),
        TripCardPages(services, render, doors),
        SeaRecordApi(services, doors),
        SeaImportPages(services, render, doors),
        LotPages(services, render, doors),
        GoodsPages(services, render, doors),
        GoodsApi(services, doors),
        LedgerPages(services),
        PrintPages(services, doors),
        ReadinessPages(services, render, doors),
        DossierPages(services, render, doors),
        CertificatePages(services, render, doors),
        labels := LabelPages(services, scanning, render, doors, kept_passports),
        ScanPages(services, scanning, render, doors),
        DutyPages(services, scanning, render, doors),
        InspectionPages(services, render, doors),
        PassportPages(services, render, kept_passports),
        Resolver(services, labels),
    ):
        app.include_router(pages.routes())
    app.include_router(EpcisApi(services, doors, random_id).routes())
    app.mount("/static", _Assets(directory=STATIC), name="static")
    app.add_middleware(LargestBody, is_known=partial(is_known, services, doors))
    app.add_middleware(OnlyKeyed, once=Once(services, doors))
    app.add_middleware(GZipMiddleware, minimum_size=500)
    app.add_middleware(
        EveryRequest, doors=doors, is_demo=services.is_demo, hosts=services.hosts
    )
    app.add_middleware(KeptPages, registry=services.registry, clock=services.clock)
    _answer_errors(app, services, render, doors)
    describe(app)
    return app


Answer = Callable[..., Response]


def _answering(services: Services, render: Renderer, doors: Doors) -> Answer:
    """Return what makes an answer of a status and a reason: a page, or JSON."""

    def answer(
        request: Request,
        status: int,
        reason: str | PlatformError,
        written: Sequence[str] = (),
    ) -> Response:
        headers = {"Retry-After": str(RETRY_S)} if status == 503 else {}
        if not _wants_page(request):
            return problem_response(request.url.path, status, str(reason), headers)
        lang, known = lang_of(request), _words_of(request, status, reason, doors)
        page = render.page(
            request,
            "error.html",
            now_ms=milliseconds(services.clock.now()),
            is_simulated=False,
            status=status,
            sentence=say(lang, known, reason=_told(lang, reason)),
            cure=say(lang, f"{known}_cure"),
            retry_s=RETRY_S if status == 503 and request.method == "GET" else 0,
            written=written,
            back=_back(request, doors),
            back_word="form_again" if doors.visitor(request) else "sign_in",
        )
        page.headers.update(headers)
        return page

    return answer


def _words_of(
    request: Request, status: int, reason: str | PlatformError, doors: Doors
) -> str:
    """Return the key of an error's sentence; a form of a session that ended has its own."""
    is_stale = isinstance(reason, RefusedError) and reason.key == "form_stale"
    if is_stale and doors.visitor(request) is None:
        return "error_ended"
    known = f"error_{status}"
    return known if known in WORDS[Lang.VI] else "error_500"


def _back(request: Request, doors: Doors) -> str:
    """Return where whoever sent a form goes on: to its page, by the door if he is out."""
    if request.method != "POST":
        return ""
    page = page_behind(request)
    return page if doors.visitor(request) else f"/sign-in?next={quote(page, safe='')}"


def _told(lang: Lang, reason: str | PlatformError) -> str:
    """Return a reason as a page says it: in its language, or no more than that it is one."""
    own = reason if isinstance(reason, PlatformError) else PlatformError(reason)
    return refused(lang, own)


def _answer_errors(
    app: FastAPI, services: Services, render: Renderer, doors: Doors
) -> None:
    answer = _answering(services, render, doors)
    _answer_ours(app, answer)

    @app.exception_handler(Exception)
    def our_fault(request: Request, error: Exception) -> Response:
        # Starlette raises it again behind this answer, for the server's log.
        log.error("request.failed", path=_logged(request), error=repr(error))
        response = answer(request, 500, "see the log")
        response.raw_headers = dressed(
            response.raw_headers, request.scope["scheme"], is_demo=services.is_demo
        )
        return response

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405 and _is_looked_at(request):
            return RedirectResponse(_above(app.routes, request.url), 303)
        response = answer(request, error.status_code, str(error.detail))
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            allowed = sorted(set(_allowed(app.routes, request.url.path)))
            response.headers["Allow"] = ", ".join(allowed)
        return response

    @app.exception_handler(RequestValidationError)
    def wrong_address(request: Request, error: RequestValidationError) -> Response:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}"
            for fault in error.errors()
        )
        return answer(request, 422, faults[:500])


def _logged(request: Request) -> str:
    """Return an address as the log has it: a link that opens something is not in there."""
    path, token = request.url.path, request.path_params.get("token", "")
    return path.replace(token, "…") if token else path


def _answer_ours(app: FastAPI, answer: Answer) -> None:
    async def told(
        request: Request, status: int, reason: str | PlatformError
    ) -> Response:
        written = await words_in(request) if _wants_page(request) else ()
        return await run_in_threadpool(answer, request, status, reason, written)

    @app.exception_handler(SignInNeededError)
    async def sign_in_needed(request: Request, _error: SignInNeededError) -> Response:
        if _wants_page(request) and request.method == "GET":
            return RedirectResponse(door(request), 303)
        return await told(request, 401, "sign in first")

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        return await told(request, 403, error)

    @app.exception_handler(PlatformError)
    async def platform_error(request: Request, error: PlatformError) -> Response:
        status = status_of(error)
        if status >= 500:
            log.error("request.failed", path=_logged(request), error=str(error))
        return await told(request, status, error if status < 500 else "see the log")


def _allowed(routes: Iterable[Any], path: str) -> Iterator[str]:
    """Yield the methods of an address: each has a route of its own."""
    for one in routes:
        inner = getattr(one, "original_router", None)
        if inner is not None:
            yield from _allowed(inner.routes, path)
        elif getattr(one, "methods", None) and one.path_regex.match(path):
            yield from one.methods


def _is_looked_at(request: Request) -> bool:
    return request.method == "GET" and _wants_page(request)


def _above(routes: Iterable[Any], url: URL) -> str:
    """Return the nearest page above an address that takes forms alone, with its query."""
    parts = url.path.split("/")
    found = "/"
    for end in range(len(parts) - 1, 1, -1):
        path = "/".join(parts[:end])
        if "GET" in _allowed(routes, path):
            found = path
            break
    return f"{found}?{url.query}" if url.query else found


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return not path.endswith(".json") and not path.startswith(
        ("/api/", "/epcis/", "/.well-known/", "/static/", "/healthz")
    )
