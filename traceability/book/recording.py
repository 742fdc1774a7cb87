"""Entering records: whose they are, where they belong, that they can be.

Whether a record is taken depends on itself and on what is registered, never on which
other records have come: so any order and repetition of offline syncs gives the same book
(``corrections`` says which records count).
"""

import copy
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import DAY_MS, Reading, instant, milliseconds
from greenwater.reference.records import Place, RecordKind, get_kind
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop, Record
from greenwater.storage.registry.farm_records import KEEPERS
from traceability.book.asked_once import asked_once
from traceability.book.families import family_of
from traceability.book.handwater import HandWater
from traceability.corrections import is_fitting
from traceability.ledger import events
from traceability.ports import Telemetry
from traceability.records import FieldError, checked_fields, digest

WRITERS: Final = frozenset(KEEPERS)
SOURCES: Final = frozenset({"hand", "import", "probe"})
FUTURE_MS: Final = 5 * 60 * 1000
EARLIEST_MS: Final = 946_684_800_000
"""2000-01-01: nothing in a book happened before."""
PRECEDES_MS: Final = 90 * DAY_MS
"""How long before its crop began seed may have been bought, in ms."""

TakeIn = Callable[[Sequence[Reading]], object]
"""Stores readings as any other, so that analytics sees them."""


class NewRecord(Struct, frozen=True, kw_only=True):
    """What was typed. ``id`` is made by the device it was typed on (a UUID).

    A crop, a unit, a site or an organisation says where it belongs; the narrowest counts.
    ``behalf_of`` is the person it is entered for, where that is another one.
    """

    id: str
    kind: str
    happened_ms: int
    fields: Mapping[str, Any]
    crop: str | None = None
    unit: str | None = None
    site: str | None = None
    organisation: str | None = None
    corrects: str | None = None
    behalf_of: str | None = None
    source: str = "hand"


class Entered(Struct, frozen=True):
    """A record as it is kept; ``notice`` says what is odd about it."""

    record: Record
    is_new: bool
    notice: str = ""


class _Place(Struct, frozen=True):
    organisation: str
    site: str | None
    unit: str | None
    crop: Crop | None


class Recording:
    """Takes records in. ``person`` is who does it; others' books do not exist for him."""

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        clock: Clock,
        take_in: TakeIn | None = None,
    ) -> None:
        self._registry, self._clock = registry, clock
        self._water = HandWater(registry, telemetry, take_in or telemetry.write)

    def for_many(self) -> "Recording":
        """Return the same for one file: it asks for each place and person once."""
        made = copy.copy(self)
        made._registry = asked_once(self._registry)
        return made

    def enter(self, person: str, new: NewRecord) -> Record:
        """Enter a record as a page does, where all there is can be seen.

        Raises: as ``take``, and
            InputError: what it corrects is of another kind, crop or place.
            MissingError: what it corrects is not there.
        """
        made, crop = self._made(person, new)
        if made.corrects is not None:
            old = self._registry.get_record(made.corrects)
            if not is_fitting(made, old):
                raise InputError(
                    f"record {made.corrects} is {old.kind} of {old.crop or old.unit}: a "
                    "correction stays in its crop and kind",
                    "correction_elsewhere",
                )
        return self._keep(made, crop).record

    def take(self, person: str, new: NewRecord) -> Entered:
        """Take in a record of an offline sync; the same again changes nothing.

        Raises:
            InputError: something in it cannot be; the sentence names it.
            MissingError: there is no such place, or it is not his.
            ConflictError: the id stands for another record.
        """
        return self._keep(*self._made(person, new))

    def take_all(self, person: str, many: Sequence[NewRecord]) -> int:
        """Take in many records, all or none; return how many are new. Raises: as ``take``."""
        recording = self.for_many()
        made = [recording._made(person, new) for new in many]
        are_new = self._registry.add_records(
            [
                (record, [] if crop is None else events.of_record(record, crop))
                for record, crop in made
            ]
        )
        for record, _ in made:
            self._water.settle(record)
        return sum(are_new)

    def check(self, person: str, new: NewRecord) -> Record:
        """Return the record that would be kept, and keep nothing. Raises: as ``take``."""
        return self._made(person, new)[0]

    def confirm(self, person: str, record: str) -> bool:
        """Note that a person stands by what was entered for him; whether that is new.

        Raises:
            InputError: it was not entered for him.
            MissingError: there is no such record in a book of his.
        """
        found = self._registry.get_record(record)
        self.may_write(person, found.organisation)
        if found.behalf_of != person:
            raise InputError(
                f"record {record} was not entered for {person}: only whom it was entered "
                "for confirms it",
                "not_for_you",
            )
        now_ms = milliseconds(self._clock.now())
        return self._registry.confirm_record(record, person, now_ms=now_ms)

    def may_write(self, person: str, organisation: str) -> None:
        """Refuse who keeps no books there.

        Raises:
            MissingError: he does not.
        """
        if organisation not in self._written_by(person):
            raise MissingError(f"{person} keeps no books of {organisation}")

    def _written_by(self, person: str) -> list[str]:
        return self._registry.get_person(person).organisations(WRITERS)

    def _keep(self, made: Record, crop: Crop | None) -> Entered:
        drafts = [] if crop is None else events.of_record(made, crop)
        is_new = self._registry.add_record(made, drafts)
        kept = self._registry.get_record(made.id)
        # Also when it was there: the last try may have ended between the two databases.
        self._water.settle(kept)
        return Entered(kept, is_new, self._notice(kept))

    def _notice(self, kept: Record) -> str:
        if kept.corrects is None:
            return ""
        old = self._registry.find_record(kept.corrects)
        if old is None or old.organisation != kept.organisation:
            return f"record {kept.corrects}, which it corrects, has not come yet"
        if not is_fitting(kept, old):
            return (
                f"record {kept.corrects} is of another kind or place: this counts as an "
                "entry of its own"
            )
        rivals = family_of(self._registry, kept).rivals
        if rivals:
            return f"record {kept.corrects} was corrected otherwise too: choose one"
        return ""

    def _made(self, person: str, new: NewRecord) -> tuple[Record, Crop | None]:
        about = get_kind(new.kind)
        place = self._placed(person, new, about)
        now_ms = milliseconds(self._clock.now())
        _check_time(new, about, place.crop, now_ms)
        if new.source not in SOURCES:
            raise FieldError(
                "source",
                f"source {new.source[:40]!r} is not hand, import or probe",
                "form_old",
            )
        fields = checked_fields(new.kind, new.fields)
        corrects = None if new.corrects is None else _uuid("corrects", new.corrects)
        behalf = self._behalf(person, new.behalf_of, place.organisation)
        made = Record(
            _uuid("id", new.id),
            place.organisation,
            place.unit,
            None if place.crop is None else place.crop.id,
            new.kind,
            new.happened_ms,
            now_ms,
            person,
            new.source,
            fields,
            corrects,
            "",
            place.site,
            behalf,
        )
        return replace(made, digest=_digest(made)), place.crop

    def _behalf(self, person: str, wanted: str | None, organisation: str) -> str | None:
        if not wanted or wanted == person:
            return None
        try:
            is_keeper = self._registry.get_person(wanted).is_any(WRITERS, organisation)
        except MissingError:
            is_keeper = False
        if not is_keeper:
            raise FieldError(
                "behalf_of",
                f"behalf_of {wanted[:60]!r} is nobody who keeps the books of {organisation}",
                "behalf_nobody",
            )
        return wanted

    def _placed(self, person: str, new: NewRecord, about: RecordKind) -> _Place:
        if new.crop:
            crop = self._registry.get_crop(new.crop)
            self.may_write(person, crop.organisation)
            site = self._registry.get_unit(crop.unit).site
            return _Place(crop.organisation, site, crop.unit, crop)
        _need(about, Place.CROP, new.kind)
        if new.unit:
            unit = self._registry.get_unit(new.unit)
            organisation = self._registry.organisation_of_unit(unit.id)
            self.may_write(person, organisation)
            return _Place(organisation, unit.site, unit.id, None)
        _need(about, Place.UNIT, new.kind)
        if new.site:
            organisation = self._registry.organisation_of_site(new.site)
            self.may_write(person, organisation)
            return _Place(organisation, new.site, None, None)
        _need(about, Place.SITE, new.kind)
        return _Place(self._organisation(person, new.organisation), None, None, None)

    def _organisation(self, person: str, wanted: str | None) -> str:
        ours = self._written_by(person)
        if wanted is None and len(ours) == 1:
            return ours[0]
        if wanted is None and ours:
            raise FieldError(
                "organisation", f"say whose: one of {', '.join(ours)}", "whose_book"
            )
        self.may_write(person, wanted or "")
        return wanted or ""


def _digest(made: Record) -> str:
    """Return the digest of what a record says: not of its id, nor of when it came."""
    content = {
        "crop": made.crop,
        "kind": made.kind,
        "happened_ms": made.happened_ms,
        "fields": made.fields,
        "corrects": made.corrects,
        "by": made.entered_by,
        "source": made.source,
    }
    if made.crop is None:
        content |= {
            "organisation": made.organisation,
            "site": made.site,
            "unit": made.unit,
        }
    if made.behalf_of is not None:
        content["behalf_of"] = made.behalf_of
    return digest(content)


def _need(about: RecordKind, place: Place, kind: str) -> None:
    if about.place is place:
        raise FieldError(
            place.value,
            f"{kind} belongs to a {place}: name it",
            "record_no_place",
            kind=kind,
        )


def _uuid(field: str, text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise FieldError(
            field, f"record {field} {text[:60]!r} is not a UUID", "form_old"
        ) from None


def _check_time(
    new: NewRecord, about: RecordKind, crop: Crop | None, now_ms: int
) -> None:
    if new.happened_ms > now_ms + FUTURE_MS:
        raise FieldError(
            "happened",
            f"{new.kind} at {_when(new)} lies in the future; enter it then",
            "in_future",
        )
    if new.happened_ms < EARLIEST_MS:
        raise FieldError(
            "happened", f"{new.kind} lies before 2000; correct the date", "before_2000"
        )
    if crop is None:
        return
    allowed_ms = PRECEDES_MS if about.may_precede else 0
    if new.happened_ms < crop.started_ms - allowed_ms:
        raise FieldError(
            "happened",
            f"{new.kind} at {_when(new)} lies before crop {crop.name} began; correct the "
            "date, or the crop",
            "before_crop",
            crop=crop.name,
        )


def _when(new: NewRecord) -> str:
    try:
        return instant(new.happened_ms).isoformat(timespec="minutes")
    except (OverflowError, ValueError, OSError):
        return f"{new.happened_ms} ms"
