"""A registry with as many trace events as a province has, quickly, for ``bench query``.

The events are those of shrimp lots, fifty each: stocking, feeding and rounds of the
probes, the harvest, labels, packing, shipping, receiving. Documents and entries of some
lots are made by the real code (``draft_of``), those of all others are copies with other
names, numbers and times in them; rows go in many at once, with the indexes of the largest
tables built after them. Passports are those of one farm, copied row by row.
"""

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from greenwater.kernel.reading import DAY_MS, HOUR_MS, instant
from greenwater.storage.registry import Registry
from greenwater.storage.registry.models import Base
from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.models.epcis import (
    EpcisEntryRow,
    EpcisEventRow,
    EpcisMeetingRow,
)
from greenwater.storage.registry.trace_events.ledger import (
    GENESIS,
    MAX_TEXT,
    EventDraft,
    link_hash,
)
from greenwater.storage.registry.trace_events.word_pairs import meetings_of
from traceability.epcis.capture import CONTEXT, draft_of
from traceability.gs1.digits import check_digit

FARMS: Final = 100
EVENTS_A_LOT: Final = 50
VARIANTS: Final = 20
START_MS: Final = 1_700_000_000_000
COMMUNES: Final = ("22411", "22480", "22546")
NAMESPACES: Final = [CONTEXT, {"gw": "https://greenwater.example/ns/"}]
COPIED: Final = ("crop", "record", "lot", "label")
_SLOW: Final = ("epcis_entry", "epcis_event")


class Story(NamedTuple):
    """One lot of one farm; ``number`` counts over all farms."""

    number: int

    @property
    def farm(self) -> str:
        """The organisation."""
        return f"farm-{self.number % FARMS:03}"

    @property
    def gtin(self) -> str:
        """The farm's product."""
        return gtin_of(self.number % FARMS)

    @property
    def code(self) -> str:
        """The lot's code."""
        return f"L{self.number:06}"

    @property
    def link(self) -> str:
        """The lot as a Digital Link."""
        return f"https://id.gs1.org/01/{self.gtin}/10/{self.code}"

    @property
    def began_ms(self) -> int:
        """The stocking: a few hours after that of the lot before."""
        return START_MS + self.number * HOUR_MS


def gtin_of(farm: int) -> str:
    """Return the GTIN-14 of a farm's product."""
    digits = f"0952{farm:09}"
    return f"{digits}{check_digit(digits)}"


def events_of(story: Story) -> Iterator[dict[str, Any]]:
    """Yield the fifty events of a lot, in order of time."""
    crop = f"urn:greenwater:crop:{story.farm}-{story.number}"
    pond = {"id": f"urn:greenwater:unit:{story.farm}-ao-{story.number % 5}"}
    goods = [{"epcClass": crop}]
    yield _event(
        story, 0, "ObjectEvent", action="ADD", bizStep="urn:gdst:bizStep:hatching",
        readPoint=pond, quantityList=[{"epcClass": crop, "quantity": 100_000.0}],
        ilmd={"gw:hatchery": f"Trại giống {story.number % 40}"},
    )  # fmt: skip
    for day in range(1, 33):
        yield _event(
            story, 3 * day, "ObjectEvent", action="OBSERVE",
            bizStep="urn:gdst:bizStep:feeding", readPoint=pond, quantityList=goods,
            **{"gw:record": str(uuid.UUID(int=story.number * 100 + day)),
               "gw:source": "hand"},
        )  # fmt: skip
    for day in (30, 60, 90):
        reports = [
            {"type": "Temperature", "value": 26 + story.number % 7, "uom": "CEL"},
            {"type": "gw:pH", "value": 7.5 + day / 100},
        ]
        yield _event(
            story, day, "ObjectEvent", action="OBSERVE", bizStep="sensor_reporting",
            readPoint=pond, sensorElementList=[{"sensorReport": reports}],
        )  # fmt: skip
    kg = 400.0 + story.number % 900
    yield _event(
        story, 100, "TransformationEvent", bizStep="urn:gdst:bizStep:farmHarvest",
        readPoint=pond, inputQuantityList=goods,
        outputQuantityList=[{"epcClass": story.link, "quantity": kg, "uom": "KGM"}],
        ilmd={"gw:lotNumber": story.code, "gw:species": "PNV"},
    )  # fmt: skip
    yield from _on_the_way(story)


def _on_the_way(story: Story) -> Iterator[dict[str, Any]]:
    serials = [
        f"https://id.gs1.org/01/{story.gtin}/21/{story.code}{n}" for n in range(3)
    ]
    boxes = [f"https://id.gs1.org/00/{_sscc(story.number * 3 + n)}" for n in range(3)]
    quantity = [{"epcClass": story.link, "quantity": 100.0, "uom": "KGM"}]
    yield _event(story, 101, "ObjectEvent", action="ADD", bizStep="commissioning",
                 disposition="active", epcList=serials)  # fmt: skip
    for serial, box in zip(serials, boxes, strict=True):
        yield _event(story, 102, "AggregationEvent", action="ADD", bizStep="packing",
                     parentID=box, childEPCs=[serial],
                     childQuantityList=quantity)  # fmt: skip
    for day, step in ((103, "shipping"), (104, "receiving"), (110, "shipping")):
        for box in boxes:
            yield _event(
                story, day, "ObjectEvent", action="OBSERVE", bizStep=step,
                disposition="in_transit", epcList=[box],
                sourceList=[{"type": "owning_party", "source": f"urn:farm:{story.farm}"}],
                destinationList=[{"type": "owning_party",
                                  "destination": f"urn:buyer:{story.number % 300}"}],
            )  # fmt: skip


def _sscc(number: int) -> str:
    digits = f"09520000{number:09}"
    return f"{digits}{check_digit(digits)}"


def _event(story: Story, day: int, kind: str, **rest: Any) -> dict[str, Any]:
    at_ms = story.began_ms + day * DAY_MS
    return {
        "type": kind,
        "eventTime": _time(at_ms),
        "eventTimeZoneOffset": "+07:00",
        **rest,
    }


class Form(NamedTuple):
    """One event with blanks (``%(gtin)s``): its day, document, and entries."""

    day: int
    document: str
    entries: tuple[tuple[str, str | None, float | None], ...]


def forms_of(variant: int) -> list[Form]:
    """Return the events of a lot as the real code makes them, with blanks."""
    story = Story(900_000 + variant)
    drafts = [
        draft_of(one | {"eventID": _id(story, place)}, NAMESPACES)
        for place, one in enumerate(events_of(story))
    ]
    return [_form(story, place, draft) for place, draft in enumerate(drafts)]


def _form(story: Story, place: int, draft: EventDraft) -> Form:
    blanks = {value: f"%({name})s" for name, value in _words(story).items()}
    blanks[_id(story, place)] = "%(id)s"
    blanks[_time(draft.event_ms)] = "%(time)s"

    def blanked(text: str) -> str:
        text = text.replace("%", "%%")
        for value, blank in blanks.items():
            text = text.replace(value, blank)
        return text

    return Form(
        (draft.event_ms - story.began_ms) // DAY_MS,
        blanked(draft.document),
        tuple(
            (one.name, one.text and blanked(one.text[:MAX_TEXT]), one.number)
            for one in draft.entries
        ),
    )


def _words(story: Story) -> dict[str, str]:
    """Return what differs from lot to lot; longer ones first, so that none is torn."""
    boxes = {f"box{n}": _sscc(story.number * 3 + n) for n in range(3)}
    return {
        "crop": f"{story.farm}-{story.number}",
        "pond": f"{story.farm}-ao-{story.number % 5}",
        **boxes,
        "gtin": story.gtin,
        "code": story.code,
        "farm": story.farm,
        "buyer": f"urn:buyer:{story.number % 300}",
        "hatchery": f"Trại giống {story.number % 40}",
    }


def _time(at_ms: int) -> str:
    return instant(at_ms).isoformat(timespec="milliseconds")


def _id(story: Story, place: int) -> str:
    return f"urn:uuid:{uuid.UUID(int=story.number * EVENTS_A_LOT + place)}"


class Filler:
    """Fills one registry, step by step; every farm's ledger is chained as it must be."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._engine = registry, registry._sessions.engine
        self._ends: dict[str, tuple[int, str]] = {}
        self._forms = [forms_of(variant) for variant in range(VARIANTS)]
        self.lots = 0

    def fill(self, lots: int) -> None:
        """Add lots until there are so many."""
        tables = [Base.metadata.tables[name] for name in _SLOW]
        with self._engine.begin() as connection:
            for index in (index for table in tables for index in table.indexes):
                index.drop(connection)
            for at in range(self.lots, lots, 100):
                self._insert(connection, range(at, min(at + 100, lots)))
            for index in (index for table in tables for index in table.indexes):
                index.create(connection)
        self.lots = lots

    def _insert(self, connection: sa.Connection, numbers: range) -> None:
        rows: dict[Any, list[tuple[Any, ...]]] = {one: [] for one in _COLUMNS}
        for number in numbers:
            self._add(Story(number), rows)
        for model, values in rows.items():
            # Past SQLAlchemy, which takes as long for its parameters as all the rest.
            if connection.dialect.name == "sqlite" or model is EpcisMeetingRow:
                _many(connection, model, values)
            else:
                _copied(connection, model, values)

    def _add(self, story: Story, rows: dict[Any, list[tuple[Any, ...]]]) -> None:
        farm, words = story.farm, _words(story)
        number, previous = self._ends.get(farm, (0, GENESIS))
        met = set[tuple[Any, ...]]()
        for place, form in enumerate(self._forms[story.number % VARIANTS]):
            number += 1
            at_ms, recorded_ms = story.began_ms + form.day * DAY_MS, START_MS + number
            words["id"], words["time"] = _id(story, place), _time(at_ms)
            document = form.document % words
            digest = link_hash(previous, document)
            key = f"{farm} {words['id']}"
            rows[TraceEventRow].append(
                (farm, number, key, at_ms, recorded_ms, document, previous, digest)
            )
            rows[EpcisEventRow].append(
                (farm, number, words["id"], False, False, at_ms, recorded_ms)
            )
            entries = [
                (farm, number, at, name, text and text % words, value, at_ms)
                for at, (name, text, value) in enumerate(form.entries, 1)
            ]
            rows[EpcisEntryRow] += entries
            said = [(one[3], one[4]) for one in entries if one[4] is not None]
            met |= {(farm, *one) for one in meetings_of(said, at_ms)}
            previous = digest
        rows[EpcisMeetingRow] += sorted(met)
        self._ends[farm] = number, previous


_COLUMNS: Final = {
    TraceEventRow: "organisation number id event_ms recorded_ms document previous hash",
    EpcisEventRow: "organisation number event_id is_error is_bare event_ms recorded_ms",
    EpcisEntryRow: "organisation event place name text value event_ms",
    EpcisMeetingRow: "organisation first second from_ms",
}


def _many(connection: sa.Connection, model: Any, values: list[tuple[Any, ...]]) -> None:
    """Insert rows; of meetings those that are new."""
    columns = _COLUMNS[model].split()
    marks = ", ".join(
        "?" if connection.dialect.name == "sqlite" else "%s" for _ in columns
    )
    connection.exec_driver_sql(
        f"INSERT INTO {model.__tablename__} ({', '.join(columns)}) "
        f"VALUES ({marks}) ON CONFLICT DO NOTHING",
        values,
    )


def _copied(
    connection: sa.Connection, model: Any, values: list[tuple[Any, ...]]
) -> None:
    """Insert rows on PostgreSQL, by COPY."""
    columns = ", ".join(_COLUMNS[model].split())
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(
        f"COPY {model.__tablename__} ({columns}) FROM STDIN"
    ) as copy:
        for row in values:
            copy.write_row(row)


def add_farms(registry: Registry) -> None:
    """Add the organisations with a site and five ponds each."""
    for number in range(FARMS):
        farm = f"farm-{number:03}"
        registry.add_organisation(farm, f"Trại {number}")
        commune = COMMUNES[number % len(COMMUNES)]
        registry.add_site(f"{farm}-site", organisation=farm, name=f"Trại {number}",
                          commune=commune)  # fmt: skip
        for pond in range(5):
            registry.add_unit(
                f"{farm}-ao-{pond}", site=f"{farm}-site", name=f"Ao {pond}"
            )


Template = dict[str, list[dict[str, Any]]]
"""Rows of a farm, by table."""


def template_of(registry: Registry, farm: str) -> Template:
    """Return a farm's crops, records, lots and labels."""
    found: Template = {}
    with registry._sessions.engine.connect() as connection:
        for name in COPIED:
            table = Base.metadata.tables[name]
            rows = connection.execute(
                sa.select(table).where(table.c.organisation == farm)
            )
            found[name] = [dict(one._mapping) for one in rows]
    return found


def copy_passports(
    registry: Registry, template: Template, first: int, last: int
) -> None:
    """Copy a farm's rows again and again; every copy has ids of its own."""
    with registry._sessions.engine.begin() as connection:
        for name, rows in template.items():
            copies = [_copy(name, row, n) for n in range(first, last) for row in rows]
            connection.execute(Base.metadata.tables[name].insert(), copies)


def copied(name: str, text: str, number: int) -> str:
    """Return the id of a copy."""
    if name == "record":  # a UUID, as devices make them
        return str(uuid.UUID(hashlib.md5(f"{text}~{number}".encode()).hexdigest()))
    return f"{text}~{number}"


def _copy(table: str, row: dict[str, Any], number: int) -> dict[str, Any]:
    made = dict(row, id=copied(table, row["id"], number))
    for column, of in (("crop", "crop"), ("lot", "lot"), ("harvest", "record")):
        if made.get(column) is not None:
            made[column] = copied(of, made[column], number)
    if table == "crop" and made["ended_ms"] is None:
        made["ended_ms"] = made["started_ms"] + 100 * DAY_MS
    if table in ("lot", "label"):
        column = "code" if table == "lot" else "uri"
        made[column] = (
            f"{made[column]}{number:06}"[-20:]
            if table == "lot"
            else (f"{made[column]}~{number}")
        )
    return made
