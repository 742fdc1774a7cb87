"""What follows from a probe's readings: held to the domain's vectors, never a second number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.derived.ammonia import Known, psu_among
from greenwater.derived.chemistry import oxygen_saturation_mg_l, specific_conductivity
from greenwater.derived.following import BESIDE_MS, following
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading

AT = 1_780_000_000_000
HOUR = 3_600_000
WARM, SALT, DO = Channel.TEMPERATURE, Channel.SALINITY, Channel.DISSOLVED_OXYGEN
RAW, TURNED = Channel.CONDUCTIVITY, Channel.SPECIFIC_CONDUCTIVITY
SHARE = Channel.OXYGEN_SATURATION


def told(
    channel: Channel, value: float | None, ago: int = 0, salted: bool | None = None
) -> Reading:
    probe = DeviceId("be"), ProbeId("top")
    return Reading(*probe, channel, AT - ago, value, is_compensated=salted)


def found(
    *own: Reading, unit: tuple[Known | None, Known | None] = (None, None)
) -> dict[Channel, tuple[object, int]]:
    return {
        one.channel: (one.value, AT - one.taken_ms) for one in following(own, *unit)
    }


@given(
    st.floats(5, 38), st.floats(0, 40), st.floats(0, 200), st.sampled_from([True, None])
)
def test_a_probes_per_cent_is_its_mg_l_over_what_the_water_holds(
    celsius: float, psu: float, percent: float, salted: bool | None
) -> None:
    mg_l = percent / 100 * float(oxygen_saturation_mg_l(celsius, psu))
    sea = [told(WARM, celsius), told(SALT, psu)]
    assert found(told(DO, mg_l, salted=salted), *sea)[SHARE][0] == pytest.approx(
        percent, abs=0.01
    )
    left_fresh = percent / 100 * float(oxygen_saturation_mg_l(celsius, 0.0))
    for water in (sea, sea[:1]):  # it never knew of salt, so nobody must
        value, _ = found(told(DO, left_fresh, salted=False), *water)[SHARE]
        assert value == pytest.approx(percent, abs=0.01)
    for water, whole in (
        (sea, mg_l),
        (sea[:1], left_fresh),
    ):  # else it is taken for fresh
        value, _ = found(told(SHARE, percent), *water)[DO]
        assert value == pytest.approx(whole, abs=0.001)


@pytest.mark.parametrize(
    ("raw", "celsius", "psu"),
    [(42.914, 15, 34.997), (25, 28, 14.257), (53, 28, 32.748)],
)
def test_salinity_is_that_of_the_vectors_whichever_conductivity_is_sent(
    raw: float, celsius: float, psu: float
) -> None:
    assert found(told(RAW, raw), told(WARM, celsius))[SALT][0] == pytest.approx(
        psu, abs=1e-3
    )
    turned = float(specific_conductivity(raw, celsius))
    assert found(told(TURNED, turned))[SALT][0] == pytest.approx(psu, abs=0.6)
    assert psu_among({TURNED: turned}) == pytest.approx(psu, abs=0.6)


def test_what_a_probe_sends_is_not_told_a_second_time_even_where_it_answers_badly() -> (
    None
):
    whole = [told(WARM, 28.0), told(RAW, 53.0), told(DO, 6.0)]
    assert set(found(*whole)) == {SALT, SHARE}
    assert set(found(*whole, told(SHARE, 90.0))) == {SALT}
    assert set(found(*whole, told(SHARE, None))) == {SALT}
    assert set(found(*whole[:2], told(SHARE, 90.0))) == {SALT, DO}
    assert set(found(*whole[:2], told(SHARE, 90.0), told(DO, None))) == {SALT}
    assert set(found(*whole, told(SALT, None))) == set(), "its own salt is not known"


def test_it_is_as_old_as_what_it_was_made_of_and_nothing_is_guessed() -> None:
    sea, warm = Known(AT - 20 * HOUR, 33.0), Known(AT - HOUR, 28.0)
    assert found(told(DO, 6.514), unit=(sea, warm)) == {
        SHARE: (pytest.approx(100, abs=0.01), HOUR)
    }
    assert found(told(DO, 6.5), unit=(None, warm)) == {}
    assert found(told(DO, 6.5), unit=(Known(AT - 25 * HOUR, 33.0), warm)) == {}
    assert found(told(DO, 6.5), unit=(sea, Known(AT - HOUR - 1, 28.0))) == {}
    assert found(told(DO, None), unit=(sea, warm)) == {}
    assert found(told(RAW, 53.0), told(WARM, 28.0, BESIDE_MS))[SALT][1] == BESIDE_MS
    assert found(told(RAW, 53.0), told(WARM, 28.0, BESIDE_MS + 1)) == {}
    assert found(told(RAW, 53.0), unit=(None, warm)) == {}, "another probe's warmth"


def test_what_no_sound_probe_says_makes_nothing() -> None:
    assert found(told(RAW, 53.0), told(WARM, -99.0)) == {}
    assert found(told(DO, -9.99), told(WARM, 28.0), told(SALT, 33.0)) == {}
    assert found(told(DO, 49.0), told(WARM, 38.0), told(SALT, 33.0)) == {}, "700 %"
