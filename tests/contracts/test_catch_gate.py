"""The gate for catches: everything at once, papers by the day, lines that are verified."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import Source, day_of
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from tests.contracts.boats import (
    DAY,
    REGISTRATION,
    YFT,
    Boat,
    a_haul,
    a_trip,
    a_violation,
)
from tests.contracts.registries import HOUR, NOW
from tests.ledgers import trace_events
from tests.templates import empty_registry
from traceability.gdst.rules import check
from traceability.sea.catch_evidence import catch_evidence_in
from traceability.sea.trip_case import landing_refusals
from traceability.sea.trip_evidence import TripEvidence
from traceability.sea.vessels import NewCatchLot


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Boat]:
    telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        yield Boat(registry, telemetry).sail()
    telemetry.close()


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


def test_what_changes_after_confirming_must_be_confirmed_again(boat: Boat) -> None:
    landing = boat.fill()
    assert boat.books.view("trip-1").book.is_confirmed
    boat.catch(3, ("YFT", 20))
    assert boat.codes(landing.id) == ["trip_changed"]
    boat.confirm()
    assert boat.codes(landing.id) == []


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
    assert set(found.warnings) == {"paper_missing"}
    second = boat.lot(landing.id, 260)
    assert second.id != lot.id
    assert second.code != lot.code


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
    assert "closed_zone_unverified" in [one.code for one in asked.warnings]
    boat.found([a_trip()], hauls, [a_violation(is_verified=True)])
    assert boat.codes(landing.id) == ["closed_zone"]
    said = {"violation": "v-1", "finding": "upheld", "text": "đã lập biên bản"}
    boat.write("statement", said, person="minh")
    assert boat.codes(landing.id) == ["closed_zone"], "upheld is not settled"
    boat.at(NOW + 40 * DAY)
    boat.write("statement", said | {"finding": "passing"}, person="sau")
    assert boat.codes(landing.id) == []


def test_papers_are_held_to_the_time_of_the_trip(boat: Boat) -> None:
    landing = boat.fill()
    day = str(day_of(NOW + 10 * DAY))
    boat.renew("licence", until_day=day)
    (refusal,) = boat.books.gate(landing.id, "YFT", kg=1).standing
    assert (refusal.code, refusal.facts["paper"]) == ("paper_expired", "licence")
    renewed = {"paper": "licence", "number": "KH-2", "from_day": day}
    boat.write("paper", renewed, trip=None, person="bon")
    assert boat.codes(landing.id) == [], "renewed before it ended"


def test_catch_against_landing_is_shown_and_never_refused(boat: Boat) -> None:
    boat.declare()
    boat.catch(1, ("YFT", 300))
    landing = boat.land(("YFT", 400))
    boat.confirm()
    asked = boat.books.gate(landing.id, "YFT", kg=400)
    assert asked.standing == ()
    (warning,) = [one for one in asked.warnings if one.code != "paper_missing"]
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


def test_the_events_of_a_catch_are_gdsts_and_say_what_a_small_boat_lacks(
    boat: Boat,
) -> None:
    landing = boat.fill()
    lot = boat.lot(landing.id)
    events = [
        msgspec.json.decode(one.document)
        for one in trace_events(boat.registry, subject=lot.id)
    ]
    assert [one["bizStep"].rpartition(":")[2] for one in events] == [
        "fishingEvent", "landing",
    ]  # fmt: skip
    checked = check(events)
    assert checked.errors == (), checked.errors
    assert 0.7 < checked.completeness < 1
    assert "11.3" not in str(events), "no fishing ground is told"


def test_a_trip_of_monitoring_says_so(tmp_path: Path) -> None:
    telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        boat = Boat(registry, telemetry).sail(every_h=6, source=Source.VMS)
        evidence = TripEvidence(registry, telemetry)
        found = evidence.coverage(boat.books.view("trip-1"))
    telemetry.close()
    assert found is not None
    assert found.by_source == {"vms": pytest.approx(0.389, abs=0.001)}
    assert found.longest_gap_ms == 6 * HOUR - round(7 / 3 * HOUR)
