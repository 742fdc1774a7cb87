"""The site as one application, given the open services. No globals, nothing opened."""

from functools import partial

from fastapi import Depends, FastAPI, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from greenwater.storage.registry import random_id
from traceability.label.scanning import Scanning
from web.api.epcis import EpcisApi
from web.api.idempotency import Once, OnlyKeyed
from web.api.ledger import LedgerPages
from web.api.parameters import only_known
from web.api.trips import TripApi
from web.api.water import api_routes
from web.assets import STATIC
from web.demo import DemoPages
from web.door.bodies import LargestBody
from web.door.doors import (
    Doors,
)
from web.door.programs import is_known
from web.errors import answer_errors
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
from web.middleware import EveryRequest
from web.office.areas import AreaPages
from web.office.certificates import CertificatePages
from web.office.dossiers import DossierPages
from web.office.duty import DutyPages
from web.office.inspections import InspectionPages
from web.openapi import describe
from web.pages import Renderer, page_routes
from web.people.people import Pages, people_pages
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
        dependencies=[Depends(only_known)],
    )
    snapshots, doors = Snapshots(), Doors(services)
    render = Renderer(services, doors)
    app.include_router(page_routes(snapshots, render, doors))
    app.include_router(PlacePages(services, snapshots, render, doors).routes())
    app.include_router(unit_routes(snapshots, render, doors))  # behind /units/new
    app.include_router(api_routes(services, snapshots, doors))
    app.include_router(home_routes(services, snapshots, render, doors))
    for pages in (
        *people_pages(services, render, doors),
        *_farm_pages(services, snapshots, render, doors),
        *_sea_pages(services, snapshots, render, doors),
        *_goods_pages(services, render, doors),
        *_office_pages(services, snapshots, render, doors),
        DemoPages(services, snapshots, render, doors),
        InstallPages(services, render),
        LedgerPages(services),
        # Last: a compressed link may be spelt as any page's address is.
        *_label_pages(services, render, doors),
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
    answer_errors(app, services, render, doors)
    describe(app)
    return app


def _farm_pages(
    services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
) -> list[Pages]:
    calls = CallPages(services, render, doors)
    return [
        AlarmPages(services, snapshots, render, doors),
        ServicePages(services, render, doors),
        calls,
        CallWayPages(services, doors, calls),
        ChartNumbers(snapshots, doors),
        CropPages(services, render, doors),
        ChangePages(services, snapshots, render, doors),
        HangingPages(services, snapshots, render, doors),
        LimitPages(services, snapshots, render, doors),
        BookPages(services, render, doors),
        ReadinessPages(services, render, doors),
        TodayPages(services, render, doors),
        RecordPages(services, render, doors),
        ImportPages(services, render, doors),
        EntryPages(services, render, doors),
        RecordApi(services, doors),
    ]


def _sea_pages(
    services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
) -> list[Pages]:
    return [
        FleetPages(snapshots, render, doors),
        TripTablePages(services, render, doors),
        LogPages(services, render, doors),
        SeaEntryPages(services, render, doors),
        BoatPages(services, snapshots, render, doors),
        BoatEditPages(services, render, doors),
        TripPages(services, render, doors),
        TripCardPages(services, render, doors),
        TripApi(services, doors),
        SeaRecordApi(services, doors),
        SeaImportPages(services, render, doors),
    ]


def _goods_pages(services: Services, render: Renderer, doors: Doors) -> list[Pages]:
    return [
        LotPages(services, render, doors),
        GoodsPages(services, render, doors),
        GoodsApi(services, doors),
    ]


def _label_pages(services: Services, render: Renderer, doors: Doors) -> list[Pages]:
    scanning = Scanning(services.registry, services.clock)
    kept = KeptPassports(services.registry, services.clock)
    labels = LabelPages(services, scanning, render, doors, kept)
    return [
        labels,
        ScanPages(services, scanning, render, doors),
        PrintPages(services, doors),
        PassportPages(services, render, kept),
        Resolver(services, labels),
    ]


def _office_pages(
    services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
) -> list[Pages]:
    scanning = Scanning(services.registry, services.clock)
    return [
        AreaPages(snapshots, render, doors),
        DossierPages(services, render, doors),
        CertificatePages(services, render, doors),
        DutyPages(services, scanning, render, doors),
        InspectionPages(services, render, doors),
    ]
