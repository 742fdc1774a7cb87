"""Records from a file, tried before anything is kept: each bad row with its reason.

A row's id is made from what stands in it, so that importing a file twice changes nothing.
Columns may be named by the fields or, through ``titles``, as people call them.
"""

import csv
import datetime as dt
import io
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import instant, milliseconds
from greenwater.reference.communes import find_commune
from greenwater.reference.records import FieldType, get_kind
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop, Record
from greenwater.storage.registry.scope import Scope
from traceability.book.recording import NewRecord, Recording
from traceability.book.workbooks import (
    MAX_BYTES,
    MAX_ROWS,
    csv_of_workbook,
    is_workbook,
)
from traceability.ledger.events import NAMESPACE
from traceability.records import FieldError, canonical

PLACES: Final = ("crop", "unit", "site", "commune")
OTHERS: Final = ("time", "kind", "id", "corrects", "behalf_of")
WHEN: Final = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M")
DAY: Final = ("%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d")


class Trouble(Struct, frozen=True):
    """What is wrong with a row: its number in the file, the column, what stood there."""

    row: int
    column: str
    value: str
    reason: str


class Renamed(Struct, frozen=True):
    """An old name of a commune that was read as the one of today."""

    old: str
    new: str


class Trial(Struct, frozen=True):
    """What an import would do; nothing has been done."""

    rows: tuple[NewRecord, ...]
    there: int
    troubles: tuple[Trouble, ...]
    renamed: tuple[Renamed, ...] = ()


class RowError(InputError):
    """A row that says something that cannot be, in one of its columns."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value = column, value


class Names(Struct, frozen=True):
    """How people call columns and choices: the word, in small letters, to our name."""

    columns: Mapping[str, str] = {}
    choices: Mapping[str, str] = {}


NO_NAMES: Final = Names()


def plain(word: str) -> str:
    """Return a word as titles are compared: small letters, single spaces, no unit."""
    return " ".join(word.split("(")[0].strip().lower().split())


def decoded(raw: bytes, *, point: str = ".") -> str:
    """Return a file's text; of an Excel workbook the CSV of its sheet.

    ``point`` is the decimal mark that a workbook's numbers are written with.

    Raises:
        InputError: it is too large, or no table that we read.
    """
    if is_workbook(raw):
        return csv_of_workbook(raw, point=point)
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"the file has more than {MAX_BYTES // 2**20} MB: split it into several"
        )
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(
            "the file is not UTF-8: in Excel choose Save as… CSV UTF-8"
        ) from None


class Importer:
    """Tries and takes in files. ``seen`` is what the person may see."""

    def __init__(self, registry: Registry, recording: Recording, seen: Scope) -> None:
        self._registry, self._recording, self._seen = registry, recording, seen

    def try_out(
        self,
        person: str,
        text: str,
        *,
        kind: str = "",
        crop: str = "",
        names: Names = NO_NAMES,
        number: Callable[[str], str] = str,
    ) -> Trial:
        """Return what a file would do. ``kind`` and ``crop`` hold where no column says.

        ``number`` turns a number as people type it into one with a decimal point.

        Raises:
            InputError: it is no table, or has more rows than may be.
        """
        places, recording = _Places(self._seen), self._recording.for_many()
        seen: Counter[str] = Counter()
        good: list[NewRecord] = []
        troubles: list[Trouble] = []
        there = 0
        for row, cells in rows_of_table(text, names):
            try:
                new = _read(cells, kind, crop, places, names, number)
                new = _named(new, person, seen, cells)
                if self._is_there(recording.check(person, new)):
                    there += 1
                else:
                    good.append(new)
            except RowError as exc:
                troubles.append(Trouble(row, exc.column, exc.value, str(exc)))
            except FieldError as exc:
                column = "time" if exc.field == "happened" else exc.field
                value = cells.get(column, "")[:80]
                troubles.append(Trouble(row, column, value, str(exc)))
            except (InputError, MissingError, ConflictError) as exc:
                troubles.append(Trouble(row, "", "", str(exc)))
        return Trial(tuple(good), there, tuple(troubles), tuple(places.renamed))

    def _is_there(self, made: Record) -> bool:
        known = self._registry.find_record(made.id)
        if known is None:
            return False
        if known.digest == made.digest:
            return True
        raise ConflictError(
            f"record {made.id} is there already with other content: enter a correction"
        )

    def take_in(self, person: str, trial: Trial) -> int:
        """Keep the good rows of a trial, all or none; return how many are new."""
        return self._recording.take_all(person, trial.rows)


def rows_of_table(text: str, names: Names) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each filled row's number in the file and its cells by our names of columns."""
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    delimiter = max(";\t,", key=head.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as exc:
        raise InputError(f"the file is no CSV table: {exc}") from None
    table_rows = [
        (number, cells)
        for number, cells in enumerate(table, 1)
        if any(one.strip() for one in cells)
    ]
    if not table_rows:
        raise InputError("the file is empty: take a template, and fill it in")
    if len(table_rows) > MAX_ROWS + 1:
        raise InputError(f"the file has more than {MAX_ROWS} rows: split it")
    columns = [
        names.columns.get(plain(one), plain(one)).replace(" ", "_")
        for one in table_rows[0][1]
    ]
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise InputError(f"column {twice[0]!r} stands there twice: keep one of them")
    if "time" not in columns:
        raise InputError(f"there is no column 'time' among {', '.join(columns)[:200]}")
    for number, cells in table_rows[1:]:
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        yield (
            number,
            {
                name: cell.strip()
                for name, cell in zip(columns, padded, strict=False)
                if name
            },
        )


def _read(
    cells: Mapping[str, str],
    kind: str,
    crop: str,
    places: "_Places",
    names: Names,
    number: Callable[[str], str],
) -> NewRecord:
    kind = (
        names.choices.get(plain(cells.get("kind", "")), cells.get("kind", "")) or kind
    )
    if not kind:
        raise RowError("kind", "", "say which kind of record this is")
    about = {one.name: one for one in get_kind(kind).fields}
    place = places.of(cells, crop)
    fields: dict[str, Any] = {}
    for name, cell in cells.items():
        if name in PLACES or name in OTHERS or not cell:
            continue
        field = about.get(name)
        if field is None:
            raise RowError(name, cell[:80], f"a record {kind} has no field {name!r}")
        if field.type is FieldType.NUMBER:
            fields[name] = number(cell)
        elif field.type is FieldType.CHOICE:
            fields[name] = (
                cell if cell in field.choices else names.choices.get(plain(cell), cell)
            )
        else:
            fields[name] = cell
    return NewRecord(
        id=cells.get("id", ""),
        kind=kind,
        happened_ms=instant_of(cells.get("time", ""), place.get("crop")),
        fields=fields,
        crop=place["crop"].id if "crop" in place else None,
        unit=place.get("unit"),
        site=place.get("site"),
        corrects=cells.get("corrects") or None,
        behalf_of=cells.get("behalf_of") or None,
        source="import",
    )


def _named(
    new: NewRecord, person: str, seen: Counter[str], cells: Mapping[str, str]
) -> NewRecord:
    """Return the record under an id of its own: what it says, and how often before."""
    if cells.get("id"):
        return new
    said = canonical(
        [person, *[getattr(new, one) for one in NewRecord.__struct_fields__]]
    )
    seen[said] += 1
    return replace(new, id=str(uuid.uuid5(NAMESPACE, f"import/{said}/{seen[said]}")))


def instant_of(text: str, crop: Crop | None = None) -> int:
    """Return when a row says it happened; a bare day is its beginning.

    On the day on which its crop began it is the crop's beginning.
    """
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        at = _as_people_write(text)
    is_day = len(text) <= len("23/11/2026")
    found = milliseconds(at.replace(tzinfo=at.tzinfo or VIETNAM))
    if is_day and crop is not None:
        began = instant(crop.started_ms).astimezone(VIETNAM)
        if began.date() == at.date():
            return max(found, crop.started_ms)
    return found


def _as_people_write(text: str) -> dt.datetime:
    for pattern in (*WHEN, *DAY):
        try:
            return dt.datetime.strptime(text, pattern)  # noqa: DTZ007  (the caller's zone)
        except ValueError:
            continue
    raise RowError("time", text[:80], "write a time such as 23/11/2026 07:30")


class _Places:
    """Crops, units and sites by id or by name, as far as one may see them."""

    def __init__(self, seen: Scope) -> None:
        self._crops = {one.id: one for one in seen.crops()}
        self._units = {one.id: one for one in seen.units()}
        self._sites = {one.id: one for one in seen.sites()}
        self.renamed: list[Renamed] = []

    def of(self, cells: Mapping[str, str], crop: str) -> dict[str, Any]:
        """Return crop, unit or site of a row."""
        found: dict[str, Any] = {}
        site = self._site(cells)
        if cells.get("unit"):
            units = {
                name: one.name
                for name, one in self._units.items()
                if site in (None, one.site)
            }
            found["unit"] = _one("unit", cells["unit"], units)
        if cells.get("crop") or (crop and "unit" not in found):
            wanted = cells.get("crop") or crop
            crops = {name: one.name for name, one in self._crops.items()}
            found["crop"] = self._crops[_one("crop", wanted, crops)]
        if site is not None:
            found["site"] = site
        return found

    def _site(self, cells: Mapping[str, str]) -> str | None:
        commune = cells.get("commune", "")
        within = self._within(commune) if commune else self._sites
        if cells.get("site"):
            names = {name: one.name for name, one in within.items()}
            return _one("site", cells["site"], names)
        if commune and len(within) == 1:
            return next(iter(within))
        return None

    def _within(self, commune: str) -> Mapping[str, Any]:
        found = find_commune(commune)
        if found.commune is None:
            several = ", ".join(one.name for one in found.candidates)
            raise RowError(
                "commune",
                commune[:80],
                f"this may be {several}: add the former district after a comma"
                if several
                else "no commune of the province has this name, now or before July 2025",
            )
        new = Renamed(commune, found.commune.name)
        if found.is_old and new not in self.renamed:
            self.renamed.append(new)
        return {
            name: one
            for name, one in self._sites.items()
            if one.commune and find_commune(one.commune).commune == found.commune
        }


def _one(column: str, wanted: str, names: Mapping[str, str]) -> str:
    if wanted in names:
        return wanted
    fitting = [one for one, name in names.items() if plain(name) == plain(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    reason = (
        f"several are called that: {', '.join(sorted(fitting)[:5])}; write the id"
        if fitting
        else f"there is no such {column} of yours"
    )
    raise RowError(column, wanted[:80], reason)


def titles_of(kind: str, titles: Callable[[str], str]) -> list[str]:
    """Return the titles of an empty file for a kind of record.

    ``titles`` names a column as people call it.
    """
    about = get_kind(kind)
    columns = ["time", about.place.value if about.place != "organisation" else "site"]
    columns += [one.name for one in about.fields]
    return [titles(one) for one in columns]


def template(titles: Sequence[str]) -> str:
    """Return an empty CSV file with these titles, with a byte order mark for Excel."""
    out = io.StringIO()
    csv.writer(out).writerow(titles)
    return "\ufeff" + out.getvalue()


def troubles_csv(troubles: Sequence[Trouble]) -> str:
    """Return the bad rows as a CSV file: row, column, value, reason."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["row", "column", "value", "reason"])
    for one in troubles:
        writer.writerow([one.row, one.column, _harmless(one.value), one.reason])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
