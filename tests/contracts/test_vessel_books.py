"""A vessel's book on each registry: who wrote what for whom, and nothing ever changed."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import Source
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from tests.contracts.boats import (
    BET,
    DAY,
    REGISTRATION,
    TRIP_DAYS,
    YFT,
    Boat,
    a_haul,
    a_trip,
    a_violation,
)
from tests.contracts.registries import HOUR, NOW, Databases
from traceability.catch_evidence import catch_evidence_in
from traceability.drawing import CatchPapers, NewPaper, NotEnoughError, balances
from traceability.gate import GateRefusedError
from traceability.gdst.rules import check
from traceability.overriding import Asked, Overriding
from traceability.trip_case import landing_refusals
from traceability.vessel_papers import day_of
from traceability.vessels import NewCatchLot, VesselBooks


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    opened = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield opened
    opened.close()


@pytest.fixture
def boat(registry: Registry, telemetry: Telemetry) -> Boat:
    return Boat(registry, telemetry).sail()


def test_who_entered_for_whom_and_when_are_all_kept(boat: Boat) -> None:
    entered = boat.catch(1, ("YFT", 300), entered_ms=NOW + 9 * DAY)
    assert (entered.entered_by, entered.entered_for) == ("ut", "sau")
    assert entered.happened_ms == NOW + 7 * DAY + 11 * HOUR
    assert entered.entered_ms == NOW + 9 * DAY
    assert entered.received_ms == NOW + TRIP_DAYS * DAY + 2 * HOUR
    assert entered.source == "position"
    (kept,) = boat.registry.vessel_records(trip="trip-1")
    assert kept == entered


def test_sent_twice_is_once_and_other_content_is_a_conflict(boat: Boat) -> None:
    new = boat.new("catch", {"lines": [{"species": "YFT", "kg": 300}]})
    first = boat.books.record("ut", new)
    boat.at(NOW + 30 * DAY)
    assert boat.books.record("ut", new) == first
    other = boat.new("catch", {"lines": [{"species": "YFT", "kg": 301}]}, id=new.id)
    with pytest.raises(ConflictError, match="other content"):
        boat.books.record("ut", other)
    assert boat.registry.vessel_records(trip="trip-1") == [first]


def a_receipt(landing: str, **more: object) -> NewPaper:
    facts: dict[str, object] = {
        "id": str(uuid.uuid4()), "kind": "receipt", "landing": landing, "parent": None,
        "number": "BN-01", "holder": "Nậu vựa Hòn Rớ", "kilograms": {"YFT": 760.0},
        "issued_ms": NOW + TRIP_DAYS * DAY + HOUR,
    }  # fmt: skip
    return NewPaper(**facts | more)  # type: ignore[arg-type]


def an_override(landing: str, code: str = "paper_expired", paper: str = "vms") -> Asked:
    return Asked(
        id=str(uuid.uuid4()), organisation="ba-tau", code=code,
        subject=f"landing/{landing}/{paper}", reason="đang chờ cấp lại, có giấy hẹn",
    )  # fmt: skip


def test_the_database_itself_refuses_to_change_them(boat: Boat) -> None:
    landing = boat.fill()
    CatchPapers(boat.registry, boat.clock).draw("bon", a_receipt(landing.id))
    Overriding(boat.registry, boat.clock).ask("sau", an_override(landing.id))
    for table in ("vessel_record", "catch_paper", "gate_override"):
        for act in ("UPDATE {} SET organisation = 'khac'", "DELETE FROM {}"):
            with (
                pytest.raises(ConflictError, match="never changed or deleted"),
                boat.registry._sessions.writing() as session,
            ):
                session.execute(sa.text(act.format(table)))


def test_a_correction_keeps_the_original_and_takes_its_place(boat: Boat) -> None:
    wrong = boat.catch(1, ("YFT", 300))
    right = boat.catch(1, ("YFT", 320), corrects=wrong.id)
    assert boat.books.view("trip-1").book.caught == {"YFT": 320}
    kept = boat.registry.vessel_records(trip="trip-1")
    assert {one.id for one in kept} == {wrong.id, right.id}


def test_a_correction_stays_in_its_trip_and_kind(boat: Boat) -> None:
    caught = boat.catch(1, ("YFT", 300))
    with pytest.raises(InputError, match="stays in its trip and kind"):
        boat.land(("YFT", 300), corrects=caught.id)
    itself = str(uuid.uuid4())
    with pytest.raises(InputError, match="correct itself"):
        boat.catch(1, ("YFT", 300), id=itself, corrects=itself)


def test_only_the_boats_own_people_write_and_only_the_skipper_confirms(
    boat: Boat,
) -> None:
    for stranger in ("tam", "minh"):
        with pytest.raises(MissingError):
            boat.catch(1, ("YFT", 300), person=stranger)
    boat.declare()
    for other in ("bon", "ut", "tam", "minh"):
        with pytest.raises(MissingError):
            boat.confirm(other)
    with pytest.raises(MissingError):
        boat.catch(1, ("YFT", 1), entered_for="tam")
    assert boat.confirm("sau").entered_by == "sau"
    seen = boat.registry.visible_to("tam")
    assert seen.vessel_records() == []
    with pytest.raises(MissingError):
        seen.vessel_of_trip("trip-1")


def test_a_trip_of_another_boat_is_not_written_to(boat: Boat) -> None:
    new = boat.new("catch", {"lines": [{"species": "YFT", "kg": 1}]})
    theirs = msgspec.structs.replace(new, vessel="KH-90415-TS")
    with pytest.raises(MissingError, match="no trip trip-1 of KH-90415-TS"):
        boat.books.record("tam", theirs)


def test_a_confirmation_keeps_what_positions_showed_and_says_when_they_differ(
    boat: Boat,
) -> None:
    boat.fill()
    assert boat.books.view("trip-1").drift == []
    later = a_trip(id="trip-1b", departure_ms=NOW - HOUR, hauls=2)
    boat.found([later], [a_haul(1, trip="trip-1b"), a_haul(2, trip="trip-1b")])
    view = boat.books.view("trip-1")
    assert view.found is not None
    assert view.found.trip == later, "found by its time: its id is another now"
    assert view.drift == ["departure", "hauls"]
    confirmation = view.book.confirmation
    assert confirmation is not None
    kept = confirmation.record.frozen
    assert kept is not None
    assert kept["found"]["trip"]["id"] == "trip-1"
    assert len(kept["found"]["hauls"]) == 3
    boat.found([])
    assert boat.books.view("trip-1").drift == ["gone"]


def test_what_changes_after_confirming_must_be_confirmed_again(boat: Boat) -> None:
    landing = boat.fill()
    assert boat.books.view("trip-1").book.is_confirmed
    boat.catch(3, ("YFT", 20))
    assert codes(boat, landing.id) == ["trip_changed"]
    boat.confirm()
    assert codes(boat, landing.id) == []


def codes(boat: Boat, landing: str, species: str = "YFT", kg: float = 1) -> list[str]:
    return [one.code for one in boat.books.gate(landing, species, kg=kg).standing]


def test_a_lot_is_drawn_with_what_is_known_of_its_catch(boat: Boat) -> None:
    landing = boat.fill()
    lot = boat.lot(landing.id, 500)
    assert (lot.origin, lot.landing, lot.kg) == ("landing", landing.id, 500)
    found = catch_evidence_in(lot)
    assert found is not None
    assert (found.registration, found.gear, found.fao_area) == (
        REGISTRATION, "LLD", "71",
    )  # fmt: skip
    assert found.square == (10.0, 110.0, 5.0), "no fishing ground is told"
    assert "11.3" not in str(lot.evidence)
    assert found.zones == {"offshore": 1.0}
    assert found.is_confirmed
    assert found.coverage is not None
    assert found.coverage.share == 1.0
    assert found.coverage.by_source == {"box": 1.0}
    assert (found.caught_kg["YFT"], found.landed_kg["YFT"]) == (750, 760)
    assert found.warnings == []
    second = boat.lot(landing.id, 260)
    assert second.id != lot.id
    assert second.code != lot.code


def test_no_more_becomes_lots_than_was_landed(boat: Boat) -> None:
    landing = boat.fill()
    boat.lot(landing.id, 700)
    with pytest.raises(GateRefusedError) as refused:
        boat.lot(landing.id, 60.5)
    (one,) = refused.value.refusals
    assert one.code == "more_than_landed"
    assert one.facts["left_kg"] == 60
    boat.lot(landing.id, 60)
    boat.lot(landing.id, 78, BET)
    assert boat.books.drawn(landing.id) == {"YFT": 760, "BET": 78}


def test_the_same_lot_again_is_the_same(boat: Boat) -> None:
    landing = boat.fill()
    new = NewCatchLot(id=str(uuid.uuid4()), landing=landing.id, product=YFT, kg=700)
    assert boat.books.make_lot("bon", new) == boat.books.make_lot("bon", new)
    assert len(boat.registry.lots_of_landing(landing.id)) == 1


def test_a_landing_corrected_downwards_shuts_the_gate_of_its_lots(boat: Boat) -> None:
    landing = boat.fill()
    lot = boat.lot(landing.id, 700)
    assert not landing_refusals(boat.registry, lot, NOW + 30 * DAY)
    boat.land(("YFT", 650), ("BET", 78), ("SWO", 30), corrects=landing.id)
    refused = landing_refusals(boat.registry, lot, NOW + 30 * DAY)
    assert [one.code for one in refused] == ["more_than_landed"]


def test_the_gate_says_everything_at_once_with_its_cures(boat: Boat) -> None:
    boat.found([])
    landing = boat.land(("YFT", 700))
    refusals = boat.books.gate(landing.id, "YFT", kg=701).standing
    assert [one.code for one in refusals] == [
        "no_trip", "no_catch_area", "no_catch", "more_than_landed",
    ]  # fmt: skip
    for one in refusals:
        assert one.cure.startswith(("/vessels/", "/trips/")), one


def test_a_line_that_nobody_verified_warns_and_a_verified_one_refuses(
    boat: Boat,
) -> None:
    landing = boat.fill()
    hauls = [a_haul(number) for number in (1, 2, 3)]
    boat.found([a_trip()], hauls, [a_violation()])
    asked = boat.books.gate(landing.id, "YFT", kg=1)
    assert asked.standing == ()
    assert [one.code for one in asked.warnings] == ["closed_zone_unverified"]
    boat.found([a_trip()], hauls, [a_violation(is_verified=True)])
    assert codes(boat, landing.id) == ["closed_zone"]
    said = {"violation": "v-1", "finding": "upheld", "text": "đã lập biên bản"}
    boat.write("statement", said, person="minh")
    assert codes(boat, landing.id) == ["closed_zone"], "upheld is not settled"
    boat.at(NOW + 40 * DAY)
    boat.write("statement", said | {"finding": "passing"}, person="sau")
    assert codes(boat, landing.id) == []


def test_papers_are_held_to_the_time_of_the_trip(boat: Boat) -> None:
    landing = boat.fill()
    licence = next(
        one
        for one in boat.registry.vessel_records(vessel=REGISTRATION)
        if one.fields.get("paper") == "licence"
    )
    day = str(day_of(NOW + 10 * DAY))
    fields = licence.fields | {"until_day": day}
    boat.write("paper", fields, trip=None, person="bon", corrects=licence.id)
    (refusal,) = boat.books.gate(landing.id, "YFT", kg=1).standing
    assert (refusal.code, refusal.facts["paper"]) == ("paper_expired", "licence")
    renewed = {"paper": "licence", "number": "KH-2", "from_day": day}
    boat.write("paper", renewed, trip=None, person="bon")
    assert codes(boat, landing.id) == [], "renewed before it ended"


def test_an_override_needs_a_reason_and_a_second_person_and_is_told(boat: Boat) -> None:
    landing = boat.fill()
    vms = next(
        one
        for one in boat.registry.vessel_records(vessel=REGISTRATION)
        if one.fields.get("paper") == "vms"
    )
    fields = vms.fields | {"until_day": "2026-06-01"}
    boat.write("paper", fields, trip=None, person="bon", corrects=vms.id)
    assert codes(boat, landing.id) == ["paper_expired"]
    overriding = Overriding(boat.registry, boat.clock)
    with pytest.raises(InputError, match="reason"):
        overriding.ask(
            "bon", msgspec.structs.replace(an_override(landing.id), reason="ok")
        )
    with pytest.raises(InputError, match="cannot be lifted"):
        overriding.ask("bon", an_override(landing.id, "more_than_landed"))
    with pytest.raises(MissingError):
        overriding.ask("tam", an_override(landing.id))
    asked = overriding.ask("bon", an_override(landing.id))
    assert codes(boat, landing.id) == ["paper_expired"], "one person is not enough"
    for who, error in (("bon", ConflictError), ("tam", MissingError)):
        with pytest.raises(error):
            overriding.agree(who, asked.id, agreement=str(uuid.uuid4()))
    agreed = overriding.agree("minh", asked.id, agreement=str(uuid.uuid4()))
    assert (agreed.person, agreed.second) == ("bon", "minh")
    assert codes(boat, landing.id) == []
    found = catch_evidence_in(boat.lot(landing.id))
    assert found is not None
    assert [one.code for one in found.overrides] == ["paper_expired"]
    assert "bon" not in str(found.overrides)


def test_catch_against_landing_is_shown_and_never_refused(boat: Boat) -> None:
    boat.declare()
    boat.catch(1, ("YFT", 300))
    landing = boat.land(("YFT", 400))
    boat.confirm()
    asked = boat.books.gate(landing.id, "YFT", kg=400)
    assert asked.standing == ()
    (warning,) = asked.warnings
    assert warning.code == "catch_differs"
    assert (warning.facts["expected_kg"], warning.facts["landed_kg"]) == (300, 400)


def test_what_was_handed_over_at_sea_is_not_expected_ashore(boat: Boat) -> None:
    boat.declare()
    boat.catch(1, ("YFT", 300))
    boat.write(
        "transshipment",
        {"direction": "given", "other_vessel": "KH-90415-TS",
         "lines": [{"species": "YFT", "kg": 100}]},
    )  # fmt: skip
    assert boat.books.view("trip-1").book.expected == {"YFT": 200}


def test_kilograms_are_drawn_down_from_landing_to_receipt_to_sc_to_cc(
    boat: Boat,
) -> None:
    landing = boat.fill()
    papers = CatchPapers(boat.registry, boat.clock)
    receipt = papers.draw("bon", a_receipt(landing.id))
    with pytest.raises(NotEnoughError, match="760 kg of YFT is more than the 0 kg"):
        papers.draw("bon", a_receipt(landing.id))
    sc = papers.draw(
        "bon", a_receipt(landing.id, kind="sc", parent=receipt.id, number="SC-1",
                         kilograms={"YFT": 500.0}),
    )  # fmt: skip
    papers.draw(
        "bon", a_receipt(landing.id, kind="cc", parent=sc.id, number="CC-1",
                         kilograms={"YFT": 120.5}),
    )  # fmt: skip
    with pytest.raises(InputError, match="draws from a sc of the same landing"):
        papers.draw("bon", a_receipt(landing.id, kind="cc", parent=receipt.id))
    found = balances(boat.registry, landing.id, NOW + 30 * DAY)
    left = [
        (None if one.paper is None else one.paper.kind, one.left.get("YFT"))
        for one in found
    ]
    assert left == [(None, 0), ("receipt", 260), ("sc", 379.5), ("cc", 120.5)]


def test_however_many_draw_at_once_no_kilogram_is_drawn_twice(
    databases: Databases, telemetry: Telemetry
) -> None:
    url = databases.migrated()
    with open_registry(url) as registry, open_registry(url) as other:
        boat = Boat(registry, telemetry).sail()
        landing = boat.fill()
        beside = VesselBooks(other, telemetry, boat.clock)

        def lot(number: int) -> bool:
            new = NewCatchLot(
                id=str(uuid.UUID(int=number)), landing=landing.id, product=YFT, kg=100
            )
            try:
                (boat.books if number % 2 else beside).make_lot("bon", new)
            except GateRefusedError:
                return False
            return True

        def paper(number: int) -> bool:
            new = a_receipt(
                landing.id, id=str(uuid.UUID(int=number)), kilograms={"YFT": 100.0}
            )
            try:
                CatchPapers(registry if number % 2 else other, boat.clock).draw(
                    "bon", new
                )
            except NotEnoughError:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            lots = list(pool.map(lot, range(12)))
            papers = list(pool.map(paper, range(12)))
        assert (sum(lots), sum(papers)) == (7, 7)
        assert boat.books.drawn(landing.id) == {"YFT": 700}


def test_the_events_of_a_catch_are_gdsts_and_say_what_a_small_boat_lacks(
    boat: Boat,
) -> None:
    landing = boat.fill()
    lot = boat.lot(landing.id)
    events = [
        msgspec.json.decode(one.document)
        for one in boat.registry.trace_events(subject=lot.id)
    ]
    assert [one["bizStep"].rpartition(":")[2] for one in events] == [
        "fishingEvent", "landing",
    ]  # fmt: skip
    checked = check(events)
    assert checked.errors == (), checked.errors
    assert 0.7 < checked.completeness < 1
    assert "11.3" not in str(events), "no fishing ground is told"


def test_a_trip_of_monitoring_says_so(registry: Registry, telemetry: Telemetry) -> None:
    boat = Boat(registry, telemetry).sail(every_h=6, source=Source.VMS)
    found = boat.books._evidence.coverage(boat.books.view("trip-1"))
    assert found is not None
    assert found.by_source == {"vms": pytest.approx(0.389, abs=0.001)}
    assert found.longest_gap_ms == 6 * HOUR - round(7 / 3 * HOUR)
