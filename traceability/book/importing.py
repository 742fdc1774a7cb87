"""Records from a file, tried before anything is kept: each bad row with its reason.

Columns may be named by the fields or, through ``titles``, as people call them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from greenwater.kernel.reading import day_of
from greenwater.reference.communes import find_commune
from greenwater.reference.records import FieldType, get_kind
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop
from greenwater.storage.registry.scope import Scope
from traceability.book.recording import NewRecord, Recording
from traceability.book.tables import (
    NO_NAMES,
    Cells,
    Names,
    Number,
    Renamed,
    RowError,
    Trial,
    instant_of,
    is_day,
    is_there,
    kind_of,
    named,
    no_field,
    plain,
    rows_of_table,
    tried,
)

PLACES: Final = ("crop", "unit", "site", "commune")
OTHERS: Final = ("time", "kind", "id", "corrects", "behalf_of")


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
        number: Number = str,
    ) -> Trial[NewRecord]:
        """Return what a file would do. ``kind`` and ``crop`` hold where no column says.

        ``number`` turns a number as people type it into one with a decimal point.

        Raises:
            InputError: it is no table, or has more rows than may be.
        """
        places, recording = _Places(self._seen), self._recording.for_many()
        seen: Counter[str] = Counter()

        def read(together: Sequence[Cells]) -> tuple[NewRecord, bool]:
            (cells,) = together
            new = _read(cells, kind, crop, places, names, number)
            new = new if new.id else named(new, person, seen)
            made = recording.check(person, new)
            return new, is_there(made, self._registry.find_record(made.id))

        rows = ((row, [cells]) for row, cells in rows_of_table(text, names))
        return replace(tried(rows, read), renamed=tuple(places.renamed))

    def take_in(self, person: str, trial: Trial[NewRecord]) -> int:
        """Keep the good rows of a trial, all or none; return how many are new."""
        return self._recording.take_all(person, trial.rows)


def _read(
    cells: Mapping[str, str],
    kind: str,
    crop: str,
    places: "_Places",
    names: Names,
    number: Number,
) -> NewRecord:
    kind = kind_of(cells, names, kind)
    if not kind:
        raise RowError("kind", "", "say which kind of record this is", "import_kind")
    about = {one.name: one for one in get_kind(kind).fields}
    place = places.of(cells, crop)
    fields: dict[str, Any] = {}
    for name, cell in cells.items():
        if name in PLACES or name in OTHERS or not cell:
            continue
        field = about.get(name)
        if field is None:
            raise no_field(kind, name, cell)
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
        happened_ms=_happened_ms(cells.get("time", ""), place.get("crop")),
        fields=fields,
        crop=place["crop"].id if "crop" in place else None,
        unit=place.get("unit"),
        site=place.get("site"),
        corrects=cells.get("corrects") or None,
        behalf_of=cells.get("behalf_of") or None,
        source="import",
    )


def _happened_ms(text: str, crop: Crop | None) -> int:
    """Return when it happened; on the day on which its crop began, at the crop's beginning."""
    found = instant_of(text)
    if crop is None or not is_day(text):
        return found
    began, day = (day_of(one) for one in (crop.started_ms, found))
    return max(found, crop.started_ms) if began == day else found


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
                "commune_several" if several else "commune_none",
                several=several,
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
    key = "name_several" if fitting else "name_none"
    several = ", ".join(sorted(fitting)[:5])
    raise RowError(column, wanted[:80], reason, key, several=several)


def titles_of(kind: str, titles: Callable[[str], str]) -> list[str]:
    """Return the titles of an empty file for a kind of record.

    ``titles`` names a column as people call it.
    """
    about = get_kind(kind)
    columns = ["time", about.place.value if about.place != "organisation" else "site"]
    columns += [one.name for one in about.fields]
    return [titles(one) for one in columns]
