"""The registry: people, places, devices, and what operators keep. Plain blocking calls.

``open_registry(url)`` gives the whole of it; ``Registry.visible_to(person)`` the part
that one person sees.
"""

import secrets
from collections.abc import Callable
from types import TracebackType

from sqlalchemy import Engine

from greenwater.storage.registry.accounts import Accounts
from greenwater.storage.registry.alarm_links import AlarmLinks
from greenwater.storage.registry.alarms import Alarms
from greenwater.storage.registry.audit import Audit
from greenwater.storage.registry.between_organisations import Passing
from greenwater.storage.registry.books import Books
from greenwater.storage.registry.bulletins import Bulletins
from greenwater.storage.registry.cards import Cards
from greenwater.storage.registry.certification import Certification
from greenwater.storage.registry.change_marks import Marks, Watch
from greenwater.storage.registry.commands import Commands
from greenwater.storage.registry.consents import Consents
from greenwater.storage.registry.contacts import Contacts
from greenwater.storage.registry.credentials import Randomness
from greenwater.storage.registry.deployments import Deployments
from greenwater.storage.registry.devices import Devices
from greenwater.storage.registry.dossiers import Dossiers
from greenwater.storage.registry.epochs import Epochs
from greenwater.storage.registry.farm_records import FarmRecords
from greenwater.storage.registry.goods import Goods
from greenwater.storage.registry.inspections import Inspections
from greenwater.storage.registry.labels import Labels
from greenwater.storage.registry.links import Links
from greenwater.storage.registry.migrating import migrate, migrate_engine
from greenwater.storage.registry.operator_alarms import OperatorAlarms
from greenwater.storage.registry.out_of_service import Services
from greenwater.storage.registry.overrides import Overrides
from greenwater.storage.registry.people import People
from greenwater.storage.registry.phones import Phones
from greenwater.storage.registry.photos import PhotosSeen
from greenwater.storage.registry.place_changes import PlaceChanges
from greenwater.storage.registry.places import Places
from greenwater.storage.registry.probes import Probes
from greenwater.storage.registry.product_pictures import ProductPictures
from greenwater.storage.registry.pulses import Pulses
from greenwater.storage.registry.quarantine import Quarantine
from greenwater.storage.registry.scans import Scans
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.second_factors import SecondFactors
from greenwater.storage.registry.session import Sessions, open_engine
from greenwater.storage.registry.tokens import Tokens
from greenwater.storage.registry.trace_events.epcis import Epcis
from greenwater.storage.registry.trace_events.epcis_kept import Kept
from greenwater.storage.registry.trace_events.roots import Roots
from greenwater.storage.registry.trips import Trips
from greenwater.storage.registry.unit_limits import UnitLimits
from greenwater.storage.registry.vessel_books import VesselBooks
from greenwater.storage.registry.vessel_changes import VesselChanges
from greenwater.storage.registry.vessel_inspections import VesselInspections
from greenwater.storage.registry.watching import Watching
from greenwater.storage.registry.writes import Writes

__all__ = ["Registry", "Scope", "migrate", "open_registry"]


def random_id() -> str:
    """Return a new identifier: 64 random bits in hex."""
    return secrets.token_hex(8)


class Registry(
    People,
    Places,
    PlaceChanges,
    UnitLimits,
    ProductPictures,
    VesselChanges,
    Devices,
    Probes,
    Deployments,
    Quarantine,
    Commands,
    OperatorAlarms,
    Epochs,
    Pulses,
    Alarms,
    AlarmLinks,
    Contacts,
    Phones,
    Services,
    Watching,
    Accounts,
    Audit,
    Consents,
    Links,
    SecondFactors,
    Books,
    FarmRecords,
    PhotosSeen,
    Goods,
    Passing,
    Roots,
    Bulletins,
    Epcis,
    Kept,
    Writes,
    Tokens,
    Labels,
    Scans,
    Inspections,
    VesselInspections,
    Trips,
    VesselBooks,
    Cards,
    Overrides,
    Certification,
    Dossiers,
    Marks,
):
    """One registry, open. Every call is its own transaction; any thread may call.

    Raises (every method):
        UnavailableError: the database did not answer; nothing has been changed.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        randomness: Randomness = secrets.token_bytes,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._sessions, self._watch = Sessions(engine), Watch(engine)
        self._randomness, self._new_id = randomness, new_id

    def visible_to(self, person: str | None) -> Scope:
        """Return what a person sees; None is the platform's operator, who sees all.

        Raises:
            MissingError: there is no such person.
        """
        return Scope(self._sessions, None if person is None else self.reach_of(person))

    def visible_to_organisation(self, organisation: str) -> Scope:
        """Return what an organisation sees: its own."""
        return Scope(self._sessions, frozenset({organisation}))

    def close(self) -> None:
        """Release the connections."""
        self._watch.close()
        self._sessions.engine.dispose()

    def __enter__(self) -> "Registry":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()


def open_registry(
    url: str,
    *,
    randomness: Randomness = secrets.token_bytes,
    new_id: Callable[[], str] = random_id,
) -> Registry:
    """Open the registry behind ``sqlite:///FILE`` or ``postgresql://…``.

    Its schema is brought up to date first.

    Raises:
        ConfigError: the URL is neither, or a newer program has been at work there.
        UnavailableError: the database does not answer.
    """
    engine = open_engine(url)
    try:
        migrate_engine(engine)
    except BaseException:
        engine.dispose()
        raise
    return Registry(engine, randomness=randomness, new_id=new_id)
