"""Formulae against the vectors of domain.md §2.5 and published check values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.waters import carbonate, chemistry

WARM = (20.0, 25.0, 28.0, 30.0, 32.0)
SATURATION = {
    0: (9.092, 8.263, 7.828, 7.559, 7.305),
    15: (8.322, 7.588, 7.201, 6.961, 6.734),
    25: (7.846, 7.168, 6.811, 6.589, 6.379),
    33: (7.484, 6.850, 6.514, 6.305, 6.108),
    35: (7.396, 6.772, 6.442, 6.237, 6.042),
}


@pytest.mark.parametrize("salinity", SATURATION)
def test_oxygen_saturation_is_that_of_the_table(salinity: int) -> None:
    found = [chemistry.oxygen_saturation_mg_l(t, salinity) for t in WARM]
    assert found == pytest.approx(SATURATION[salinity], abs=0.0006)


@pytest.mark.parametrize(
    ("conductivity", "temperature", "salinity"),
    [
        (42.914, 15, 34.997),
        (25, 28, 14.257),
        (40, 28, 23.923),
        (53, 28, 32.748),
        (55, 30, 32.742),
    ],
)
def test_conductivity_is_that_of_the_table(
    conductivity: float, temperature: float, salinity: float
) -> None:
    found = chemistry.conductivity_ms_cm(temperature, salinity)
    assert found == pytest.approx(conductivity, abs=0.001)


def test_specific_conductivity_is_another_thing_than_conductivity() -> None:
    there = chemistry.conductivity_ms_cm(30, 33)
    assert chemistry.at_25_c(there, 30) < there - 4
    assert chemistry.at_25_c(there, 25) == there


def test_carbonate_constants_have_their_published_values() -> None:
    k = carbonate.constants(25, 35)
    assert k.k0 == pytest.approx(0.02839, abs=0.00001)  # Weiss 1974
    assert math.log(k.kb) == pytest.approx(-19.7964, abs=0.0001)  # Dickson 1990
    assert -math.log10(k.k1) == pytest.approx(6.005, abs=0.01)  # NBS, 25 °C, S 35
    assert -math.log10(k.k2) == pytest.approx(9.12, abs=0.02)


def test_open_sea_water_in_balance_with_air_is_near_ph_8_2() -> None:
    k = carbonate.constants(28, 33)
    dic = carbonate.dic_in_balance(2.25, k)
    assert carbonate.ph_of(2.25, dic, k) == pytest.approx(8.2, abs=0.1)


@given(
    alkalinity=st.floats(0.3, 4),
    share=st.floats(0.3, 1.3),
    t=st.floats(15, 36),
    s=st.floats(0, 40),
    near=st.floats(5, 10),
)
def test_ph_is_the_one_that_has_this_alkalinity(
    alkalinity: float, share: float, t: float, s: float, near: float
) -> None:
    k, dic = carbonate.constants(t, s), alkalinity * share
    ph = carbonate.ph_of(alkalinity, dic, k, near=near)
    if 3.01 < ph < 11.49:
        back = carbonate.alkalinity_meq(dic, ph, k)
        assert back == pytest.approx(alkalinity, abs=1e-5)


@given(dic=st.floats(0.5, 3.5), more=st.floats(0.01, 1))
def test_carbon_dioxide_makes_water_more_acid(dic: float, more: float) -> None:
    k = carbonate.constants(28, 20)
    assert carbonate.ph_of(2.5, dic + more, k) < carbonate.ph_of(2.5, dic, k)
