"""Positions, channels that must agree, neighbours, climate learned: one test, one rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ioos_qc import qartod

from analytics.flagging import neighbors
from analytics.qc.climate import climate_flag, climate_flags, learned
from analytics.qc.joint import agreeing, neighboring
from analytics.qc.location import KNOT_M_S, Fix, locating
from analytics.qc.pieces import Piece, flag_site
from analytics.qc.stream import FlagState
from analytics.qc.stretch import Point
from greenwater.derived import chemistry
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.quality import Flag, QualityTest, flag_of
from greenwater.reference.limits import Bounds
from greenwater.reference.quality import QUALITY, LocationLimits, quality_of
from greenwater.storage.telemetry.ports import Series
from tests.unit.ponds import BOX, a_device, hung, places

T0 = 1_780_000_000_000
MINUTE_MS = 60_000
THERE = DeviceId("there")
RANGE_M = 900.0
LIMITS = LocationLimits(speed_kn=RANGE_M / 60 / KNOT_M_S, source="test")
DEGREES = st.one_of(
    st.just(np.nan), st.sampled_from([12.0, 12.005, 12.009, 95.0, -181.0]),
    st.floats(-200, 200),
)  # fmt: skip


def times(count: int) -> np.ndarray:
    return T0 + np.arange(count, dtype=np.int64) * MINUTE_MS


@given(st.lists(st.tuples(DEGREES, DEGREES), min_size=2, max_size=30))
def test_locations_are_flagged_as_ioos_qc_flags_them(
    fixes: list[tuple[float, float]],
) -> None:
    latitude = np.array([one for one, _ in fixes])
    longitude = np.array([one for _, one in fixes])
    ours = locating(times(len(fixes)), latitude, longitude, LIMITS)
    with np.errstate(all="ignore"):
        theirs = np.asarray(qartod.location_test(longitude, latitude, RANGE_M))
    # ioos-qc 3.0.0 compares what lies under the mask of a missing distance: with a part
    # missing, here or just before, its words count ("MISSING", "FAIL"), not its flags.
    is_whole = ~np.isnan(latitude) & ~np.isnan(longitude)
    is_known = is_whole & np.concatenate([[True], is_whole[:-1]])
    assert ours[is_known].tolist() == theirs[is_known].tolist()
    missing = np.isnan(latitude) & np.isnan(longitude)
    assert set(ours[missing]) <= {9}
    assert set(ours[~missing & ~is_whole]) <= {4}


def test_the_array_that_ioos_qc_itself_shows() -> None:
    longitude = np.array([-71.05, -71.06, -80.0, np.nan, 220.0, -71.05])
    latitude = np.array([41.0, 41.02, 45.05, np.nan, 41.0, np.nan])
    limits = LocationLimits(speed_kn=3000 / 60 / KNOT_M_S, source="test")
    ours = locating(times(6), latitude, longitude, limits)
    assert ours.tolist() == [1, 1, 3, 9, 4, 4]
    theirs = np.asarray(qartod.location_test(longitude[:3], latitude[:3], 3000))
    assert ours[:3].tolist() == theirs.tolist()


def test_these_waters_and_the_fix_before() -> None:
    here = LocationLimits(50, "test", Bounds(3, 25), Bounds(99, 122))
    fix = np.array([12.2]), np.array([109.3])
    assert locating(times(1), *fix, here).tolist() == [1]
    assert locating(times(1), fix[0], np.array([2.0]), here).tolist() == [3]
    before = Fix(T0 - MINUTE_MS, 12.2, 109.4)
    assert locating(times(1), *fix, here, before).tolist() == [3], "11 km in a minute"


def test_both_axes_have_the_flag_however_the_fixes_are_cut() -> None:
    values = [
        (12.2, 109.3),
        (12.2001, 109.3),
        (12.9, 109.3),
        (12.9, None),
        (12.9, 109.3),
    ]
    north = [Point(T0 + n * MINUTE_MS, one) for n, (one, _) in enumerate(values)]
    east = [Point(T0 + n * MINUTE_MS, one) for n, (_, one) in enumerate(values)]
    beside = {
        Channel.LATITUDE: {at: v for at, v in east if v is not None},
        Channel.LONGITUDE: {at: v for at, v in north if v is not None},
    }
    other = {Channel.LATITUDE: Channel.LONGITUDE, Channel.LONGITUDE: Channel.LATITUDE}
    for cut in range(1, 5):
        for channel, points in ((Channel.LATITUDE, north), (Channel.LONGITUDE, east)):
            state, found = FlagState(), []
            for some in (points[:cut], points[cut:]):
                piece = Piece(
                    channel, QUALITY[channel], state, some,
                    beside={other[channel]: beside[channel]},
                )  # fmt: skip
                (done,) = flag_site([piece])
                found += [flag_of(v.tests, QualityTest.LOCATION) for v in done.verdicts]
            assert found == [1, 1, 3, 4, 1]


def test_oxygen_that_is_not_its_own_per_cent_is_noticed_compensated_or_not() -> None:
    celsius, psu = np.full(4, 28.0), np.full(4, 33.0)
    beside = {
        Channel.OXYGEN_SATURATION: np.array([100.0, 100.0, 100.0, np.nan]),
        Channel.TEMPERATURE: celsius,
        Channel.SALINITY: psu,
    }
    sea = float(chemistry.oxygen_saturation_mg_l(28.0, 33.0))
    fresh = float(chemistry.oxygen_saturation_mg_l(28.0, 0.0))
    found = agreeing(
        Channel.DISSOLVED_OXYGEN, np.array([sea, fresh, 12.0, sea]), beside
    )
    assert found.tolist() == [1, 1, 3, 2]
    crash = agreeing(Channel.DISSOLVED_OXYGEN, np.array([0.3]), {
        Channel.OXYGEN_SATURATION: np.array([4.5]), Channel.TEMPERATURE: celsius[:1],
    })  # fmt: skip
    assert crash.tolist() == [1], "a crash agrees with itself"


def test_salinity_that_does_not_come_from_its_conductivity_is_noticed() -> None:
    beside = {
        Channel.CONDUCTIVITY: np.array([53.0, 53.0, 53.0]),
        Channel.TEMPERATURE: np.full(3, 28.0),
    }
    found = agreeing(Channel.SALINITY, np.array([32.7, 22.0, np.nan]), beside)
    assert found.tolist() == [1, 3, 9]
    specific = np.array([50.1, 53.0 * 1.4, 50.0])
    found = agreeing(Channel.SPECIFIC_CONDUCTIVITY, specific, beside)
    assert found.tolist() == [1, 3, 1]


def test_a_neighbour_counts_while_it_is_fresh() -> None:
    limits = quality_of(Channel.TEMPERATURE)
    assert limits is not None
    others = [
        [Point(T0, 28.0), Point(T0 + 5 * MINUTE_MS, None)],
        [Point(T0 + 1, 29.0)],
    ]
    at = np.array([T0 - 1, T0, T0 + 2, T0 + 15 * MINUTE_MS, T0 + 16 * MINUTE_MS])
    found = neighboring(at, np.array([31.0, 31.0, 30.4, 31.9, 31.0]), others, limits)
    assert found.tolist() == [2, 3, 1, 3, 2]


def test_what_is_usual_is_learned_from_two_weeks_and_not_from_less() -> None:
    random = np.random.default_rng(1)
    at = T0 + np.arange(20 * 24) * 3_600_000
    hours = at // 3_600_000 % 24
    values = 6 + 3 * np.sin(hours / 24 * 2 * np.pi) + random.normal(0, 0.2, len(at))
    assert learned(at[: 12 * 24], values[: 12 * 24]) == ()
    spans = learned(at, values)
    assert len(spans) == 24
    flags = climate_flags(at, values, spans)
    assert (flags == 3).mean() < 0.01
    six = int(at[np.flatnonzero(hours == 6)[0]])
    assert climate_flag(six, 9.0, spans) == Flag.GOOD
    assert climate_flag(six + 12 * 3_600_000, 9.0, spans) == Flag.SUSPECT


@given(st.integers(0, 4_000_000_000_000), st.floats(10, 45))
def test_climate_one_by_one_is_climate_at_once(at_ms: int, value: float) -> None:
    for species in ("NUR", "PNV"):
        limits = quality_of(Channel.TEMPERATURE, species)
        assert limits is not None
        assert limits.climate
        many = climate_flags(np.array([at_ms]), np.array([value]), limits.climate)
        assert many.tolist() == [climate_flag(at_ms, value, limits.climate)]


def test_a_species_has_its_own_parameters_and_the_rest_of_the_channel() -> None:
    base, lobster = quality_of(Channel.SALINITY), quality_of(Channel.SALINITY, "NUR")
    assert base is not None
    assert lobster is not None
    assert lobster.rate_per_h == 12 != base.rate_per_h
    assert (lobster.fail, lobster.spike_fail) == (base.fail, base.spike_fail)
    assert quality_of(Channel.SALINITY, "PNV") is base
    assert quality_of(Channel.CONTACT) is None


@pytest.mark.parametrize("channel", [Channel.DISSOLVED_OXYGEN, Channel.SALINITY])
def test_what_a_channel_is_held_to_may_not_be_there(channel: Channel) -> None:
    assert agreeing(channel, np.array([5.0, np.nan]), {}).tolist() == [2, 9]


@pytest.mark.parametrize(
    ("mine_m", "its_m", "are_level"),
    [(0.3, 1.2, True), (0.3, 1.6, False), (None, None, True), (None, 0.3, False)],
)
def test_a_flag_and_an_episode_know_the_same_neighbours(
    mine_m: float | None, its_m: float | None, are_level: bool
) -> None:
    here = hung("top", depth_m=mine_m)
    hand = hung("meter", depth_m=mine_m)
    others = [hung(f"by-{box}", device=box, depth_m=its_m) for box in (BOX, THERE)]
    where = places(
        here, *others, hand, devices=[a_device(), a_device(THERE)], by_hand=["meter"]
    )
    mine, its = (
        Series(BOX, here.probe),
        [Series(one.device, one.probe) for one in others],
    )
    assert where.beside(mine, 0) == (its if are_level else [])
    assert neighbors(mine, 0, where) == (its[:1] if are_level else [])
