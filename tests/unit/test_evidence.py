"""The water's evidence, held against a plain account of every minute."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from greenwater.derived.unit_water import Held, Made
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.reference.limits import Bounds
from traceability.book.evidence import (
    HOLD_MS,
    Evidence,
    Tally,
    gaps_between,
    joined,
)
from traceability.book.evidence import tallied as tallied_of
from traceability.label.passport import Names, Origin, Passport
from web.views.evidence import evidence_views
from web.views.labelwater import water_views
from web.words import Lang

MINUTE = 60_000
T0 = 1_780_000_000_000
LIMITS = Bounds(4.0, 9.0)
HOLD = HOLD_MS // MINUTE

readings_of = st.lists(
    st.tuples(
        st.integers(1, 3 * HOLD),
        st.one_of(st.none(), st.sampled_from([2.0, 3.9, 4.0, 5.0, 9.0, 9.5, 12.0])),
    ),
    max_size=40,
)


def reading(minute: int, value: float | None) -> Reading:
    at_ms = T0 + minute * MINUTE
    return Reading(DeviceId("b"), ProbeId("p"), Channel.DISSOLVED_OXYGEN, at_ms, value)


def tallied(
    readings: list[Reading], bounds: Bounds, end_ms: int, made: Made = Made.TOLD
) -> Tally:
    held = (Held(one, one.value, made) for one in readings)
    return tallied_of(held, bounds, end_ms)


def laid_out(steps: list[tuple[int, float | None]]) -> tuple[list[Reading], int]:
    minute, found = 0, []
    for step, value in steps:
        minute += step
        found.append(reading(minute, value))
    return found, minute + 10


def by_minute(readings: list[Reading], end: int) -> list[float | None]:
    """Return what each minute is known to have been; None: nothing is known."""
    known = [one for one in readings if one.value is not None]
    minutes: list[float | None] = [None] * end
    for at, one in enumerate(known):
        start = (one.taken_ms - T0) // MINUTE
        after = known[at + 1].taken_ms if at + 1 < len(known) else T0 + end * MINUTE
        length = (after - T0) // MINUTE - start
        if length <= HOLD:
            minutes[start : start + length] = [one.value] * length
    return minutes


def evidence(tally: Tally, end: int, *, is_hand: bool = False) -> object:
    return joined(
        [(tally, is_hand)],
        (T0, T0 + end * MINUTE),
        channel="dissolved_oxygen",
        limit=LIMITS,
        basis="practice",
        source="test",
        verified=False,
    )


@given(readings_of)
def test_shares_and_gaps_are_those_of_the_minutes(
    steps: list[tuple[int, float | None]],
) -> None:
    readings, end = laid_out(steps)
    minutes = by_minute(readings, end)
    tally = tallied(readings, LIMITS, T0 + end * MINUTE)
    known = [one for one in minutes if one is not None]
    assert tally.measured_ms == len(known) * MINUTE
    assert tally.inside_ms == sum(LIMITS.holds(one) for one in known) * MINUTE
    gaps = gaps_between(tally.covered, (T0, T0 + end * MINUTE))
    assert sum(b - a for a, b in gaps) == minutes.count(None) * MINUTE
    assert all(a < b for a, b in gaps)


@given(readings_of)
def test_the_longest_excursion_is_the_longest_run_of_minutes_outside(
    steps: list[tuple[int, float | None]],
) -> None:
    readings, end = laid_out(steps)
    run = longest = 0
    for value in by_minute(readings, end):
        run = run + 1 if value is not None and not LIMITS.holds(value) else 0
        longest = max(longest, run)
    found = tallied(readings, LIMITS, T0 + end * MINUTE).longest
    length = 0 if found is None else found.to_ms - found.from_ms
    assert length == longest * MINUTE


def test_a_night_below_the_limit_is_told_with_its_lowest_value() -> None:
    values = [5.0, 3.9, 2.1, 3.0, 5.0, 5.0]
    readings = [reading(20 * n, value) for n, value in enumerate(values)]
    found = tallied(readings, LIMITS, T0 + 120 * MINUTE).longest
    assert found is not None
    assert (found.from_ms, found.to_ms, found.worst) == (
        T0 + 20 * MINUTE, T0 + 80 * MINUTE, 2.1,
    )  # fmt: skip


def test_a_bad_answer_is_no_reading_and_a_silence_is_a_gap() -> None:
    readings = [reading(0, 5.0), reading(10, None), reading(20, 5.0)]
    whole = tallied(readings, LIMITS, T0 + 30 * MINUTE)
    assert (whole.readings, whole.measured_ms) == (2, 30 * MINUTE)
    silent = [reading(0, 5.0), reading(HOLD + 1, 5.0), reading(HOLD + 2, 5.0)]
    broken = tallied(silent, LIMITS, T0 + (HOLD + 3) * MINUTE)
    assert broken.measured_ms == 2 * MINUTE


def test_nothing_measured_is_no_share_at_all() -> None:
    found = evidence(tallied([], LIMITS, T0 + 60 * MINUTE), 60)
    assert (found.inside_share, found.gap_share, found.readings) == (None, 1.0, 0)  # type: ignore[attr-defined]


def test_readings_by_hand_are_told_apart() -> None:
    probe = tallied([reading(n, 5.0) for n in range(3)], LIMITS, T0 + 10 * MINUTE)
    hand = tallied([reading(5, 6.0)], LIMITS, T0 + 10 * MINUTE)
    both = joined(
        [(probe, False), (hand, True)], (T0, T0 + 10 * MINUTE),
        channel="dissolved_oxygen", limit=LIMITS, basis="practice", source="test",
        verified=False,
    )  # fmt: skip
    assert both.hand_share == 0.25
    assert (both.minimum, both.maximum) == (5.0, 6.0)
    assert both.gap_share == 0.0, "it is a gap only where none measured"


def test_how_much_was_put_right_or_worked_out_is_told() -> None:
    """On the passport too, and only where there is any of it."""
    ends = (LIMITS, T0 + 10 * MINUTE)
    told, wrong = [reading(n, 5.0) for n in range(6)], [reading(7, 5.0)]
    tallies = [
        (tallied(told, *ends), False),
        (tallied(wrong, *ends, Made.SALTED), False),
        (tallied(wrong, *ends, Made.DERIVED), False),
    ]
    both = joined(
        tallies, (T0, T0 + 10 * MINUTE),
        channel="dissolved_oxygen", limit=LIMITS, basis="practice", source="test",
        verified=False,
    )  # fmt: skip
    assert (both.salted_share, both.derived_share) == (0.125, 0.125)
    shown = evidence_views(Lang.VI, Evidence(T0, T0 + 1, (both,), False))[0].hand
    assert shown.endswith("đo tay; 12 % đã bù độ mặn; 12 % tính ra từ số đo khác")
    (measured,) = evidence_views(
        Lang.VI,
        Evidence(
            T0,
            T0 + 1,
            (structs.replace(both, salted_share=0.0, derived_share=0.0),),
            False,
        ),
    )
    assert measured.hand.endswith("đo tay")


def passport(evidence: Evidence | None, *origins: Origin) -> Passport:
    names = Names("Tôm", "Shrimp")
    return Passport(
        verdict=None, product=names, species=names, latin="", species_code="PNV",
        brand=None, gtin="", lot="L", serial=None, producer="Hộ Hoa", site="",
        address="", unit="", unit_kind="", harvested_ms=T0, kg=1.0, issued_ms=None,
        standards=(), stages=(), evidence=evidence, evidence_digest="",
        is_simulated=False, origins=origins,
    )  # fmt: skip


def test_mixed_goods_show_the_water_of_each_pond() -> None:
    measured = joined(
        [(tallied([reading(0, 5.0), reading(10, 3.0)], LIMITS, T0 + 20 * MINUTE), False)],
        (T0, T0 + 20 * MINUTE), channel="dissolved_oxygen", limit=LIMITS,
        basis="law", source="", verified=False,
    )  # fmt: skip
    water = Evidence(T0, T0 + 20 * MINUTE, (measured,), False)
    wet, dry = (
        Origin("", lot, "Hộ Hoa", "Trại", "Ao 1", T0, 1.0, found)
        for lot, found in (("L1", water), ("L2", None))
    )
    (one,) = water_views(Lang.VI, passport(water))
    assert (one.name, len(one.channels)) == ("", 1)
    first, second = water_views(Lang.VI, passport(None, wet, dry))
    assert (first.name, first.channels) == ("L1 (Hộ Hoa)", one.channels)
    assert (second.name, second.channels) == ("L2 (Hộ Hoa)", ())
    assert second.span == "Không có số đo nước cho vụ nuôi này."
    assert water_views(Lang.VI, None) == ()
