"""What a batch is made of: packing, thinning, gaps."""

import json
import math
import zlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.keeper import bounded
from edge.packs import (
    PACK_RECORDS,
    RANKS,
    Rank,
    gaps_over,
    merged_gaps,
    packs_of,
    sound,
    thinned,
    unpack,
)
from greenwater.kernel.channels import SENT, Channel
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Gap, Reading
from greenwater.kernel.wire.senml import MAX_INFLATED_BYTES

BOX = DeviceId("box-1")
T0 = 1_764_000_000_000

readings = st.builds(
    Reading,
    device=st.just(BOX),
    probe=st.sampled_from([ProbeId("a"), ProbeId("b.2"), ProbeId("c-3")]),
    channel=st.sampled_from(SENT),
    taken_ms=st.integers(T0, T0 + 10**7),
    value=st.none() | st.floats(-1e6, 1e6),
    clock=st.none() | st.sampled_from(list(ClockQuality)),
    is_compensated=st.none() | st.booleans(),
)


def at(ms: int, probe: str = "a", channel: Channel = Channel.PH) -> Reading:
    return Reading(BOX, ProbeId(probe), channel, T0 + ms, 7.0, ClockQuality.NTP)


@given(some=st.lists(readings, max_size=60))
def test_what_is_packed_comes_out_again(some: list[Reading]) -> None:
    out = [one for pack in packs_of(some) for one in unpack(pack.payload, BOX)[0]]
    assert Counter(out) == Counter(some)


@given(some=st.lists(readings, min_size=1, max_size=60))
def test_a_pack_says_of_itself_what_it_holds(some: list[Reading]) -> None:
    (pack,) = packs_of(some)
    assert pack.readings == len(some)
    assert pack.first_ms == min(r.taken_ms for r in some)
    assert pack.last_ms == max(r.taken_ms for r in some)
    assert pack.rank == min(RANKS[r.channel] for r in some)


def test_the_longest_records_stay_under_half_of_the_wires_limit() -> None:
    worst = [
        Reading(
            BOX,
            ProbeId(f"{i:04}" + "p" * 60),
            Channel.SPECIFIC_CONDUCTIVITY,
            T0 + i,
            -1.2345678901234567e-300,
            ClockQuality.UNSYNCED if i % 3 else ClockQuality.RETIMED,
            False,
        )
        for i in range(PACK_RECORDS)
    ]
    packs = packs_of(worst)
    assert len(packs) > 1
    assert [r for pack in packs for r in unpack(pack.payload, BOX)[0]] == sorted(
        worst, key=lambda reading: reading.probe
    )
    for pack in packs:
        assert len(zlib.decompress(pack.payload)) <= MAX_INFLATED_BYTES / 2


def test_gaps_travel_with_the_readings() -> None:
    gap = Gap(BOX, ProbeId("a"), T0, T0 + 5, 3, "thinned")
    (pack,) = packs_of([at(1)], [gap])
    assert unpack(pack.payload, BOX) == ([at(1)], [gap])


def test_gaps_alone_are_a_pack_that_is_never_given_up() -> None:
    (pack,) = packs_of([], [Gap(BOX, ProbeId("a"), T0, T0 + 5, 3, "thinned")])
    assert (pack.rank, pack.readings) == (Rank.GAP, 0)


def test_a_pack_that_cannot_be_read_whole_is_left_as_it_is() -> None:
    good, odd = ({"n": "a/ph", "t": T0 / 1000, "v": 7, "u": u} for u in ("pH", "?"))
    assert unpack(json.dumps([good]).encode(), BOX)[0]
    with pytest.raises(InputError, match="a kept pack holds a record that"):
        unpack(json.dumps([good, odd]).encode(), BOX)


def test_what_is_not_finite_is_a_bad_answer() -> None:
    odd = [
        Reading(BOX, ProbeId("a"), Channel.PH, T0, value)
        for value in (math.nan, math.inf, -math.inf, 0.0, None)
    ]
    assert [r.value for r in sound(odd)] == [None, None, None, 0.0, None]


@given(some=st.lists(readings, max_size=60), all_of_it=st.booleans())
def test_thinning_accounts_for_every_reading(
    some: list[Reading], all_of_it: bool
) -> None:
    left = thinned(some, [], Rank.WATER, all_of_it=all_of_it)
    assert len(left.readings) + left.given_up == len(some)
    assert sum(gap.count for gap in left.gaps) == left.given_up


@given(some=st.lists(readings, max_size=60))
def test_thinning_touches_its_own_rank_only(some: list[Reading]) -> None:
    left = thinned(some, [], Rank.WATER, all_of_it=True)
    assert left.readings == [r for r in some if RANKS[r.channel] is not Rank.WATER]


@given(some=st.lists(readings, max_size=60))
def test_a_gap_covers_what_it_speaks_of(some: list[Reading]) -> None:
    left = thinned(some, [], Rank.WATER, all_of_it=False)
    spans = {gap.probe: (gap.start_ms, gap.end_ms) for gap in left.gaps}
    for gone in (Counter(some) - Counter(left.readings)).elements():
        start_ms, end_ms = spans[gone.probe]
        assert start_ms <= gone.taken_ms < end_ms


def test_probes_that_are_read_in_turns_are_thinned_alike() -> None:
    turns = [at(i * 1000, "ab"[i % 2]) for i in range(40)]
    left = thinned(turns, [], Rank.WATER, all_of_it=False)
    assert Counter(r.probe for r in left.readings) == {"a": 10, "b": 10}


def test_the_channels_of_an_instant_stay_together() -> None:
    rows = [at(i, channel=c) for i in range(4) for c in (Channel.PH, Channel.SALINITY)]
    left = thinned(rows, [], Rank.WATER, all_of_it=False)
    assert [r.taken_ms - T0 for r in left.readings] == [0, 0, 2, 2]


def test_counts_of_gaps_add_up_and_unknown_stays_unknown() -> None:
    known = gaps_over([at(1), at(9)], "thinned")
    assert merged_gaps(known) == [Gap(BOX, ProbeId("a"), T0 + 1, T0 + 10, 2, "thinned")]
    unknown = Gap(BOX, ProbeId("a"), T0, T0 + 1, 0, "thinned")
    assert merged_gaps([*known, unknown])[0].count == 0


@given(
    some=st.lists(readings.filter(lambda r: r.clock is not ClockQuality.UNSYNCED)),
    most=st.integers(1, 20),
)
def test_memory_stays_bounded_and_says_what_it_gave_up(
    some: list[Reading], most: int
) -> None:
    kept, gaps, dropped = bounded(some, [], most)
    assert len(kept) <= most
    assert len(kept) + dropped == len(some)
    assert sum(gap.count for gap in gaps) == dropped
