"""What a farmer does with the book: opens a crop, enters records, makes a lot."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec
from msgspec.structs import replace

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import day_of, milliseconds
from greenwater.reference.species import get_species
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop, Lot, Record
from greenwater.storage.registry.people import Role
from traceability.book.families import family_of
from traceability.book.gate import judged_crop
from traceability.book.green import aerator_hours
from traceability.book.locality import locality_of
from traceability.book.recording import WRITERS, NewRecord, Recording, TakeIn
from traceability.book.water import evidence_of
from traceability.gate.harvest import GateRefusedError, Refusal
from traceability.gs1.demonstration import demonstration_gtins
from traceability.ledger import events
from traceability.ports import Telemetry
from traceability.proof.links import parse_gtin
from traceability.records import digest
from traceability.withdrawal import Withheld, withheld

__all__ = ["SELLERS", "WRITERS", "Books", "NewRecord"]

SELLERS: Final = WRITERS | {Role.BOAT_OWNER}
"""Who adds what is sold and issues labels for it."""


class Books:
    """The use cases. ``person`` is who does it; others' books do not exist for him."""

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        clock: Clock,
        take_in: TakeIn | None = None,
    ) -> None:
        self._registry, self._telemetry, self._clock = registry, telemetry, clock
        self.recording = Recording(registry, telemetry, clock, take_in)

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def add_product(
        self,
        person: str,
        *,
        gtin: str,
        name_vi: str,
        name_en: str,
        species: str,
        brand: str = "",
    ) -> str:
        """Add what the person's organisation sells; return its GTIN-14.

        Without ``gtin`` it gets one of GS1's for demonstrations, the same if asked again.

        Raises:
            InputError: that is no GTIN, or the name is empty.
            ConflictError: the GTIN stands for another product.
            MissingError: no such species, or the person keeps no books.
        """
        ours = self._registry.get_person(person).organisations(SELLERS)
        if not ours:
            raise MissingError(f"{person} keeps no books")
        known = get_species(species)

        def add(number: str) -> str:
            self._registry.add_product(
                number,
                organisation=ours[0],
                name_vi=name_vi,
                name_en=name_en.strip() or f"{known.en} ({known.latin})",
                species=species,
                brand=brand.strip() or None,
            )
            return number

        if typed := gtin.strip():
            return add(parse_gtin(typed))
        *first, last = demonstration_gtins(ours[0], name_vi.strip(), species, brand)
        for one in first:
            with suppress(ConflictError):  # it stands for another product
                return add(one)
        return add(last)

    def open_crop(
        self,
        person: str,
        *,
        crop: str,
        unit: str,
        product: str,
        name: str,
        started_ms: int,
    ) -> Crop:
        """Open a crop in a unit.

        Raises:
            ConflictError: the unit has an open crop already.
            MissingError: no such unit or product, or not his.
        """
        organisation = self._registry.organisation_of_unit(unit)
        self.recording.may_write(person, organisation)
        species = self._registry.get_product(product).species
        get_species(species)
        made = Crop(crop, organisation, unit, product, species, name, started_ms, None)
        self._registry.add_crop(made)
        return self._registry.get_crop(crop)

    def end_crop(self, person: str, crop: str) -> None:
        """End a crop now; one that has ended stays as it is.

        Raises:
            InputError: it began later than that.
            MissingError: no such crop, or not his.
        """
        self.recording.may_write(person, self._registry.get_crop(crop).organisation)
        self._registry.end_crop(crop, self._now_ms())

    def record(self, person: str, new: NewRecord) -> Record:
        """Enter a record; the same again changes nothing.

        Raises:
            InputError: something in it cannot be; the sentence names it.
            MissingError: no such crop, or not his.
            ConflictError: the id stands for another record.
        """
        return self.recording.enter(person, new)

    def withheld(self, crop: str) -> Withheld | None:
        """Return until when the crop may not be harvested; None: it may."""
        found = withheld(self._registry.records(crop=crop))
        return found if found and found.until_ms > self._now_ms() else None

    def gate(
        self, crop: Crop, *, harvest: str | None = None, kg: float | None = None
    ) -> Sequence[Refusal]:
        """Return what stands against a lot with labels; empty: nothing.

        What an override lifted is left out.
        """
        records = self._registry.records(crop=crop.id)
        return judged_crop(
            self._registry, crop, records,
            now_ms=self._now_ms(), harvest=harvest, kg=kg,
        ).standing  # fmt: skip

    def make_lot(self, person: str, *, harvest: str, kg: float | None = None) -> Lot:
        """Make a harvest's lot, its water's evidence frozen in; done twice: the same.

        Raises:
            GateRefusedError: the rules do not allow it; it says why.
            MissingError: no such harvest, or not his.
        """
        record = self._registry.get_record(harvest)
        if record.crop is None:
            raise InputError(
                f"record {harvest} is no harvest but {record.kind}", "no_harvest_record"
            )
        crop = self._registry.get_crop(record.crop)
        self.recording.may_write(person, crop.organisation)
        made = next(
            (
                lot
                for lot in self._registry.lots(crop=crop.id)
                if lot.harvest == harvest
            ),
            None,
        )
        if made is not None:
            return made
        self._refuse_second_lot(record)
        weight = float(record.fields.get("kg", 0)) if kg is None else kg
        refusals = self.gate(crop, harvest=harvest, kg=weight)
        if record.kind != "harvest":
            raise InputError(
                f"record {harvest} is no harvest but {record.kind}", "no_harvest_record"
            )
        if refusals:
            raise GateRefusedError(refusals)
        return self._keep_lot(person, crop, record, weight)

    def _refuse_second_lot(self, record: Record) -> None:
        """Refuse a lot of a harvest whose older version has one already."""
        versions = {one.id for one in family_of(self._registry, record).members}
        for lot in self._registry.lots(crop=record.crop):
            if lot.harvest in versions:
                raise ConflictError(
                    f"the harvest was corrected after its lot {lot.code} was made: recall "
                    "that lot, or leave it",
                    "harvest_corrected",
                    lot=lot.code,
                )

    def _keep_lot(self, person: str, crop: Crop, record: Record, kg: float) -> Lot:
        until_ms, unit = record.happened_ms, self._registry.get_unit(crop.unit)
        found = replace(
            evidence_of(self._registry, self._telemetry, crop, until_ms),
            aerators=aerator_hours(
                self._registry, self._telemetry, crop.unit, crop.started_ms, until_ms
            ),
            place=locality_of(self._registry.get_site(unit.site)),
        )
        evidence = msgspec.to_builtins(found)
        day = f"{day_of(record.happened_ms):%y%m%d}"
        lot = Lot(
            str(uuid.uuid5(events.NAMESPACE, f"lot/{record.id}")),
            crop.organisation,
            f"{day}-{record.id.replace('-', '')[:6].upper()}",
            crop.product,
            "harvest",
            crop.id,
            crop.unit,
            record.id,
            None,
            None,
            record.happened_ms,
            kg,
            evidence,
            digest(evidence),
            self._now_ms(),
            person,
        )
        product = self._registry.get_product(crop.product)
        self._registry.add_lot(lot, events.of_lot(lot, crop, product, unit.kind))
        return self._registry.get_lot(lot.id)
