"""A vessel's book on each registry: who wrote what for whom, and nothing ever changed."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from greenwater.kernel.errors import ConflictError, InputError, MissingError
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
)
from tests.contracts.registries import HOUR, NOW, Databases
from traceability.book.photos import MOST, Album, Picture
from traceability.gate.harvest import GateRefusedError
from traceability.gate.overriding import Asked, Overriding
from traceability.sea.card_ends import CardEnds
from traceability.sea.catch_evidence import catch_evidence_in
from traceability.sea.drawing import CatchPapers, NewPaper, NotEnoughError, balances
from traceability.sea.photos import add_sea_photo
from traceability.sea.vessels import NewCatchLot, VesselBooks


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
    fresh = boat.new("catch", {"lines": [{"species": "BET", "kg": 9}]})
    with pytest.raises(ConflictError, match="other content"):
        boat.books.record_all("ut", [fresh, other])
    assert boat.registry.vessel_records(trip="trip-1") == [first], "all or none"
    assert boat.books.record_all("ut", [new, fresh, fresh]) == 1


PHOTO = Picture(b"a photo", 80, 60)


def test_only_who_writes_a_kind_of_record_adds_photos_to_it_and_not_without_end(
    boat: Boat, tmp_path: Path
) -> None:
    caught, declared = boat.catch(1, ("YFT", 300)), boat.declare()
    album = Album(boat.registry, boat.clock, tmp_path)
    for person, record in (("tam", caught), ("minh", caught), ("tam", declared)):
        with pytest.raises(MissingError):
            add_sea_photo(boat.registry, album, person, record.id, PHOTO)
    add_sea_photo(boat.registry, album, "minh", declared.id, PHOTO)
    for number in range(MOST):
        one = Picture(b"%d" % number, 80, 60)
        add_sea_photo(boat.registry, album, "ut", caught.id, one)
    with pytest.raises(ConflictError, match="which is the most"):
        add_sea_photo(boat.registry, album, "sau", caught.id, PHOTO)
    seen = boat.registry.visible_to("tam")
    assert seen.vessel_photos(caught.id, declared.id) == []
    assert len(boat.registry.vessel_photos(caught.id, declared.id)) == MOST + 1


def a_receipt(landing: str, **more: object) -> NewPaper:
    facts: dict[str, object] = {
        "id": str(uuid.uuid4()), "kind": "receipt", "landing": landing, "parent": None,
        "number": "BN-01", "holder": "Nậu vựa Hòn Rớ", "kilograms": {"YFT": 760.0},
        "issued_ms": NOW + TRIP_DAYS * DAY + HOUR,
    }  # fmt: skip
    return NewPaper(**facts | more)  # type: ignore[arg-type]


def an_override(
    landing: str, code: str = "paper_expired", paper: str = "licence"
) -> Asked:
    return Asked(
        id=str(uuid.uuid4()), organisation="ba-tau", code=code,
        subject=f"landing/{landing}/{paper}", reason="đang chờ cấp lại, có giấy hẹn",
    )  # fmt: skip


def test_the_database_itself_refuses_to_change_them(boat: Boat, tmp_path: Path) -> None:
    landing = boat.fill()
    CatchPapers(boat.registry, boat.clock).draw("bon", a_receipt(landing.id))
    Overriding(boat.registry, boat.clock).ask("sau", an_override(landing.id))
    ends = CardEnds(boat.registry, boat.clock)
    ends.end("sau", REGISTRATION, "lost", act=str(uuid.uuid4()))
    album = Album(boat.registry, boat.clock, tmp_path)
    for _ in range(2):
        add_sea_photo(boat.registry, album, "ut", landing.id, PHOTO)
    (photo,) = boat.registry.vessel_photos(landing.id)
    assert (photo.added_by, photo.size) == ("ut", len(PHOTO.data))
    assert album.read(photo.digest) == PHOTO.data
    for table in (
        "vessel_record", "catch_paper", "gate_override", "card_revocation", "vessel_record_photo",
    ):  # fmt: skip
        for act in ("UPDATE {} SET organisation = 'khac'", "DELETE FROM {}"):
            with (
                pytest.raises(ConflictError, match="never changed or deleted"),
                boat.registry._sessions.writing() as session,
            ):
                session.execute(sa.text(act.format(table)))


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


def test_an_override_needs_a_reason_and_a_second_person_and_is_told(boat: Boat) -> None:
    landing = boat.fill()
    boat.renew("licence", until_day="2026-06-01")
    assert boat.codes(landing.id) == ["paper_expired"]
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
    assert boat.codes(landing.id) == ["paper_expired"], "one person is not enough"
    for who, error in (("bon", ConflictError), ("tam", MissingError)):
        with pytest.raises(error):
            overriding.agree(who, asked.id, agreement=str(uuid.uuid4()))
    agreed = overriding.agree("minh", asked.id, agreement=str(uuid.uuid4()))
    assert (agreed.person, agreed.second) == ("bon", "minh")
    assert boat.codes(landing.id) == []
    found = catch_evidence_in(boat.lot(landing.id))
    assert found is not None
    assert [one.code for one in found.overrides] == ["paper_expired"]
    assert "bon" not in str(found.overrides)


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
