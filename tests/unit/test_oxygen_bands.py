"""A band says less than it knows while it is young, and is hardly talked narrower."""

import numpy as np
import pytest

from analytics.oxygen.bands import MOST_OUTSIDE, OUTSIDE, Band
from analytics.oxygen.grid import Floats

DAY = 96


def taught(days: int, spread: float, *, band: Band | None = None) -> Band:
    """Teach a band days of errors, a day at a time, of water that is always as restless."""
    band = band or Band(1, DAY, 6)
    chance = np.random.default_rng(days)
    unrest = np.ones((DAY, 1), dtype=np.float32)
    for _ in range(days):
        errors: Floats = chance.normal(0, spread, DAY)
        band.learn(unrest, errors, band.scales_of(unrest), DAY)
    return band


def ends_mg_l(band: Band) -> Floats:
    scale = band.scales_of(np.ones((1, 1), dtype=np.float32))
    return np.array(band.quantiles()) * float(scale[0])


def test_two_days_of_errors_make_a_wider_band_than_two_months() -> None:
    young, grown = taught(2, 0.5), taught(60, 0.5)
    assert ends_mg_l(grown) == pytest.approx([-1.645 * 0.5, 1.645 * 0.5], rel=0.05)
    # Student's t with two degrees of freedom, its first term: 1 + 0.93 / 2
    assert ends_mg_l(young) == pytest.approx([-2.41 * 0.5, 2.41 * 0.5], rel=0.12)


def test_calm_weeks_hardly_narrow_a_band_and_rough_ones_widen_it() -> None:
    calm = taught(30, 0.2, band=taught(30, 0.5))
    assert calm.outside == MOST_OUTSIDE < 1.25 * OUTSIDE
    rough = taught(10, 1.0, band=taught(30, 0.5))
    assert rough.outside < OUTSIDE
    assert ends_mg_l(rough)[1] > 1.2 * ends_mg_l(taught(30, 0.5))[1]
