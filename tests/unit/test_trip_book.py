"""A trip's book on paper: any order, any repetition; papers; how positions cover a trip."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.vessel_books import VesselRecord
from tests.contracts.boats import DAY, a_haul, a_trip
from tests.contracts.registries import HOUR, NOW
from traceability.records import digest
from traceability.sea.catch_evidence import square_of
from traceability.sea.coverage import HOLD_MS, coverage
from traceability.sea.found_trips import Found, drift, frozen, match, thawed
from traceability.sea.sea_records import checked_sea_fields
from traceability.sea.trip_book import differences, in_force, trip_book
from traceability.sea.vessel_events import gear_urn
from traceability.sea.vessel_papers import Paper, PaperStanding, paper_states


def a_record(number: int, kind: str = "catch", **more: Any) -> VesselRecord:
    fields = more.pop("fields", {"lines": [{"species": "YFT", "kg": 10.0 * number}]})
    facts: dict[str, Any] = {
        "id": f"r{number}", "organisation": "hoa", "vessel": "KH-95123-TS",
        "trip": "t", "kind": kind, "happened_ms": NOW, "entered_ms": NOW + number,
        "received_ms": NOW, "entered_by": "ut", "entered_for": "sau",
        "source": "hand", "fields": fields, "corrects": None,
        "digest": digest([number, fields]),
    }  # fmt: skip
    return VesselRecord(**facts | more)


TRIP_FIELDS = {"departure_ms": NOW, "departure_port": "CHR", "gear": "LLD", "crew": 9}


@st.composite
def books(draw: st.DrawFn) -> list[VesselRecord]:
    """Records of a trip; each may correct any other, of its kind or not, or none."""
    count = draw(st.integers(1, 8))
    found = []
    for number in range(count):
        kind = draw(st.sampled_from(["catch", "landing", "trip", "transshipment"]))
        fields: dict[str, Any] = (
            dict(TRIP_FIELDS)
            if kind == "trip"
            else {"lines": [{"species": "YFT", "kg": draw(st.integers(1, 9)) * 10.0}]}
        )
        if kind == "transshipment":
            fields["direction"] = draw(st.sampled_from(["given", "taken"]))
        corrects = draw(st.none() | st.integers(0, count).map(lambda one: f"r{one}"))
        found.append(
            a_record(
                number, kind, fields=fields,
                entered_ms=NOW + draw(st.integers(0, 2)),
                happened_ms=NOW + draw(st.integers(0, 2)),
                corrects=None if corrects == f"r{number}" else corrects,
            )
        )  # fmt: skip
    return found


@given(st.data())
def test_any_order_and_repetition_gives_the_same_book(data: st.DataObject) -> None:
    records = data.draw(books())
    again = data.draw(st.lists(st.sampled_from(records), max_size=5))
    shuffled = data.draw(st.permutations([*records, *again]))
    assert trip_book(shuffled) == trip_book(records)
    assert in_force(shuffled) == in_force(records)


@given(books())
def test_nothing_counts_that_was_corrected_and_nothing_counts_twice(
    records: Sequence[VesselRecord],
) -> None:
    standing = in_force(records)
    known = {one.id: one for one in records}
    counted = [one.record.id for one in standing]
    assert len(set(counted)) == len(counted)
    for one in standing:
        old = known.get(one.record.corrects or "")
        if old is not None and (old.kind == one.record.kind):
            back = known.get(old.corrects or "")
            assert old.id not in counted or back is one.record


def test_a_correction_may_come_before_what_it_corrects() -> None:
    first, second = a_record(1), a_record(2, corrects="r1")
    alone = trip_book([second])
    assert alone.caught == {"YFT": 20}
    assert trip_book([second, first]) == alone


def test_where_two_correct_the_same_the_one_typed_later_counts() -> None:
    first = a_record(1)
    early, late = a_record(2, corrects="r1"), a_record(3, corrects="r1")
    assert trip_book([late, first, early]).caught == {"YFT": 30}


def test_a_correction_of_another_kind_counts_for_nothing() -> None:
    first, odd = a_record(1), a_record(2, "landing", corrects="r1")
    book = trip_book([first, odd])
    assert (book.caught, book.landed) == ({"YFT": 10}, {})


def test_a_confirmation_covers_what_stands_and_nothing_else() -> None:
    trip, caught = a_record(1, "trip", fields=TRIP_FIELDS), a_record(2)
    told = {one.id: one.digest for one in (trip, caught)}
    signed = a_record(3, "confirmation", fields={"covers": told})
    landing = a_record(4, "landing")
    assert trip_book([signed, trip, caught, landing]).is_confirmed
    changed = a_record(5, corrects="r2")
    assert not trip_book([signed, trip, caught, landing, changed]).is_confirmed
    assert not trip_book([signed, trip]).is_confirmed
    assert not trip_book([signed, trip, caught, a_record(6)]).is_confirmed
    forged = replace(signed, fields={"covers": told | {"r2": "another digest"}})
    assert not trip_book([forged, trip, caught]).is_confirmed
    stale = replace(signed, id="r0", entered_ms=NOW + 99, fields={"covers": {"x": "y"}})
    assert trip_book([signed, trip, caught, stale]).is_confirmed


def test_the_tolerance_is_ten_hundredths_of_what_was_weighed() -> None:
    def judged(caught: float, landed: float) -> bool:
        book = trip_book(
            [
                a_record(1, fields={"lines": [{"species": "YFT", "kg": caught}]}),
                a_record(2, "landing",
                         fields={"lines": [{"species": "YFT", "kg": landed}]}),
            ]
        )  # fmt: skip
        (one,) = differences(book)
        return one.is_within

    assert judged(90, 100)
    assert judged(110, 100)
    assert not judged(89.9, 100)
    assert not judged(110.1, 100)
    assert not judged(10, 0)


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("catch", {"lines": [{"species": "XXX", "kg": 1}]}, "XXX"),
        ("catch", {"lines": [{"species": "YFT", "kg": -1}]}, "-1 kg"),
        ("catch", {"lines": [{"species": "YFT", "kg": "nan"}]}, "not a number"),
        ("catch", {"lines": [{"species": "YFT", "kg": "1e999"}]}, "inf kg"),
        ("catch", {"lines": [{"species": "YFT", "kg": 0}]}, "no kilograms"),
        ("catch", {"lines": [{"species": "YFT", "kg": 1}] * 2}, "stands there twice"),
        ("catch", {"lines": "YFT"}, "is no list"),
        ("catch", {}, "lines is missing"),
        ("catch", {"lines": [{"species": "YFT", "kg": 1}], "latitude": 11}, "position"),
        ("catch", {"colour": "red"}, "no field 'colour'"),
        ("landing", {"port": "XXX", "receiver": "x"}, "port 'XXX' is not one of"),
        ("trip", {"departure_ms": NOW, "departure_port": "CHR", "gear": "LLD",
                  "crew": "2,5"}, "not a whole number"),
        ("trip", {"departure_ms": NOW, "departure_port": "CHR", "gear": "LLD",
                  "crew": 9, "return_ms": NOW - 1, "return_port": "CHR"}, "cannot end"),
        ("paper", {"paper": "licence", "number": "1", "from_day": "hôm qua"}, "not a day"),
        ("paper", {"paper": "licence", "number": "\u202e1", "from_day": "2026-01-01"}, "control"),
        ("party", {}, "'party' is not one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_sentence(
    kind: str, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        checked_sea_fields(kind, fields)


def days(since: str, until: str | None, kind: str = "licence") -> Paper:
    ends = None if until is None else dt.date.fromisoformat(until)
    return Paper(kind, since, dt.date.fromisoformat(since), ends)


@pytest.mark.parametrize(
    ("papers", "standing", "left"),
    [
        ([], PaperStanding.MISSING, None),
        ([days("2026-01-01", "2026-06-27")], PaperStanding.EXPIRING, 5),
        ([days("2026-01-01", "2026-06-22")], PaperStanding.EXPIRING, 0),
        ([days("2026-01-01", "2026-06-21")], PaperStanding.EXPIRED, -1),
        ([days("2026-01-01", None)], PaperStanding.VALID, None),
        ([days("2026-06-03", None)], PaperStanding.EXPIRED, None),
        ([days("2026-01-01", "2026-06-10"), days("2026-06-11", None)],
         PaperStanding.VALID, None),
        ([days("2026-01-01", "2026-06-10"), days("2026-06-12", None)],
         PaperStanding.EXPIRED, None),
    ],
)  # fmt: skip
def test_a_paper_holds_from_its_first_to_its_last_day_in_vietnam(
    papers: list[Paper], standing: PaperStanding, left: int | None
) -> None:
    from_ms = 1_780_333_200_000  # 2026-06-02 00:00 in Vietnam
    until_ms = from_ms + 20 * DAY + 23 * HOUR  # 2026-06-22 23:00
    (state,) = [
        one
        for one in paper_states(papers, 17.0, from_ms, until_ms)
        if one.paper == "licence"
    ]
    assert (state.standing, state.days) == (standing, left)
    wanted = {5: 15, 0: 3}.get(-1 if left is None else left)
    assert state.warning == wanted


def test_small_boats_are_asked_for_less() -> None:
    asked = {
        length: {one.paper for one in paper_states([], length, NOW, NOW)}
        for length in (5.0, 7.0, 13.0, 17.0)
    }
    assert asked[5.0] == set()
    assert asked[7.0] == {"registration", "licence"}
    assert asked[13.0] >= {"safety", "master"}
    assert asked[17.0] >= {"vms", "food_safety"}


@given(
    st.lists(st.integers(-5, 60), max_size=12),
    st.lists(st.integers(-5, 60), max_size=12),
)
def test_coverage_is_what_every_minute_counted_would_say(
    box: list[int], vms: list[int]
) -> None:
    span, step = 48, HOUR
    found = coverage(
        {"box": [one * step for one in box], "vms": [one * step for one in vms]},
        0, span * step,
    )  # fmt: skip
    minutes = [False] * (span * 60)
    for at in {*box, *vms}:
        if 0 <= at <= span:
            for minute in range(at * 60, min(at * 60 + HOLD_MS // 60_000, span * 60)):
                minutes[minute] = True
    assert found.share == pytest.approx(sum(minutes) / len(minutes), abs=1e-4)
    longest = max(
        (len(hole) for hole in "".join(".#"[one] for one in minutes).split("#")),
        default=0,
    )
    assert found.longest_gap_ms == longest * 60_000
    assert set(found.by_source) <= {"box", "vms"}


def test_a_trip_is_found_by_id_or_by_the_time_it_shares() -> None:
    one, other = a_trip(), a_trip(id="t2", departure_ms=NOW + 30 * DAY, landing_ms=None)
    assert match([one, other], "t2", None) == other
    assert match([one, other], "gone", (NOW + DAY, NOW + 9 * DAY)) == one
    assert match([one, other], "gone", (NOW + 31 * DAY, NOW + 40 * DAY)) == other
    assert match([one], "gone", (NOW + 21 * DAY, NOW + 22 * DAY)) is None
    assert match([one], "gone", None) is None


def test_the_copy_of_a_confirmation_is_what_was_found() -> None:
    found = Found(a_trip(), (a_haul(1), a_haul(2)))
    copy = frozen(found)
    assert copy is not None
    assert thawed(copy) == found
    assert copy["digest"] == digest(copy["found"])
    assert drift(found, found) == []
    assert drift(None, found) == ["appeared"]
    moved = Found(replace(found.trip, landing_port="CVL"), found.hauls)
    assert drift(found, moved) == ["landing_port"]


def test_fishing_grounds_are_told_in_squares_of_five_degrees() -> None:
    assert square_of([(11.3, 112.6), (11.4, 112.7), (9.9, 114.0)]) == (10.0, 110.0, 5.0)
    assert square_of([]) is None


@pytest.mark.parametrize(
    ("number", "urn"),
    [("09.32", "9.32"), ("01.1", "1.1"), ("10.9", "10.9"), ("", "99")],
)
def test_gears_are_written_as_gdst_does(number: str, urn: str) -> None:
    assert gear_urn(number) == f"urn:gdst:gear:{urn}"
