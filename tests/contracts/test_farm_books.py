"""The farm's book on each registry: places, delegates, offline syncs, a meter's readings."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading, Source, instant, milliseconds
from greenwater.reference.aerators import MONITOR
from greenwater.storage.registry import Registry, migrate, open_registry
from greenwater.storage.registry.books import Record
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.session import open_engine
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from tests.contracts.registries import NOW, Databases, a_box
from tests.contracts.test_registry_schema import alembic_config
from tests.examples import examples
from traceability.book.books import Books, NewRecord
from traceability.book.families import family_of
from traceability.book.gate import crop_subject
from traceability.book.green import aerator_hours, crop_book
from traceability.book.importing import Importer, titles_of
from traceability.book.tables import Names, template
from traceability.book.water import evidence_of
from traceability.corrections import families, in_force
from traceability.gate.harvest import GateRefusedError
from traceability.gate.overriding import Asked, Overriding
from traceability.label.passport import passport_of
from traceability.records import FieldError

DAY_MS = 86_400_000
GTIN = "09521234543213"
_CROPS = count()


class Farm:
    """A household with two ponds; Lan owns it, Tám helps her."""

    def __init__(self, registry: Registry, telemetry: Telemetry) -> None:
        self.registry, self.telemetry = registry, telemetry
        self.clock = ManualClock(instant(NOW + 30 * DAY_MS))
        self.box = a_box(registry)
        registry.add_unit("hoa-ao-2", site="hoa-farm", name="Ao 2")
        registry.add_organisation("khac", "Hộ khác")
        for person, organisation, role in (
            ("lan", "hoa", Role.FARMER), ("tam", "hoa", Role.TECHNICIAN),
            ("minh", "hoa", Role.OFFICER), ("xa", "khac", Role.FARMER),
        ):  # fmt: skip
            registry.add_person(person, person.title())
            registry.add_member(person, organisation, role)
        self.books = Books(registry, telemetry, self.clock)
        self.books.add_product(
            "lan", gtin=GTIN, name_vi="Tôm", name_en="", species="PNV"
        )
        self.crop = self.open("hoa-ao-1")

    def open(self, unit: str) -> str:
        name = f"vu-{next(_CROPS)}"
        self.books.open_crop(
            "lan", crop=name, unit=unit, product=GTIN, name=name, started_ms=NOW
        )
        return name

    def new(self, kind: str, day: float = 1, **rest: Any) -> NewRecord:
        places = ("crop", "unit", "site", "organisation")
        if not any(place in rest for place in places):
            rest["crop"] = self.crop
        named = {
            name: rest.pop(name)
            for name in (*places, "id", "corrects", "behalf_of", "source")
            if name in rest
        }
        named.setdefault("id", str(uuid.uuid4()))
        return NewRecord(
            kind=kind, happened_ms=NOW + round(day * DAY_MS), fields=rest, **named
        )

    def take(
        self, kind: str, day: float = 1, person: str = "lan", **rest: Any
    ) -> Record:
        return self.books.recording.take(person, self.new(kind, day, **rest)).record

    def by_hand(self, channel: Channel = Channel.PH) -> dict[int, float | None]:
        """Return what the store holds of the book: value by second."""
        found = {}
        for probe in self.registry.list_probes():
            if probe.source is Source.HAND:
                span = Span(Series(probe.device, probe.id), 0, NOW * 2)
                for one in self.telemetry.read(span, [channel]):
                    found[one.taken_ms // 1000] = one.value
        return found


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    opened = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield opened
    opened.close()


@pytest.fixture
def farm(registry: Registry, telemetry: Telemetry) -> Farm:
    return Farm(registry, telemetry)


TRAINED: dict[str, Any] = {"worker": "Tám", "topic": "dùng thuốc"}


def test_a_record_belongs_to_a_crop_a_pond_a_site_or_the_household(farm: Farm) -> None:
    def where(one: Record) -> tuple[str | None, ...]:
        return (one.organisation, one.site, one.unit, one.crop)

    fed = farm.take("feed_use", product="x", kg="1")
    assert where(fed) == ("hoa", "hoa-farm", "hoa-ao-1", farm.crop)
    bought = farm.take("feed_in", product="x", kg="1", site="hoa-farm")
    assert where(bought) == ("hoa", "hoa-farm", None, None)
    dried = farm.take("pond_prep", sludge_removal="whole", unit="hoa-ao-2")
    assert where(dried) == ("hoa", "hoa-farm", "hoa-ao-2", None)
    trained = farm.take("worker_training", **TRAINED, organisation="hoa")
    assert where(trained) == ("hoa", None, None, None)
    assert farm.registry.records(crop=farm.crop) == [fed]
    assert farm.registry.records(unit="hoa-ao-2") == [dried]
    at_site = {one.id for one in farm.registry.records(site="hoa-farm")}
    assert at_site == {fed.id, bought.id, dried.id}
    crop = farm.registry.get_crop(farm.crop)
    assert crop_book(farm.registry, crop) == sorted(
        [fed, bought], key=lambda one: one.id
    )


@pytest.mark.parametrize(
    ("kind", "place", "missing"),
    [
        ("feed_use", {"unit": "hoa-ao-1"}, "crop"),
        ("water_measure", {"site": "hoa-farm"}, "unit"),
        ("feed_in", {"organisation": "hoa"}, "site"),
    ],
)
def test_a_place_that_is_too_wide_is_refused_by_name(
    farm: Farm, kind: str, place: dict[str, Any], missing: str
) -> None:
    with pytest.raises(FieldError) as raised:
        farm.take(kind, product="x", kg="1", ph="8", **place)
    assert raised.value.field == missing


def test_others_books_do_not_exist(farm: Farm) -> None:
    places: list[dict[str, Any]] = [
        {"crop": farm.crop}, {"unit": "hoa-ao-1"}, {"site": "hoa-farm"},
        {"organisation": "hoa"},
    ]  # fmt: skip
    for place in places:
        for person in ("xa", "minh"):
            with pytest.raises(MissingError):
                farm.take("worker_training", person=person, **TRAINED, **place)
    written = farm.take("worker_training", **TRAINED, organisation="hoa")
    seen = farm.registry.visible_to("xa")
    assert (seen.records(), seen.find_record(written.id)) == ([], None)
    assert seen.records_after(None, limit=9) == []


def test_a_delegate_enters_the_farmer_confirms_both_are_named(farm: Farm) -> None:
    fed = farm.take("feed_use", person="tam", behalf_of="lan", product="x", kg="1")
    assert (fed.entered_by, fed.behalf_of) == ("tam", "lan")
    for wrong in ("tam", "minh", "xa"):
        with pytest.raises((InputError, MissingError)):
            farm.books.recording.confirm(wrong, fed.id)
    assert farm.registry.confirmations({fed.id}) == []
    assert farm.books.recording.confirm("lan", fed.id)
    assert not farm.books.recording.confirm("lan", fed.id), "once is for good"
    (confirmed,) = farm.registry.confirmations({fed.id})
    assert (confirmed.person, confirmed.at_ms) == (
        "lan", milliseconds(farm.clock.now()),
    )  # fmt: skip
    assert farm.registry.visible_to("xa").confirmations() == []


@pytest.mark.parametrize("nobody", ["xa", "minh", "ghost"])
def test_nobody_enters_for_who_keeps_no_books_there(farm: Farm, nobody: str) -> None:
    with pytest.raises(FieldError, match="behalf_of"):
        farm.take("feed_use", behalf_of=nobody, product="x", kg="1")


def test_confirmations_and_photos_are_never_changed(farm: Farm) -> None:
    fed = farm.take("feed_use", person="tam", behalf_of="lan", product="x", kg="1")
    farm.books.recording.confirm("lan", fed.id)
    for statement in (
        "UPDATE record SET kind = 'harvest'", "DELETE FROM record",
        "UPDATE record_confirmation SET person = 'tam'", "DELETE FROM record_confirmation",
    ):  # fmt: skip
        with (
            pytest.raises(ConflictError, match="never changed"),
            farm.registry._sessions.writing() as session,
        ):
            session.execute(text(statement))


def test_seed_is_bought_before_its_crop_begins_and_nothing_else_is(farm: Farm) -> None:
    farm.take("seed_in", day=-3, hatchery="x", count="1000")
    with pytest.raises(FieldError, match="before crop"):
        farm.take("feed_use", day=-3, product="x", kg="1")


def test_the_book_is_read_page_by_page_and_nothing_is_missed(farm: Farm) -> None:
    wrote = [farm.take("feed_use", n, product="x", kg="1") for n in range(1, 8)]
    found: list[Record] = []
    place = None
    while page := farm.registry.records_after(place, limit=3):
        found += page
        place = (page[-1].entered_ms, page[-1].id)
    assert sorted(one.id for one in found) == sorted(one.id for one in wrote)


OLD_ROWS = (
    "INSERT INTO organisation (id, name, kind) VALUES ('hoa', 'Hộ', 'household')",
    "INSERT INTO person (id, name) VALUES ('lan', 'Lan')",
    "INSERT INTO site (id, organisation, name, kind) VALUES ('t', 'hoa', 'Trại', 'farm')",
    "INSERT INTO unit (id, organisation, site, name, kind) "
    "VALUES ('ao', 'hoa', 't', 'Ao', 'pond')",
    "INSERT INTO product (id, organisation, name_vi, name_en, species) "
    "VALUES ('p', 'hoa', 'Tôm', 'Shrimp', 'PNV')",
    "INSERT INTO crop (id, organisation, unit, product, species, name, started_ms) "
    "VALUES ('vu', 'hoa', 'ao', 'p', 'PNV', 'Vụ', 1)",
    "INSERT INTO record (id, organisation, unit, crop, kind, happened_ms, entered_ms, "
    "entered_by, source, fields, digest) VALUES ('r', 'hoa', 'ao', 'vu', 'harvest', 2, "
    "3, 'lan', 'hand', '{\"kg\": 5}', 'd')",
    "INSERT INTO lot (id, organisation, code, product, origin, crop, unit, harvest, "
    "harvested_ms, kg, evidence, evidence_digest, created_ms, created_by) VALUES ('l', "
    "'hoa', 'c', 'p', 'harvest', 'vu', 'ao', 'r', 2, 5, '{}', 'e', 4, 'lan')",
)
"""A book as it stood before records had places (migration 0011)."""


def test_an_older_book_gets_its_places_and_stays_append_only(
    databases: Databases,
) -> None:
    url = databases.bare()
    engine, config = open_engine(url), alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0011")
        for row in OLD_ROWS:
            connection.execute(text(row))
    engine.dispose()
    migrate(url)
    with open_registry(url) as registry:
        record = registry.get_record("r")
        assert (record.site, record.unit, record.fields) == ("t", "ao", {"kg": 5})
        assert registry.get_lot("l").harvest == "r"
        with (
            pytest.raises(ConflictError, match="never changed"),
            registry._sessions.writing() as session,
        ):
            session.execute(text("UPDATE record SET site = NULL"))


# Offline syncs


Told = tuple[int, int | None, str, int]
"""A record of a phone: its number, which number it corrects, its kind, its day."""


@st.composite
def phones(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    numbers = range(draw(st.integers(2, 5)))
    told = [
        (
            n,
            draw(st.sampled_from([None, *numbers, 99])),
            draw(st.sampled_from(["water_measure", "water_measure", "feed_use"])),
            draw(st.integers(1, 3)),
        )
        for n in numbers
    ]
    again = [*told, *draw(st.lists(st.sampled_from(told), max_size=2))]
    return draw(st.permutations(again)), draw(st.permutations(again))


_BASE = count(1)


@settings(
    max_examples=examples(5), deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(phones())
def test_any_order_and_repetition_of_syncs_gives_the_same_books(
    farm: Farm, told: tuple[list[Told], list[Told]]
) -> None:
    seen = [_synced(farm, order) for order in told]
    assert seen[0] == seen[1]
    everything, counting, readings = seen[0]
    assert everything == sorted({one[0] for one in told[0]}), "none is lost"
    assert len(readings) == sum(kind == "water_measure" for _, kind in counting), (
        "each that counts has its reading, and no other one has"
    )


def _synced(
    farm: Farm, order: list[Told]
) -> tuple[list[int], list[tuple[int, str]], list[tuple[int, int, float]]]:
    """Send records in an order to a pond of their own; return what the books are then.

    Ids keep the order of the numbers, so that the same one is the lower.
    """
    base = next(_BASE) << 64
    unit = f"hoa-thu-{base >> 64}"
    farm.registry.add_unit(unit, site="hoa-farm", name=unit)
    crop = farm.open(unit)

    def name(number: int | None) -> str | None:
        # All of a phone's ids choose one millisecond, so that they meet.
        return None if number is None else str(uuid.UUID(int=base + number * 1000))

    for number, corrects, kind, day in order:
        fields: Mapping[str, Any] = (
            {"ph": 7 + number / 10}
            if kind == "water_measure"
            else {"product": "x", "kg": 1}
        )
        new = NewRecord(
            id=name(number) or "", kind=kind, happened_ms=NOW + day * DAY_MS,
            fields=fields, crop=crop, corrects=name(corrects),
        )  # fmt: skip
        farm.clock.advance(timedelta(seconds=1))  # what comes later is entered later
        farm.books.recording.take("lan", new)
    records = farm.registry.records(crop=crop)
    numbers = {one.id: (uuid.UUID(one.id).int - base) // 1000 for one in records}
    readings = []
    for one in farm.registry.deployments(unit=unit, start_ms=0, end_ms=NOW * 2):
        span = Span(Series(one.device, one.probe), 0, NOW * 2)
        readings += [
            (
                (reading.taken_ms - NOW) // 1000,
                (reading.taken_ms - base) % 1000,
                reading.value,
            )
            for reading in farm.telemetry.read(span, [Channel.PH])
            if reading.value is not None
        ]
    return (
        sorted(numbers.values()),
        sorted((numbers[one.id], one.kind) for one in in_force(records)),
        sorted(readings),
    )


def test_one_id_with_two_contents_is_a_conflict_and_the_first_stays(farm: Farm) -> None:
    new = farm.new("feed_use", product="x", kg="1")
    first = farm.books.recording.take("lan", new)
    assert first.is_new
    assert not farm.books.recording.take("lan", new).is_new
    with pytest.raises(ConflictError, match="other content"):
        farm.books.recording.take(
            "lan", replace(new, fields={"product": "x", "kg": "2"})
        )
    assert farm.registry.records(crop=farm.crop) == [first.record]


def test_odd_corrections_are_kept_with_a_notice(farm: Farm) -> None:
    absent = str(uuid.uuid4())
    take = farm.books.recording.take
    early = take("lan", farm.new("feed_use", corrects=absent, product="x", kg="1"))
    assert "has not come yet" in early.notice
    harvest = farm.take("harvest", kg="5")
    stray = take("lan", farm.new("feed_use", corrects=harvest.id, product="x", kg="1"))
    assert "of another kind" in stray.notice
    fed = farm.take("feed_use", product="x", kg="9")
    farm.take("feed_use", corrects=fed.id, product="x", kg="8")
    rival = take("lan", farm.new("feed_use", corrects=fed.id, product="x", kg="7"))
    assert "corrected otherwise too" in rival.notice
    with pytest.raises(InputError, match="stays in its crop"):
        farm.books.record(
            "lan", farm.new("feed_use", corrects=harvest.id, product="x", kg="1")
        )
    assert len(family_of(farm.registry, fed).rivals) == 1


# A meter's readings


def test_what_a_meter_said_is_in_the_store_and_in_the_evidence(farm: Farm) -> None:
    farm.take("water_measure", 1, unit="hoa-ao-1", dissolved_oxygen="5,5", ph="8")
    farm.take("water_measure", 2, unit="hoa-ao-1", dissolved_oxygen="4,5")
    assert list(farm.by_hand().values()) == [8.0]
    crop = farm.registry.get_crop(farm.crop)
    evidence = evidence_of(farm.registry, farm.telemetry, crop, NOW + 20 * DAY_MS)
    oxygen = next(one for one in evidence.channels if one.channel == "dissolved_oxygen")
    assert (oxygen.readings, oxygen.hand_share) == (2, 1.0)
    assert (oxygen.minimum, oxygen.maximum) == (4.5, 5.5)


def test_a_correction_of_the_record_corrects_the_reading(farm: Farm) -> None:
    def seconds(day: float) -> int:
        return (NOW + round(day * DAY_MS)) // 1000

    first = farm.take("water_measure", 1, unit="hoa-ao-1", ph="8,1", salinity="15")
    less = farm.take("water_measure", 1, unit="hoa-ao-1", corrects=first.id, ph="8,1")
    assert farm.by_hand(Channel.SALINITY) == {seconds(1): None}, "it was left out"
    second = farm.take("water_measure", 1, unit="hoa-ao-1", corrects=less.id, ph="8,3")
    assert farm.by_hand() == {seconds(1): 8.3}
    farm.take("water_measure", 2, unit="hoa-ao-1", corrects=second.id, ph="8,3")
    assert farm.by_hand() == {seconds(1): None, seconds(2): 8.3}, "and moved"


def test_two_people_in_one_minute_do_not_overwrite_each_other(farm: Farm) -> None:
    # The last two choose the same millisecond; the lower id, which came later, has it.
    for number, id_ in ((1, 1), (3, 1002), (2, 2)):
        farm.take(
            "water_measure", 1, unit="hoa-ao-1", ph=str(7 + number),
            id=str(uuid.UUID(int=id_)),
        )  # fmt: skip
    (probe,) = [p for p in farm.registry.list_probes() if p.source is Source.HAND]
    span = Span(Series(probe.device, probe.id), 0, NOW * 2)
    seen = {one.taken_ms % 1000: one.value for one in farm.telemetry.read(span)}
    assert seen == {1: 8.0, 2: 9.0, 3: 10.0}


def test_a_store_that_failed_is_made_up_for_when_the_record_comes_again(
    registry: Registry, telemetry: Telemetry
) -> None:
    farm = Farm(registry, telemetry)
    taken: list[Reading] = []

    def fails(_readings: object) -> None:
        raise InputError("the store is away")

    new = farm.new("water_measure", unit="hoa-ao-1", ph="8")
    broken = Books(registry, telemetry, farm.clock, fails)
    with pytest.raises(InputError, match="away"):
        broken.recording.take("lan", new)
    whole = Books(registry, telemetry, farm.clock, taken.extend)
    assert not whole.recording.take("lan", new).is_new
    assert [one.value for one in taken] == [8.0]


# Files


def importer(farm: Farm) -> Importer:
    seen = farm.registry.visible_to("lan")
    return Importer(farm.registry, farm.books.recording, seen)


CSV = """Thời gian;Vụ nuôi;kg;Tên sản phẩm;lot
30/05/2026 07:30;{crop};92,5;số 2;L1
30/05/2026 07:30;{crop};92,5;số 2;L1
31/05/2026;{crop};nhiều;số 2;
1/1/2030 07:30;{crop};1;số 2;
khi nào;{crop};1;số 2;

02/06/2026 07:30;vụ khác;1;số 2;
"""
NAMES = Names({"thời gian": "time", "vụ nuôi": "crop", "tên sản phẩm": "product"})


def test_a_file_is_tried_and_each_bad_row_says_why(farm: Farm) -> None:
    text = CSV.format(crop=farm.crop)
    trial = importer(farm).try_out("lan", text, kind="feed_use", names=NAMES)
    assert farm.registry.records() == [], "nothing was kept"
    assert [one.fields["kg"] for one in trial.rows] == ["92,5", "92,5"]
    assert [(one.row, one.column, one.value) for one in trial.troubles] == [
        (4, "kg", "nhiều"), (5, "time", "1/1/2030 07:30"), (6, "time", "khi nào"),
        (8, "crop", "vụ khác"),
    ]  # fmt: skip
    assert importer(farm).take_in("lan", trial) == 2, "fed twice alike is fed twice"
    again = importer(farm).try_out("lan", text, kind="feed_use", names=NAMES)
    assert (again.rows, again.there) == ((), 2)
    assert {one.source for one in farm.registry.records()} == {"import"}


def test_a_template_filled_in_is_a_file_that_is_taken(farm: Farm) -> None:
    for kind in ("feed_in", "water_measure", "worker_training"):
        head = template(titles_of(kind, str))
        row = {"time": "30/05/2026", "site": "hoa-farm", "unit": "Ao 1", "product": "x",
               "kg": "1", "ph": "8,1", "worker": "Tám", "topic": "thuốc"}  # fmt: skip
        columns = head.lstrip("\ufeff").strip().split(",")
        line = ";".join(row.get(one, "") for one in columns)
        text = ";".join(columns) + "\n" + line
        trial = importer(farm).try_out("lan", text, kind=kind)
        assert (len(trial.rows), trial.troubles) == (1, ())


def test_a_farm_is_found_by_the_old_name_of_its_commune(farm: Farm) -> None:
    for name, commune in (("a", "22504"), ("b", "22528")):
        farm.registry.add_site(
            f"trai-{name}", organisation="hoa", name="Trại Tôm", commune=commune
        )
    text = "time;site;commune;product;kg\n30/05/2026;Trại Tôm;{};x;1"
    found = importer(farm).try_out("lan", text.format("xã Vạn Thọ"), kind="feed_in")
    assert [one.site for one in found.rows] == ["trai-a"]
    assert [(one.old, one.new) for one in found.renamed] == [
        ("xã Vạn Thọ", "xã Đại Lãnh")
    ]
    for commune, reason in (
        ("Vạn Thạnh", "xã Đại Lãnh, phường Nha Trang"), ("đâu đó", "no commune"),
        ("", "several are called that"),
    ):  # fmt: skip
        (bad,) = (
            importer(farm).try_out("lan", text.format(commune), kind="feed_in").troubles
        )
        assert reason in bad.reason


# The gate, with two people


def test_two_people_lift_the_lock_of_a_withdrawal_and_a_new_treatment_shuts_it(
    farm: Farm,
) -> None:
    drug: dict[str, Any] = {
        "product": "x",
        "substance": "oxytetracycline",
        "amount": "1",
        "reason": "y",
    }
    farm.take("stocking", count="1000", hatchery="x")
    farm.take("drug_chem_use", 5, **drug)
    harvest = farm.take("harvest", 20, kg="100")
    with pytest.raises(GateRefusedError, match="harvested_in_withdrawal"):
        farm.books.make_lot("lan", harvest=harvest.id)
    overriding = Overriding(farm.registry, farm.clock)
    farm.clock.advance(timedelta(minutes=1))
    asked = overriding.ask(
        "lan",
        Asked(
            id=str(uuid.uuid4()), organisation="hoa", subject=crop_subject(farm.crop),
            code="harvested_in_withdrawal", reason="dùng làm thức ăn chăn nuôi",
        ),
    )  # fmt: skip
    with pytest.raises(GateRefusedError):
        farm.books.make_lot("lan", harvest=harvest.id)
    overriding.agree("tam", asked.id, agreement=str(uuid.uuid4()))
    crop = farm.registry.get_crop(farm.crop)
    assert list(farm.books.gate(crop, harvest=harvest.id)) == []
    lot = farm.books.make_lot("lan", harvest=harvest.id)
    (told,) = passport_of(farm.registry, lot.product, lot.code, None, None).exceptions
    assert (told.code, told.reason) == (
        "harvested_in_withdrawal", "dùng làm thức ăn chăn nuôi",
    )  # fmt: skip
    farm.clock.advance(timedelta(minutes=1))
    farm.take("drug_chem_use", 19, **drug)
    assert [one.code for one in farm.books.gate(crop, harvest=harvest.id)] == [
        "harvested_in_withdrawal"
    ]


def test_a_harvest_that_was_corrected_after_its_lot_makes_no_second_one(
    farm: Farm,
) -> None:
    farm.take("stocking", count="1000", hatchery="x")
    harvest = farm.take("harvest", 20, kg="100")
    farm.books.make_lot("lan", harvest=harvest.id)
    more = farm.take("harvest", 20, corrects=harvest.id, kg="900")
    with pytest.raises(ConflictError, match="corrected after its lot"):
        farm.books.make_lot("lan", harvest=more.id)


def test_aerators_are_counted_by_their_current(farm: Farm) -> None:
    farm.registry.add_probe(farm.box, "quat-1", profile=MONITOR)
    farm.registry.deploy(farm.box, "quat-1", unit="hoa-ao-1", from_ms=NOW, now_ms=NOW)
    minute = 60_000
    farm.telemetry.write(
        [
            Reading(farm.box, ProbeId("quat-1"), Channel.CURRENT, NOW + n * minute,
                    4.0 if n < 180 else 0.02)
            for n in range(600)
        ]
    )  # fmt: skip
    end_ms = NOW + 20 * 3_600_000
    ran = aerator_hours(farm.registry, farm.telemetry, "hoa-ao-1", NOW, end_ms)
    assert ran is not None
    assert ran.hours == pytest.approx(3.0, abs=0.2)
    assert ran.covered == pytest.approx(0.5, abs=0.01)
    assert aerator_hours(farm.registry, farm.telemetry, "hoa-ao-2", NOW, end_ms) is None


def test_families_on_a_registry_are_those_of_the_whole_book(farm: Farm) -> None:
    a = farm.take("feed_use", product="x", kg="1")
    b = farm.take("feed_use", corrects=a.id, product="x", kg="2")
    farm.take("feed_use", corrects=b.id, product="x", kg="3")
    farm.take("feed_use", corrects=a.id, product="x", kg="4")
    (whole,) = families(farm.registry.records(crop=farm.crop))
    for record in whole.members:
        assert family_of(farm.registry, record) == whole
