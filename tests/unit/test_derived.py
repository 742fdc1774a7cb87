"""Formulae against the test vectors of the domain notes, and what may not be mixed up."""

import numpy as np
import pytest

from greenwater.derived.chemistry import (
    FRESH_PSU,
    compensated_oxygen_mg_l,
    oxygen_percent,
    oxygen_saturation_mg_l,
    salinity_of_specific,
    salinity_psu,
    specific_conductivity,
    unionised_share,
)

EMERSON = [
    (25, 8.0, 5.366), (28, 7.5, 2.164), (28, 8.0, 6.538), (28, 8.2, 9.981),
    (28, 8.5, 18.115), (30, 8.5, 20.248), (30, 9.0, 44.533),
]  # fmt: skip
EPA = [
    (25, 8.0, (4.983, 4.727, 4.601, 4.527)),
    (28, 8.0, (6.156, 5.843, 5.690, 5.599)),
    (28, 8.2, (9.417, 8.955, 8.728, 8.593)),
    (28, 8.5, (17.179, 16.405, 16.022, 15.794)),
]
SATURATED = {
    0: (9.092, 8.263, 7.828, 7.559, 7.305),
    15: (8.322, 7.588, 7.201, 6.961, 6.734),
    25: (7.846, 7.168, 6.811, 6.589, 6.379),
    33: (7.484, 6.850, 6.514, 6.305, 6.108),
    35: (7.396, 6.772, 6.442, 6.237, 6.042),
}


@pytest.mark.parametrize(("celsius", "ph", "percent"), EMERSON)
def test_ammonia_in_fresh_water_is_emersons(
    celsius: float, ph: float, percent: float
) -> None:
    assert 100 * unionised_share(celsius, ph, 0) == pytest.approx(percent, abs=6e-4)


@pytest.mark.parametrize(("celsius", "ph", "percents"), EPA)
def test_ammonia_in_the_sea_is_the_epas(
    celsius: float, ph: float, percents: tuple[float, ...]
) -> None:
    found = unionised_share(celsius, ph, np.array([15.0, 25.0, 30.0, 33.0]))
    assert 100 * found == pytest.approx(np.array(percents), abs=6e-4)


def test_ammonia_at_thirty_degrees_and_ph_nine() -> None:
    assert 100 * unionised_share(30, 9.0, 30) == pytest.approx(41.191, abs=6e-4)


def test_the_two_formulae_nearly_meet_where_one_takes_over() -> None:
    below = unionised_share(28, 8.2, FRESH_PSU - 1e-9)
    assert below == pytest.approx(unionised_share(28, 8.2, FRESH_PSU), rel=0.03)


@pytest.mark.parametrize("psu", sorted(SATURATED))
def test_saturated_oxygen_is_benson_and_krauses(psu: int) -> None:
    celsius = np.array([20.0, 25.0, 28.0, 30.0, 32.0])
    found = oxygen_saturation_mg_l(celsius, psu)
    assert found == pytest.approx(np.array(SATURATED[psu]), abs=6e-4)


def test_less_air_less_oxygen() -> None:
    full = oxygen_saturation_mg_l(28, 0)
    for hpa, factor in ((980, 0.966), (1010, 0.997)):
        assert oxygen_saturation_mg_l(28, 0, hpa) / full == pytest.approx(
            factor, abs=6e-4
        )


@pytest.mark.parametrize(
    ("conductivity", "celsius", "psu"),
    [(42.914, 15, 34.997), (25, 28, 14.257), (40, 28, 23.923), (53, 28, 32.748),
     (55, 30, 32.742)],
)  # fmt: skip
def test_salinity_is_that_of_conductivity_in_the_water(
    conductivity: float, celsius: float, psu: float
) -> None:
    assert salinity_psu(conductivity, celsius) == pytest.approx(psu, abs=6e-4)


def test_specific_conductivity_is_never_taken_for_conductivity() -> None:
    specific = specific_conductivity(53.0, 28.0)
    assert salinity_of_specific(specific) == pytest.approx(32.75, abs=0.35)
    assert abs(float(salinity_psu(specific, 28.0)) - 32.75) > 1.5
    warm = specific_conductivity(60.0, 38.0)
    assert abs(float(salinity_psu(warm, 38.0)) - float(salinity_psu(60.0, 38.0))) > 5


def test_a_probe_left_at_salinity_zero_is_put_right_once() -> None:
    raw = oxygen_saturation_mg_l(28, 0)
    right = compensated_oxygen_mg_l(raw, 28, 33, is_compensated=False)
    assert raw == pytest.approx(7.828, abs=6e-4)
    assert right == pytest.approx(6.514, abs=6e-4)
    assert raw / right == pytest.approx(1.20, abs=0.005)
    again = compensated_oxygen_mg_l(right, 28, 33, is_compensated=True)
    assert again == right, "never twice"
    for value, known in ((raw, False), (right, True)):
        percent = oxygen_percent(value, 28, 33, is_compensated=known)
        assert percent == pytest.approx(100)
