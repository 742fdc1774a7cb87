"""Which scans speak of a copied label: too far, too often, and nothing finer than told."""

from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.reading import HOUR_MS
from greenwater.reference.provinces import PROVINCES
from greenwater.storage.registry.scans import LotScans, Scan
from traceability.proof.copies import (
    THRESHOLDS,
    Why,
    distance_km,
    hour_of,
    lots_suspected,
    parse_place,
    suspicions_of,
    where,
)

T0 = 1_780_400_000_000 // HOUR_MS * HOUR_MS


def scan(hour: int, place: str = "", count: int = 1) -> Scan:
    return Scan("S", T0 + hour * HOUR_MS, place, count)


def whys(*scans: Scan) -> list[Why]:
    return [one.why for one in suspicions_of(scans)]


def test_two_far_places_within_an_hour_are_one_too_many() -> None:
    (found,) = suspicions_of([scan(0, "khanh-hoa"), scan(1, "ha-noi")])
    assert (found.why, found.places, found.hours) == (
        Why.FAR, ("khanh-hoa", "ha-noi"), 2,
    )  # fmt: skip
    assert 1000 < found.km < 1100, "about 1,040 km as the crow flies"


def test_what_can_be_travelled_is_no_suspicion() -> None:
    assert whys(scan(0, "khanh-hoa"), scan(12, "ha-noi")) == []
    assert whys(scan(0, "khanh-hoa"), scan(0, "lam-dong")) == [], "they are neighbours"
    assert whys(scan(0, "khanh-hoa"), scan(0, "gia-lai")) == [], "178 km, of centres"
    assert whys(scan(0, "khanh-hoa"), scan(0, "ho-chi-minh")) == [Why.FAR], "315 km"
    assert whys(scan(0, "khanh-hoa"), scan(1)) == [], "nobody told where"
    assert whys(scan(0, "12.2,109.2"), scan(0, "khanh-hoa")) == []
    assert whys(scan(0, "12.2,109.2"), scan(0, "21.0,105.8")) == [Why.FAR]
    assert whys() == []


def test_the_worst_pair_is_told() -> None:
    scans = [scan(0, "khanh-hoa"), scan(0, "can-tho"), scan(0, "ha-noi")]
    (found,) = suspicions_of(scans)
    assert found.places == ("can-tho", "ha-noi")


def test_a_package_is_not_looked_at_for_ever() -> None:
    a_day = THRESHOLDS.scans_a_day
    assert whys(scan(0, count=a_day)) == []
    assert whys(scan(0, count=a_day), scan(23)) == [Why.OFTEN]
    assert whys(scan(0, count=a_day), scan(24)) == []
    weekly = [scan(168 * week, count=25) for week in range(7)]
    assert whys(*weekly[:6]) == []
    assert whys(*weekly) == [Why.OFTEN], "175 in seven weeks"


def test_a_lot_is_not_scanned_far_more_than_it_has_labels() -> None:
    lots = [
        LotScans("few", THRESHOLDS.least_scans - 1, 2, 2),
        LotScans("least", THRESHOLDS.least_scans, 2, 2),
        LotScans("many", 2000, 100, 100),
        LotScans("copied", 2001, 100, 100),
    ]
    assert [one.subject for one in lots_suspected(lots)] == ["least", "copied"]


@given(st.text(max_size=30))
def test_no_place_finer_than_a_tenth_of_a_degree_is_kept(text: str) -> None:
    kept = parse_place(text)
    assert kept == "" or kept in PROVINCES or parse_place(kept) == kept
    assert (where(kept) is None) == (kept == "")


def test_a_position_is_rounded() -> None:
    assert parse_place(" 12.23881,109.19672 ") == "12.2,109.2"
    assert parse_place("-0.04,7") == "-0.0,7.0"
    for wrong in ("91,0", "0,181", "nan,0", "inf,0", "1", "a,b", "Nha Trang", "1,2,3"):
        assert parse_place(wrong) == "", wrong


@given(st.integers(0, 2**42))
def test_the_minute_is_not_kept(at_ms: int) -> None:
    hour = hour_of(at_ms)
    assert hour % HOUR_MS == 0
    assert 0 <= at_ms - hour < HOUR_MS


def test_provinces_are_where_they_are() -> None:
    assert len(PROVINCES) == 34
    for one in PROVINCES.values():
        assert 8 < one.at[0] < 23.5, one.id
        assert 102 < one.at[1] < 110, one.id
    assert 280 < distance_km(PROVINCES["khanh-hoa"].at, (10.8, 106.7)) < 350
