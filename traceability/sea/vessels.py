"""What people do with a vessel's book: enter, confirm, land, make lots.

A delegate of the family may enter for the skipper; the skipper himself confirms; both
are named. Everything may be sent twice and in any order.
"""

import copy
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import Reading, instant, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.book.asked_once import asked_once
from traceability.gate.harvest import GateRefusedError
from traceability.goods.lots import lot_of_landing
from traceability.ledger import events
from traceability.ports import Telemetry
from traceability.records import check_uuid, digest
from traceability.sea.crew import may_write
from traceability.sea.found_trips import Found, frozen
from traceability.sea.gate import weighed
from traceability.sea.sea_records import checked_sea_fields
from traceability.sea.trip_book import Standing
from traceability.sea.trip_case import (
    Asked,
    TripView,
    ask_gate,
    case_of,
    found_trip,
    trip_of_landing,
    trip_view,
)
from traceability.sea.trip_evidence import TripEvidence
from traceability.sea.vessel_events import of_catch
from traceability.sea.voice import VoicePositions

ANSWERS: Final = frozenset({Role.SKIPPER, Role.BOAT_OWNER})
"""For whom a delegate may enter."""

SELLERS: Final = frozenset({Role.BOAT_OWNER, Role.SKIPPER, Role.ADMIN})
SOURCES: Final = frozenset({"position", "hand", "import"})
FUTURE_MS: Final = 5 * 60 * 1000
"""How far a phone's clock may be ahead of ours."""

_TRIP: Final = re.compile(r"[0-9a-z][0-9a-z-]{3,63}")
CONFIRMATION: Final = "confirmation"
TakeIn = Callable[[Sequence[Reading]], object]


class NewVesselRecord(Struct, frozen=True, kw_only=True):
    """What was typed. ``id`` is made by the device it was typed on (a UUID).

    ``trip`` is analytics' id, or one that the device made (a UUID) where positions show
    none; None for the vessel's papers. ``entered_ms`` None: now. ``entered_for`` None: himself.
    ``source``: ``position`` where a haul of analytics' is meant.
    """

    id: str
    vessel: str
    kind: str
    happened_ms: int
    fields: Mapping[str, Any]
    trip: str | None = None
    entered_ms: int | None = None
    entered_for: str | None = None
    corrects: str | None = None
    source: str = "hand"


class NewCatchLot(Struct, frozen=True, kw_only=True):
    """Goods to be drawn from a landing. ``id`` is made by the device (a UUID)."""

    id: str
    landing: str
    product: str
    kg: float


class VesselBooks:
    """The use cases. ``person`` is who does it; others' boats do not exist for him."""

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        clock: Clock,
        take_in: TakeIn | None = None,
    ) -> None:
        self._registry, self._clock = registry, clock
        self._voice = VoicePositions(registry, telemetry, take_in or telemetry.write)
        self._evidence = TripEvidence(registry, telemetry)

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def _must_be(self, person: str, organisation: str, roles: frozenset[Role]) -> None:
        if not self._registry.get_person(person).is_any(roles, organisation):
            raise MissingError(f"{person} does not do that for {organisation}")

    def view(self, trip: str) -> TripView:
        """Return one trip as it stands.

        Raises:
            MissingError: nobody knows of such a trip.
        """
        return trip_view(self._registry, trip, self._now_ms())

    def record(self, person: str, new: NewVesselRecord) -> VesselRecord:
        """Enter a record; the same again changes nothing.

        Raises:
            InputError: something in it cannot be; the sentence names it.
            MissingError: no such vessel, or not his to write for.
            ConflictError: the id stands for another record.
        """
        return self._kept(self.check(person, new))

    def for_many(self) -> "VesselBooks":
        """Return the same for one file: it asks for each vessel and person once."""
        made = copy.copy(self)
        made._registry = asked_once(self._registry)
        return made

    def record_all(self, person: str, many: Sequence[NewVesselRecord]) -> int:
        """Enter many records, all or none; return how many are new. Raises: as ``record``."""
        books = self.for_many()
        made = [books.check(person, new) for new in many]
        are_new = self._registry.add_vessel_records(made)
        for one in made:
            self._voice.settle(one)
        return sum(are_new)

    def _may_enter(self, person: str, new: NewVesselRecord, organisation: str) -> None:
        if not may_write(self._registry, person, new.kind, organisation):
            raise MissingError(f"{person} does not do that for {organisation}")
        if new.entered_for not in (None, person):
            self._must_be(str(new.entered_for), organisation, ANSWERS)

    def confirm(self, person: str, trip: str, *, record: str) -> VesselRecord:
        """Confirm a trip as its book stands now, for the skipper alone.

        The trip as positions show it now is kept beside. Done twice it is one.

        Raises:
            InputError: nothing is declared yet.
            MissingError: no such trip, or he is not its skipper.
        """
        view = self.view(trip)
        known = self._registry.find_vessel_record(record)
        if known is None and view.book.trip is None:
            raise InputError(
                f"trip {trip} is not declared yet: enter its departure and gear first",
                "trip_undeclared",
            )
        covers = view.book.covered if known is None else known.fields.get("covers", {})
        return self.take_confirmation(
            person,
            NewVesselRecord(
                id=record,
                vessel=view.vessel.id,
                kind=CONFIRMATION,
                trip=trip,
                happened_ms=self._now_ms() if known is None else known.happened_ms,
                fields={"covers": covers},
            ),
            view.found,
        )

    def take_confirmation(
        self, person: str, new: NewVesselRecord, found: Found | None = None
    ) -> VesselRecord:
        """Take the skipper's confirmation, perhaps made without a network.

        Its ``covers`` are the digests by record that he saw. ``found`` is the trip as
        positions show it, which is kept beside; None: as far as its id is known.

        Raises:
            InputError: it is none, or covers nothing.
            MissingError: no such vessel, or he is not its skipper.
            ConflictError: the id stands for another record.
        """
        vessel = self._registry.get_vessel(new.vessel)
        self._must_be(person, vessel.organisation, frozenset({Role.SKIPPER}))
        if new.kind != CONFIRMATION or new.entered_for not in (None, person):
            raise InputError("nobody confirms for the skipper", "skipper_only")
        if found is None and new.trip is not None:
            found = found_trip(self._registry, vessel.id, new.trip, None)
        made = msgspec.structs.replace(new, vessel=vessel.id)
        return self._kept(self._made(person, made, frozen(found)))

    def check(self, person: str, new: NewVesselRecord) -> VesselRecord:
        """Return the record that would be kept, and keep nothing. Raises: as ``record``."""
        if new.kind == CONFIRMATION:
            raise InputError(
                "a trip is confirmed by its skipper: VesselBooks.confirm", "form_old"
            )
        vessel = self._registry.get_vessel(new.vessel)
        self._may_enter(person, new, vessel.organisation)
        return self._made(person, msgspec.structs.replace(new, vessel=vessel.id))

    def _kept(self, made: VesselRecord) -> VesselRecord:
        self._registry.add_vessel_records([made])
        self._voice.settle(made)
        return self._registry.get_vessel_record(made.id)

    def _made(
        self, person: str, new: NewVesselRecord, beside: dict[str, Any] | None = None
    ) -> VesselRecord:
        now_ms = self._now_ms()
        self._check(new, now_ms)
        fields = checked_sea_fields(new.kind, new.fields)
        entered_for = new.entered_for or person
        content = {
            "vessel": new.vessel,
            "trip": new.trip,
            "kind": new.kind,
            "happened_ms": new.happened_ms,
            "fields": fields,
            "corrects": new.corrects,
            "by": person,
            "for": entered_for,
            "source": new.source,
        }
        return VesselRecord(
            id=new.id,
            organisation=self._registry.get_vessel(new.vessel).organisation,
            vessel=new.vessel,
            trip=new.trip,
            kind=new.kind,
            happened_ms=new.happened_ms,
            entered_ms=now_ms if new.entered_ms is None else new.entered_ms,
            received_ms=now_ms,
            entered_by=person,
            entered_for=entered_for,
            source=new.source,
            fields=fields,
            corrects=new.corrects,
            digest=digest(content),
            frozen=beside,
        )

    def _check(self, new: NewVesselRecord, now_ms: int) -> None:
        for what, text in (("record", new.id), ("corrected record", new.corrects)):
            if text is not None:
                check_uuid(what, text)
        if new.source not in SOURCES:
            raise InputError(
                f"source {new.source!r} is not one of {sorted(SOURCES)}", "form_old"
            )
        if (new.trip is None) != (new.kind == "paper"):
            raise InputError(
                f"a record {new.kind} belongs to a trip, a paper to none", "form_old"
            )
        entered_ms = now_ms if new.entered_ms is None else new.entered_ms
        for name, at_ms in (("happened", new.happened_ms), ("entered", entered_ms)):
            if at_ms > now_ms + FUTURE_MS:
                when = instant(at_ms).isoformat(timespec="minutes")
                raise InputError(
                    f"{new.kind} {name} at {when}: that is in the future", "in_future"
                )
        self._check_trip(new)
        self._check_correction(new)

    def _check_trip(self, new: NewVesselRecord) -> None:
        if new.trip is None:
            return
        try:
            vessel = self._registry.vessel_of_trip(new.trip)
        except MissingError:
            if _TRIP.fullmatch(new.trip) is None:
                raise InputError(
                    f"trip id {new.trip!r} does not match {_TRIP.pattern}", "form_old"
                ) from None
            return
        if vessel != new.vessel:
            raise MissingError(f"there is no trip {new.trip} of {new.vessel}")

    def _check_correction(self, new: NewVesselRecord) -> None:
        if new.corrects is None:
            return
        if new.corrects == new.id:
            raise InputError(f"record {new.id} cannot correct itself", "form_old")
        old = self._registry.find_vessel_record(new.corrects)
        if old is not None and (old.vessel, old.trip, old.kind) != (
            new.vessel,
            new.trip,
            new.kind,
        ):
            raise InputError(
                f"record {new.corrects} is {old.kind} of another trip or kind: a "
                "correction stays in its trip and kind",
                "correction_elsewhere",
            )

    def gate(self, landing: str, species: str, *, kg: float | None = None) -> Asked:
        """Return what stands against goods of a landing, and what is told beside it."""
        view = self.view(trip_of_landing(self._registry, landing))
        drawn = self.drawn(landing).get(species, 0.0)
        return ask_gate(
            self._registry,
            case_of(view, view.landing(landing), species, kg=kg, drawn_kg=drawn),
        )

    def drawn(self, landing: str) -> dict[str, float]:
        """Return the kilograms of a landing that became lots, by species."""
        return self._sums(self._registry.lots_of_landing(landing))

    def _sums(self, lots: Sequence[Lot]) -> dict[str, float]:
        sums: dict[str, float] = {}
        for one in lots:
            species = self._registry.get_product(one.product).species
            sums[species] = round(sums.get(species, 0.0) + one.kg, 3)
        return sums

    def make_lot(self, person: str, new: NewCatchLot) -> Lot:
        """Draw a lot from a landing, with what is known of its catch frozen in.

        Done twice it is the same lot.

        Raises:
            GateRefusedError: the rules do not allow it; it says why.
            InputError: that is no possible weight.
            MissingError: no such landing or product, or not his.
        """
        check_uuid("lot", new.id)
        if not 0 < new.kg <= 1_000_000:
            raise InputError(
                f"{new.kg:g} kg is no possible weight of a lot", "kg_wrong", kg=new.kg
            )
        trip = trip_of_landing(self._registry, new.landing)
        view = self.view(trip)
        self._must_be(person, view.vessel.organisation, SELLERS)
        product = self._registry.get_product(new.product)
        if product.organisation != view.vessel.organisation:
            raise MissingError(f"product {new.product} is not registered")
        made = self._lot(person, new, view, product)
        known = self._known(new.landing, made.id)
        return self._drawn(new, view, product, made) if known is None else known

    def _known(self, landing: str, lot: str) -> Lot | None:
        lots = self._registry.lots_of_landing(landing)
        return next((one for one in lots if one.id == lot), None)

    def _lot(
        self, person: str, new: NewCatchLot, view: TripView, product: Product
    ) -> Lot:
        landing = view.landing(new.landing)
        landed_ms = self._now_ms() if landing is None else landing.record.happened_ms
        made = lot_of_landing(
            product, new.landing, landed_ms, new.kg, self._now_ms(), person
        )
        name = uuid.uuid5(events.NAMESPACE, f"lot/{new.landing}/{product.id}/{new.id}")
        code = f"{made.code.partition('-')[0]}-{name.hex[:6].upper()}"
        return msgspec.structs.replace(made, id=str(name), code=code)

    def _drawn(
        self, new: NewCatchLot, view: TripView, product: Product, made: Lot
    ) -> Lot:
        landing = view.landing(new.landing)
        asked = self.gate(new.landing, product.species, kg=new.kg)
        if asked.standing or landing is None:
            raise GateRefusedError(asked.standing)
        found = self._evidence.of(view, landing, asked)
        plain = msgspec.to_builtins(found)
        lot = msgspec.structs.replace(
            made, evidence=plain, evidence_digest=digest(plain)
        )
        self._registry.draw_lot(
            lot,
            of_catch(lot, product, found, view.book),
            self._is_enough(view, landing, product.species, new.kg),
        )
        return self._registry.get_lot(lot.id)

    def _is_enough(
        self, view: TripView, landing: Standing, species: str, kg: float
    ) -> Callable[[Sequence[Lot]], None]:
        """Return what asks once more, when nobody else can draw: is it still there?"""
        products = {one.id: one.species for one in self._registry.products()}

        def ask(drawn: Sequence[Lot]) -> None:
            taken = sum(one.kg for one in drawn if products[one.product] == species)
            case = case_of(view, landing, species, kg=kg, drawn_kg=round(taken, 3))
            refused = weighed(case)
            if refused:
                raise GateRefusedError(refused)

        return ask
