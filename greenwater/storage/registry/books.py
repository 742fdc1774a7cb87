"""Products, crops, records and lots."""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.storage.registry.models import Organisation, Site, Unit
from greenwater.storage.registry.models.books import (
    CropRow,
    LotRow,
    ProductRow,
    RecordRow,
)
from greenwater.storage.registry.models.farm_records import RecordConfirmationRow
from greenwater.storage.registry.people import parse_slug
from greenwater.storage.registry.rows import (
    add_once,
    get_row,
    parse_name,
    standing,
    struct_of,
)
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.ledger import EventDraft, append_events


class Product(Struct, frozen=True):
    """What is sold: its GTIN-14, names, species (ASFIS) and brand."""

    id: str
    organisation: str
    name_vi: str
    name_en: str
    species: str
    brand: str | None


class Crop(Struct, frozen=True):
    """One culture cycle in one unit; open while ``ended_ms`` is None."""

    id: str
    organisation: str
    unit: str
    product: str
    species: str
    name: str
    started_ms: int
    ended_ms: int | None


class Record(Struct, frozen=True):
    """One entry in the book. ``digest`` is over its content; it never changes.

    ``behalf_of`` is whom it was entered for, where another one entered it.
    """

    id: str
    organisation: str
    unit: str | None
    crop: str | None
    kind: str
    happened_ms: int
    entered_ms: int
    entered_by: str
    source: str
    fields: dict[str, Any]
    corrects: str | None
    digest: str
    site: str | None = None
    behalf_of: str | None = None


class Lot(Struct, frozen=True):
    """Goods that share one history.

    ``origin`` says which: ``harvest`` (of ``crop`` in ``unit``, with the evidence of its
    water frozen in), ``landing`` (of a vessel's trip) or ``step`` (made of other lots);
    what the other origins have is None, and evidence ``{}``. ``harvested_ms`` is the
    harvest or landing, of a made lot the earliest among its inputs.
    """

    id: str
    organisation: str
    code: str
    product: str
    origin: str
    crop: str | None
    unit: str | None
    harvest: str | None
    landing: str | None
    step: str | None
    harvested_ms: int
    kg: float
    evidence: dict[str, Any]
    evidence_digest: str
    created_ms: int
    created_by: str


class BooksSeen:
    """What may be asked about books; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def products(self) -> Sequence[Product]:
        """Return the products, by GTIN."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(ProductRow).order_by(ProductRow.id))
            return [struct_of(Product, row) for row in rows]

    def get_product(self, gtin: str) -> Product:
        """Return one product.

        Raises:
            MissingError: there is none of that GTIN.
        """
        with self._sessions.reading() as session:
            return struct_of(Product, get_row(session, ProductRow, gtin))

    def crops(self, *, unit: str | None = None) -> Sequence[Crop]:
        """Return the crops, the newest first."""
        query = select(CropRow).order_by(CropRow.started_ms.desc(), CropRow.id)
        if unit is not None:
            query = query.where(CropRow.unit == unit)
        with self._sessions.reading() as session:
            return [struct_of(Crop, row) for row in session.scalars(query)]

    def get_crop(self, crop: str) -> Crop:
        """Return one crop.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return struct_of(Crop, get_row(session, CropRow, crop))

    def records(
        self,
        *,
        crop: str | None = None,
        unit: str | None = None,
        site: str | None = None,
        organisation: str | None = None,
        kinds: Collection[str] | None = None,
        within: tuple[int, int] | None = None,
    ) -> Sequence[Record]:
        """Return the entries, by when they happened; corrected ones too.

        ``within``: those from an instant until before another one.
        """
        query = select(RecordRow).order_by(
            RecordRow.happened_ms, RecordRow.entered_ms, RecordRow.id
        )
        wanted = {"crop": crop, "unit": unit, "site": site}
        wanted["organisation"] = organisation
        for column, value in wanted.items():
            if value is not None:
                query = query.where(getattr(RecordRow, column) == value)
        if kinds is not None:
            query = query.where(RecordRow.kind.in_(sorted(kinds)))
        if within is not None:
            start_ms, end_ms = within
            query = query.where(
                RecordRow.happened_ms >= start_ms, RecordRow.happened_ms < end_ms
            )
        with self._sessions.reading() as session:
            return [struct_of(Record, row) for row in session.scalars(query)]

    def records_after(
        self, after: tuple[int, str] | None, *, limit: int
    ) -> Sequence[Record]:
        """Return the entries beyond (entered_ms, id), in that order: a page of them."""
        query = select(RecordRow).order_by(RecordRow.entered_ms, RecordRow.id)
        if after is not None:
            place = tuple_(RecordRow.entered_ms, RecordRow.id)
            query = query.where(place > after)
        with self._sessions.reading() as session:
            return [
                struct_of(Record, row) for row in session.scalars(query.limit(limit))
            ]

    def newest_records(self, limit: int) -> Sequence[Record]:
        """Return what was entered last, the newest first."""
        query = (
            select(RecordRow)
            .order_by(RecordRow.entered_ms.desc(), RecordRow.id)
            .limit(limit)
        )
        with self._sessions.reading() as session:
            return [struct_of(Record, row) for row in session.scalars(query)]

    def awaiting_confirmation(self, person: str) -> Sequence[Record]:
        """Return what others entered for a person and he has not confirmed, newest first."""
        confirmed = (
            select(RecordConfirmationRow.record)
            .where(
                RecordConfirmationRow.record == RecordRow.id,
                RecordConfirmationRow.person == person,
            )
            .exists()
        )
        query = (
            select(RecordRow)
            .where(RecordRow.behalf_of == person, ~confirmed)
            .order_by(RecordRow.entered_ms.desc(), RecordRow.id)
        )
        with self._sessions.reading() as session:
            return [struct_of(Record, row) for row in session.scalars(query)]

    def find_record(self, record: str) -> Record | None:
        """Return one entry, if there is one of that id."""
        with self._sessions.reading() as session:
            row = session.scalar(select(RecordRow).where(RecordRow.id == record))
            return None if row is None else struct_of(Record, row)

    def corrections_of(self, records: Collection[str]) -> Sequence[Record]:
        """Return what corrects any of these, by id."""
        query = (
            select(RecordRow)
            .where(RecordRow.corrects.in_(sorted(records)))
            .order_by(RecordRow.id)
        )
        with self._sessions.reading() as session:
            return [struct_of(Record, row) for row in session.scalars(query)]

    def get_record(self, record: str) -> Record:
        """Return one entry.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return struct_of(Record, get_row(session, RecordRow, record))

    def lots(self, *, crop: str | None = None) -> Sequence[Lot]:
        """Return the lots, the newest first."""
        query = select(LotRow).order_by(LotRow.created_ms.desc(), LotRow.id)
        if crop is not None:
            query = query.where(LotRow.crop == crop)
        with self._sessions.reading() as session:
            return [struct_of(Lot, row) for row in session.scalars(query)]

    def lots_after(self, after: tuple[int, str] | None, *, limit: int) -> Sequence[Lot]:
        """Return the lots beyond (created_ms, id), in that order: a page of them."""
        query = select(LotRow).order_by(LotRow.created_ms, LotRow.id)
        if after is not None:
            query = query.where(tuple_(LotRow.created_ms, LotRow.id) > after)
        with self._sessions.reading() as session:
            return [struct_of(Lot, row) for row in session.scalars(query.limit(limit))]

    def lots_of_step(self, step: str) -> Sequence[Lot]:
        """Return the lots that a step made, by code."""
        query = select(LotRow).where(LotRow.step == step).order_by(LotRow.code)
        with self._sessions.reading() as session:
            return [struct_of(Lot, row) for row in session.scalars(query)]

    def get_lot(self, lot: str) -> Lot:
        """Return one lot.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return struct_of(Lot, get_row(session, LotRow, lot))

    def find_lot(self, gtin: str, code: str) -> Lot | None:
        """Return the lot of a product by its code, if there is one."""
        query = select(LotRow).where(LotRow.product == gtin, LotRow.code == code)
        with self._sessions.reading() as session:
            row = session.scalar(query)
            return None if row is None else struct_of(Lot, row)


class Books(BooksSeen):
    """Mixed into ``Registry``. Adding what is there already changes nothing.

    Raises (every ``add_``):
        MissingError: what it belongs to is not registered.
        ConflictError: it contradicts what is there.
    """

    def organisation_of_unit(self, unit: str) -> str:
        """Return whose a unit is."""
        with self._sessions.reading() as session:
            return get_row(session, Unit, unit).organisation

    def organisation_of_site(self, site: str) -> str:
        """Return whose a site is."""
        with self._sessions.reading() as session:
            return get_row(session, Site, site).organisation

    def producer_of(self, organisation: str) -> tuple[str, Sequence[tuple[str, str]]]:
        """Return an organisation's name and its sites as (name, commune)."""
        query = select(Site).where(Site.organisation == organisation).order_by(Site.id)
        with self._sessions.reading() as session:
            name = get_row(session, Organisation, organisation).name
            sites = [(site.name, site.commune or "") for site in session.scalars(query)]
            return name, sites

    def add_product(
        self,
        gtin: str,
        *,
        organisation: str,
        name_vi: str,
        name_en: str,
        species: str,
        brand: str | None = None,
    ) -> None:
        """Add what an organisation sells, under its GTIN-14."""
        facts = {
            "organisation": organisation,
            "name_vi": parse_name(name_vi),
            "name_en": parse_name(name_en),
            "species": species,
            "brand": brand,
        }
        with self._sessions.writing() as session:
            get_row(session, Organisation, organisation)
            add_once(session, ProductRow, {"id": gtin}, facts)

    def add_crop(self, crop: Crop) -> None:
        """Open a crop; a unit has at most one that is open."""
        facts = {
            name: getattr(crop, name)
            for name in Crop.__struct_fields__
            if name not in ("id", "ended_ms")
        } | {"name": parse_name(crop.name)}
        with self._sessions.writing() as session:
            get_row(session, Unit, crop.unit, lock=True)
            stands = select(CropRow).where(
                CropRow.unit == crop.unit,
                CropRow.ended_ms.is_(None),
                CropRow.id != crop.id,
            )
            for other in session.scalars(stands):
                raise ConflictError(
                    f"crop {other.name!r} is still open in unit {crop.unit}",
                    "crop_unit_busy",
                    crop=other.name,
                )
            get_row(session, ProductRow, crop.product)
            add_once(session, CropRow, {"id": parse_slug(crop.id)}, facts)

    def end_crop(self, crop: str, at_ms: int) -> None:
        """Close a crop; one that is closed stays as it is.

        Raises:
            InputError: it would end before it began.
        """
        with self._sessions.writing() as session:
            row = get_row(session, CropRow, crop, lock=True)
            if at_ms < row.started_ms:
                raise InputError(
                    f"crop {crop} cannot end before it began", "crop_ends_early"
                )
            if row.ended_ms is None:
                row.ended_ms = at_ms

    def add_record(self, record: Record, events: Sequence[EventDraft] = ()) -> bool:
        """Enter a record and its trace events; return whether it is new."""
        return self.add_records([(record, events)])[0]

    def add_records(
        self, entries: Sequence[tuple[Record, Sequence[EventDraft]]]
    ) -> list[bool]:
        """Enter records with their trace events, all or none; return which are new."""
        with self._sessions.writing() as session:
            return [_entered(session, record, events) for record, events in entries]

    def add_lot(self, lot: Lot, events: Sequence[EventDraft]) -> None:
        """Keep a lot and its trace events; the same lot again changes nothing."""
        with self._sessions.writing() as session:
            if standing(session, LotRow, asdict(lot)) is None:
                append_events(session, lot.organisation, events, lot.created_ms)


def _entered(session: Session, record: Record, events: Sequence[EventDraft]) -> bool:
    known = standing(session, RecordRow, asdict(record))
    if known is not None:
        if known.digest == record.digest:
            return False
        raise ConflictError(
            f"record {record.id} is there already with other content: enter a "
            "correction instead",
            "record_other",
        )
    append_events(session, record.organisation, events, record.entered_ms)
    return True
