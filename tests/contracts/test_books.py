"""From stocking to recall, on each registry: what was written stays, and may be proved."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading, instant, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.books import Lot, Record
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from tests.contracts.registries import NOW, Databases, a_box
from tests.ledgers import altered, trace_events
from tests.vectors.make_labels import label as made
from traceability.book.books import Books, NewRecord
from traceability.epcis.query import parse_query
from traceability.gate.harvest import GateRefusedError
from traceability.label.labels import Labels, Published
from traceability.label.passport import lot_passport
from traceability.proof.keys import Signer, open_signer
from traceability.proof.verify import Code

DAY = timedelta(days=1)
GTIN = "09521234543213"
BASE = "https://nuocxanh.example"


class Farm:
    """A household with a pond, a box, a book, and a key."""

    def __init__(self, registry: Registry, telemetry: Telemetry, folder: Path) -> None:
        self.registry, self.telemetry = registry, telemetry
        self.clock = ManualClock(instant(NOW))
        self.box = a_box(registry)
        registry.deploy(self.box, "top", unit="hoa-ao-1", from_ms=NOW, now_ms=NOW)
        for person, role in (("lan", Role.FARMER), ("minh", Role.OFFICER)):
            registry.add_person(person, person.title())
            registry.add_member(person, "hoa", role)
        registry.add_organisation("khac", "Hộ khác")
        registry.add_person("tam", "Tám")
        registry.add_member("tam", "khac", Role.FARMER)
        self.signer: Signer = open_signer(folder / "keys", registry, NOW)
        self.books = Books(registry, telemetry, self.clock)
        self.labels = Labels(registry, self.signer, self.clock, BASE, os.urandom)
        self.published = Published(registry, self.signer, self.clock)

    def open(self) -> "Farm":
        self.books.add_product(
            "lan", gtin=GTIN, name_vi="Tôm", name_en="", species="PNV"
        )
        self.books.open_crop(
            "lan", crop="vu-1", unit="hoa-ao-1", product=GTIN, name="Vụ 1",
            started_ms=NOW,
        )  # fmt: skip
        return self

    def write(self, kind: str, *, person: str = "lan", **fields: Any) -> Record:
        self.clock.advance(timedelta(hours=1))
        return self.books.record(person, self.new(kind, **fields))

    def new(self, kind: str, **fields: Any) -> NewRecord:
        happened_ms = max(NOW, milliseconds(self.clock.now()) - 60_000)
        return NewRecord(
            id=str(uuid.uuid4()), crop="vu-1", kind=kind, happened_ms=happened_ms,
            fields=fields,
        )  # fmt: skip

    def measure(self, days: int) -> None:
        start_ms = milliseconds(self.clock.now())
        self.telemetry.write(
            [
                Reading(
                    self.box, ProbeId("top"), Channel.DISSOLVED_OXYGEN,
                    start_ms + n * 600_000, 3.0 if n % 144 < 12 else 6.0,
                )
                for n in range(days * 144)
            ]
        )  # fmt: skip
        self.clock.advance(days * DAY)

    def a_lot(self) -> Lot:
        self.write("stocking", count="300000", hatchery="Trại giống")
        self.measure(5)
        self.write("feed_use", product="số 2", kg="92,5")
        harvest = self.write("harvest", kg="2500")
        return self.books.make_lot("lan", harvest=harvest.id)


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    opened = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield opened
    opened.close()


@pytest.fixture
def farm(registry: Registry, telemetry: Telemetry, tmp_path: Path) -> Farm:
    return Farm(registry, telemetry, tmp_path).open()


def test_a_lot_keeps_the_evidence_of_its_water_as_it_was(farm: Farm) -> None:
    lot = farm.a_lot()
    (oxygen,) = lot.evidence["channels"]
    assert oxygen["channel"] == "dissolved_oxygen"
    assert oxygen["inside_share"] == pytest.approx(11 / 12, abs=0.001)
    assert oxygen["longest_excursion"]["worst"] == 3.0
    farm.telemetry.write(
        [Reading(farm.box, ProbeId("top"), Channel.DISSOLVED_OXYGEN, NOW + 1000, 0.1)]
    )
    assert farm.registry.get_lot(lot.id) == lot
    assert lot.harvest
    assert farm.books.make_lot("lan", harvest=lot.harvest) == lot, (
        "done twice: the same"
    )


def test_a_record_entered_twice_is_one_and_another_under_its_id_is_refused(
    farm: Farm,
) -> None:
    new = farm.new("feed_use", product="số 2", kg="10")
    first = farm.books.record("lan", new)
    farm.clock.advance(DAY)
    assert farm.books.record("lan", new) == first
    with pytest.raises(ConflictError):
        farm.books.record("lan", replace(new, fields={"product": "số 2", "kg": "11"}))
    assert farm.registry.records(crop="vu-1") == [first]


def test_a_late_entry_keeps_both_times(farm: Farm) -> None:
    farm.clock.advance(3 * DAY)
    new = replace(farm.new("feed_use", product="x", kg="1"), happened_ms=NOW + 1000)
    record = farm.books.record("lan", new)
    assert record.happened_ms == NOW + 1000
    assert record.entered_ms == milliseconds(farm.clock.now())


def test_what_cannot_have_happened_then_is_refused(farm: Farm) -> None:
    new = farm.new("feed_use", product="x", kg="1")
    with pytest.raises(InputError, match="in the future"):
        farm.books.record("lan", replace(new, happened_ms=NOW + 10**8))
    with pytest.raises(InputError, match="before crop Vụ 1 began"):
        farm.books.record("lan", replace(new, happened_ms=NOW - 10**8))
    with pytest.raises(InputError, match="not a UUID"):
        farm.books.record("lan", replace(new, id="7"))


@pytest.mark.parametrize("person", ["minh", "tam"])
def test_who_only_looks_and_who_is_of_another_farm_writes_nothing(
    farm: Farm, person: str
) -> None:
    lot = farm.a_lot()
    for attempt in (
        lambda: farm.write("feed_use", person=person, product="x", kg="1"),
        lambda: farm.books.make_lot(person, harvest=lot.harvest or ""),
        lambda: farm.labels.issue(person, lot.id, 1),
        lambda: farm.labels.recall(person, lot.id, "vì sao", "0905"),
    ):
        with pytest.raises(MissingError):
            attempt()
    assert farm.registry.labels() == []


def test_another_farm_does_not_see_that_there_is_anything(farm: Farm) -> None:
    lot = farm.a_lot()
    farm.labels.issue("lan", lot.id, 1)
    theirs = farm.registry.visible_to("tam")
    assert (theirs.crops(), theirs.records(), theirs.lots(), theirs.products()) == (
        [], [], [], [],
    )  # fmt: skip
    for ask in (
        lambda: theirs.get_crop("vu-1"),
        lambda: theirs.get_lot(lot.id),
        lambda: theirs.get_record(lot.harvest or ""),
    ):
        with pytest.raises(MissingError):
            ask()
    assert farm.registry.visible_to("minh").get_lot(lot.id) == lot


@pytest.mark.parametrize(
    "table", ["record", "lot", "trace_event", "label", "label_act"]
)
@pytest.mark.parametrize(
    "act", ["UPDATE {} SET organisation = 'khac'", "DELETE FROM {}"]
)
def test_what_was_written_cannot_be_changed_even_by_sql(
    farm: Farm, table: str, act: str
) -> None:
    lot = farm.a_lot()
    (label,) = farm.labels.issue("lan", lot.id, 1)
    farm.labels.act("lan", label.id, "suspended", "mất một cuộn tem")
    statement = act.format(table)
    if table == "label_act":
        statement = statement.replace("organisation = 'khac'", "reason = 'x'")
    with (
        farm.registry._sessions.engine.connect() as to,
        pytest.raises(sa.exc.DBAPIError),
    ):
        to.execute(sa.text(statement))


def test_the_gate_is_asked_again_when_labels_are_issued(farm: Farm) -> None:
    def lies_in(commune: str | None) -> None:
        farm.registry.change_site(
            "hoa-farm", name="Trại", commune=commune, person="lan",
            at_ms=milliseconds(farm.clock.now()),
        )  # fmt: skip

    lies_in(None)
    lot = farm.a_lot()
    with pytest.raises(GateRefusedError, match=r": no_address$") as refused:
        farm.labels.issue("lan", lot.id, 3)
    assert refused.value.refusals[0].cure == "/sites/hoa-farm/change"
    lies_in("22480")
    farm.labels.issue("lan", lot.id, 1)
    assert lot_passport(farm.registry, lot).address, "entered late, and told"
    drug = farm.new(
        "drug_chem_use", product="x", substance="chloramphenicol", amount="1 kg",
        reason="bệnh",
    )  # fmt: skip
    farm.books.record("lan", drug)
    with pytest.raises(GateRefusedError, match="banned_substance"):
        farm.labels.issue("lan", lot.id, 3)
    assert len(farm.registry.labels()) == 1


def test_labels_live_and_end_as_their_acts_say(farm: Farm) -> None:
    lot = farm.a_lot()
    first, second, third = farm.labels.issue("lan", lot.id, 3)
    assert len({first.id, second.id, third.id}) == 3

    def code(label: Any) -> Code:
        return farm.published.check(label.uri).code

    assert [code(one) for one in (first, second, third)] == [Code.VALID] * 3
    farm.labels.act("lan", first.id, "suspended", "nghi mất")
    farm.labels.act("lan", second.id, "revoked", "in hỏng")
    assert (code(first), code(second)) == (Code.SUSPENDED, Code.REVOKED)
    farm.labels.act("lan", first.id, "resumed", "tìm thấy")
    farm.labels.act("lan", second.id, "resumed", "nhầm")
    assert (code(first), code(second)) == (Code.VALID, Code.REVOKED), "for good"
    farm.labels.recall("lan", lot.id, "kháng sinh", "0905 123 456")
    assert code(third) is Code.RECALLED
    with pytest.raises(ConflictError):
        farm.labels.recall("lan", lot.id, "lần nữa", "0905 123 456")
    with pytest.raises(GateRefusedError, match="called_back"):
        farm.labels.issue("lan", lot.id, 1)
    farm.labels.end_recall("lan", lot.id)
    assert code(third) is Code.VALID


def test_a_well_signed_label_that_was_never_issued_is_not_found(farm: Farm) -> None:
    lot = farm.a_lot()
    (label,) = farm.labels.issue("lan", lot.id, 1)
    stray = made(farm.signer, base=BASE, lot=lot.code)
    assert farm.published.check(stray).code is Code.NOT_FOUND
    assert farm.published.check(label.uri).code is Code.VALID


def test_the_ledger_is_whole_and_any_change_to_it_shows(farm: Farm) -> None:
    lot = farm.a_lot()
    farm.labels.issue("lan", lot.id, 2)
    events = list(trace_events(farm.registry, "hoa"))
    assert [one.number for one in events] == list(range(1, len(events) + 1))
    assert altered(events) is None
    for at in range(len(events)):
        for forged in (
            [*events[:at], replace(events[at], document="{}"), *events[at + 1 :]],
            [
                *events[:at],
                replace(events[at], previous="0" * 63 + "1"),
                *events[at + 1 :],
            ],
            [*events[:at], replace(events[at], hash="0" * 64), *events[at + 1 :]],
        ):
            broken = altered(forged)
            assert broken is not None
            assert broken.number in (at + 1, at + 2)
    for at in range(len(events) - 1):
        without = events[:at] + events[at + 1 :]
        assert altered(without) is not None
    swapped = [events[1], events[0], *events[2:]]
    assert altered(swapped) is not None


def test_two_who_write_at_once_make_one_chain(
    databases: Databases, telemetry: Telemetry, tmp_path: Path
) -> None:
    url = databases.migrated()
    with open_registry(url) as registry, open_registry(url) as other:
        farm = Farm(registry, telemetry, tmp_path).open()
        beside = Books(other, telemetry, farm.clock)
        drafts = [farm.new("feed_use", product=f"số {n}", kg="1") for n in range(40)]
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda one: (farm.books if one[0] % 2 else beside).record(
                        "lan", one[1]
                    ),
                    enumerate(drafts),
                )
            )
        events = trace_events(registry, "hoa")
        assert len(events) == 40
        assert altered(events) is None


def test_every_event_is_epcis_by_gs1s_own_schema(
    farm: Farm, shared: Callable[[str], Path]
) -> None:
    schema = json.loads(shared("conformance/epcis/EPCIS-JSON-Schema.json").read_text())
    farm.write(
        "drug_chem_use", product="men", substance="men vi sinh", amount="1 kg",
        reason="cải tạo nước", withdrawal_days="0",
    )  # fmt: skip
    farm.write("health_check", signs="khỏe")
    lot = farm.a_lot()
    farm.labels.issue("lan", lot.id, 2)
    farm.labels.recall("lan", lot.id, "thử", "0905 123 456")
    farm.labels.end_recall("lan", lot.id)
    events = [
        msgspec.json.decode(one.document) for one in trace_events(farm.registry, "hoa")
    ]
    document = {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"gw": "https://nuocxanh.example/epcis/"},
        ],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-24T00:00:00.000Z",
        "epcisBody": {"eventList": events},
    }
    steps = {one.get("bizStep") for one in events}
    assert {"urn:gdst:bizStep:farmHarvest", "commissioning", "holding"} <= steps
    jsonschema.Draft7Validator(schema).validate(document)
    the_water_is_told(farm, next(one for one in events if "sensorElementList" in one))


def the_water_is_told(farm: Farm, harvest: dict[str, Any]) -> None:
    """The evidence frozen into the lot is the harvest's sensor element; it can be asked for."""
    assert harvest["bizStep"] == "urn:gdst:bizStep:farmHarvest"
    (water,) = harvest["sensorElementList"]
    assert water["sensorMetadata"]["startTime"] < water["sensorMetadata"]["endTime"]
    told = {one["gw:channel"]: one for one in water["sensorReport"]}
    oxygen = told["dissolved_oxygen"]
    assert (oxygen["type"], oxygen["uom"]) == ("MassConcentration", "M1")
    assert (oxygen["minValue"], oxygen["maxValue"]) == (3.0, 6.0)
    assert 0 < oxygen["gw:insideShare"] < 1
    assert 0 < oxygen["gw:gapShare"] < 1
    assert oxygen["gw:longestOutside"]["gw:worst"] == 3.0
    assert set(told) == {"dissolved_oxygen"}, "what nobody measured is not told"
    for least, ids in (("0.0031", [harvest["eventID"]]), ("0.0029", [])):
        query = parse_query(
            [("LT_minValue_GL", least)], lambda _place: (), most=9
        ).query
        found = farm.registry.find_events(query, limit=9)
        assert [one.event_id for one in found] == ids
