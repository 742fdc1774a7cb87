"""Records of a vessel's book from a file, tried before anything is kept.

Choices are called ``list/word`` in ``Names``, and species ``species/word``.

As a farm's file: each bad row with its reason (``tables``). A row names one species; rows
that are alike in all but species and kilograms, one below the other, are one record. ``trip`` is analytics' id, or any name of the trip.
"""

import datetime as dt
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from greenwater.kernel.clock import VIETNAM
from greenwater.reference.vessel_records import (
    VESSEL_KINDS,
    VesselField,
    VesselFieldType,
    get_vessel_kind,
)
from greenwater.storage.registry import Registry
from traceability.book.tables import (
    NO_NAMES,
    Cells,
    Names,
    Number,
    RowError,
    Trial,
    instant_of,
    is_there,
    kind_of,
    named,
    no_field,
    plain,
    rows_of_table,
    tried,
)
from traceability.ledger.events import NAMESPACE
from traceability.sea.vessels import NewVesselRecord, VesselBooks

KINDS: Final = tuple(
    one for one in VESSEL_KINDS if one not in ("statement", "confirmation")
)
"""What may come from a file: what is signed, or is an officer's, does not."""

LINE: Final = ("species", "kg", "discards_kg")
OTHERS: Final = ("time", "kind", "trip", "behalf_of")
_TRIP: Final = re.compile(r"[0-9a-z][0-9a-z-]{3,63}")


class SeaImporter:
    """Tries and takes in files of one vessel."""

    def __init__(self, registry: Registry, books: VesselBooks, vessel: str) -> None:
        self._registry, self._books, self._vessel = registry, books, vessel

    def try_out(
        self,
        person: str,
        text: str,
        *,
        kind: str = "",
        names: Names = NO_NAMES,
        number: Number = str,
    ) -> Trial[NewVesselRecord]:
        """Return what a file would do; ``kind`` holds where no column says it.

        Raises:
            InputError: it is no table, or has more rows than may be.
        """
        seen: Counter[str] = Counter()
        books = self._books.for_many()

        def read(together: Sequence[Cells]) -> tuple[NewVesselRecord, bool]:
            new = named(self._read(together, kind, names, number), person, seen)
            known = self._registry.find_vessel_record(new.id)
            return new, is_there(books.check(person, new), known)

        return tried(_records(rows_of_table(text, names)), read)

    def take_in(self, person: str, trial: Trial[NewVesselRecord]) -> int:
        """Keep the good rows of a trial, all or none; return how many are new."""
        return self._books.record_all(person, trial.rows)

    def _read(
        self, together: Sequence[Cells], kind: str, names: Names, number: Number
    ) -> NewVesselRecord:
        cells = together[0]
        kind = kind_of(cells, names, kind)
        if kind not in KINDS:
            raise RowError(
                "kind",
                cells.get("kind", "")[:80],
                f"say the kind of record: {', '.join(KINDS)}",
                "import_kind",
            )
        known = {one.name: one for one in get_vessel_kind(kind).fields}
        fields: dict[str, Any] = {}
        for name, cell in cells.items():
            if cell and name not in OTHERS and name not in LINE:
                if name not in known:
                    raise no_field(kind, name, cell)
                fields[name] = _value(known[name], cell, names, number)
        lines = [found for one in together if (found := _line(one, names, number))]
        if lines and "lines" not in known:
            raise RowError(
                "species", "", f"a record {kind} has no fish", "import_no_fish"
            )
        if lines:
            fields["lines"] = lines
        return NewVesselRecord(
            id="",
            vessel=self._vessel,
            kind=kind,
            happened_ms=instant_of(cells.get("time", "")),
            fields=fields,
            trip=None if kind == "paper" else self._trip(cells.get("trip", "")),
            entered_for=cells.get("behalf_of") or None,
            source="import",
        )

    def _trip(self, text: str) -> str:
        if not text:
            raise RowError(
                "trip", "", "say which trip: its number, or a name of it", "import_trip"
            )
        if _TRIP.fullmatch(text):
            return text
        return str(uuid.uuid5(NAMESPACE, f"trip/{self._vessel}/{plain(text)}"))


def _records(
    rows: Iterator[tuple[int, dict[str, str]]],
) -> Iterator[tuple[int, list[Cells]]]:
    """Yield rows that are one record together, under the number of the first."""
    first, together, before = 0, list[Cells](), dict[str, str]()
    for number, cells in rows:
        same = {name: cell for name, cell in cells.items() if name not in LINE}
        if together and cells.get("species") and same == before:
            together.append(cells)
            continue
        if together:
            yield first, together
        first, together, before = number, [cells], same
    if together:
        yield first, together


def _line(cells: Cells, names: Names, number: Number) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: number(cells[name]) for name in LINE[1:] if cells.get(name)
    }
    said = cells.get("species", "")
    species = names.choices.get(f"species/{plain(said)}", said.upper())
    return {"species": species, **found} if species or found else {}


def _value(field: VesselField, cell: str, names: Names, number: Number) -> Any:
    if field.type is VesselFieldType.NUMBER:
        return number(cell)
    if field.type in (VesselFieldType.INSTANT, VesselFieldType.DAY):
        try:
            at_ms = instant_of(cell)
        except RowError as exc:
            raise RowError(field.name, cell[:80], str(exc), "import_time") from None
        return at_ms if field.type is VesselFieldType.INSTANT else _day(at_ms)
    if field.type is VesselFieldType.CHOICE:
        return names.choices.get(f"{field.list}/{plain(cell)}", cell)
    return cell


def _day(at_ms: int) -> str:
    return dt.datetime.fromtimestamp(at_ms / 1000, VIETNAM).date().isoformat()


def sea_titles(kind: str, titles: Callable[[str], str]) -> list[str]:
    """Return the titles of an empty file for a kind of record of a vessel."""
    columns = ["time"] if kind == "paper" else ["time", "trip"]
    for one in get_vessel_kind(kind).fields:
        if one.type is VesselFieldType.LINES:
            columns += LINE if one.has_discards else LINE[:2]
        else:
            columns.append(one.name)
    return [titles(one) for one in columns]
