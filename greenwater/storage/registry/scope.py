"""What one person sees: the one place where tenancy filters.

Every query of a scope runs in a session that adds ``organisation IN (…)`` to each table
that belongs to an organisation, wherever it stands in the query. A page therefore cannot
forget the filter, and a new table needs only ``models.Tenanted``.
"""

from typing import Any

from sqlalchemy.orm import with_loader_criteria

from greenwater.storage.registry.alarms import AlarmsSeen
from greenwater.storage.registry.books import BooksSeen
from greenwater.storage.registry.bulletins import BulletinsSeen
from greenwater.storage.registry.cards import CardsSeen
from greenwater.storage.registry.certification import CertificationSeen
from greenwater.storage.registry.deployments import DeploymentsSeen
from greenwater.storage.registry.devices import DevicesSeen
from greenwater.storage.registry.farm_records import FarmRecordsSeen
from greenwater.storage.registry.goods import GoodsSeen
from greenwater.storage.registry.inspections import InspectionsSeen
from greenwater.storage.registry.labels import LabelsSeen
from greenwater.storage.registry.models import Organisation, Tenanted
from greenwater.storage.registry.out_of_service import ServicesSeen
from greenwater.storage.registry.overrides import OverridesSeen
from greenwater.storage.registry.photos import PhotosSeen
from greenwater.storage.registry.place_changes import PlaceChangesSeen
from greenwater.storage.registry.places import PlacesSeen
from greenwater.storage.registry.probes import ProbesSeen
from greenwater.storage.registry.scans import ScansSeen
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.epcis import EpcisSeen
from greenwater.storage.registry.trace_events.epcis_kept import KeptSeen
from greenwater.storage.registry.trips import TripsSeen
from greenwater.storage.registry.unit_limits import UnitLimitsSeen
from greenwater.storage.registry.vessel_books import VesselBooksSeen
from greenwater.storage.registry.vessel_changes import VesselChangesSeen
from greenwater.storage.registry.vessel_inspections import VesselInspectionsSeen


class Scope(
    PlacesSeen,
    PlaceChangesSeen,
    UnitLimitsSeen,
    VesselChangesSeen,
    DevicesSeen,
    ProbesSeen,
    DeploymentsSeen,
    AlarmsSeen,
    ServicesSeen,
    BooksSeen,
    FarmRecordsSeen,
    PhotosSeen,
    GoodsSeen,
    BulletinsSeen,
    EpcisSeen,
    KeptSeen,
    LabelsSeen,
    ScansSeen,
    InspectionsSeen,
    VesselInspectionsSeen,
    TripsSeen,
    VesselBooksSeen,
    CardsSeen,
    OverridesSeen,
    CertificationSeen,
):
    """The registry as far as some organisations go; None: all of it."""

    def __init__(
        self, sessions: Sessions, organisations: frozenset[str] | None
    ) -> None:
        self.organisations = organisations
        self._sessions = (
            sessions
            if organisations is None
            else sessions.narrowed(*_criteria(organisations))
        )


def _criteria(organisations: frozenset[str]) -> tuple[Any, ...]:
    seen = sorted(organisations)
    return (
        with_loader_criteria(
            Tenanted, lambda table: table.organisation.in_(seen), include_aliases=True
        ),
        with_loader_criteria(
            Organisation, lambda table: table.id.in_(seen), include_aliases=True
        ),
    )
