"""A changed recording is still one whose labels are true."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.evaluate.water_changed import CHANGES, DAY_MS, MINUTE_MS, Marked

SALT, OXYGEN = "specific_conductivity_us_cm", "dissolved_oxygen_mg_l"
STEP_MS = 15 * MINUTE_MS
HELD = slice(3000, 3006)
AIR = slice(3006, 3009)


def recording() -> Marked:
    """Sixty days of a river, with a visit: salt held while the temperature is lost, then air."""
    rows = np.arange(60 * 96)
    day = np.sin(2 * np.pi * rows / 96)
    chance = np.random.default_rng(3)
    values = {
        "temperature_c": np.round(11 + 2 * day, 2),
        SALT: np.round(480 + 9 * day + chance.normal(0, 0.4, len(rows)), 1),
        "ph": np.round(8.2 + 0.1 * day, 2),
        OXYGEN: np.round(9.5 + 0.8 * day, 2),
        "turbidity_ntu": np.round(3 + chance.random(len(rows)), 2),
    }
    values["temperature_c"][HELD] = np.nan
    values[SALT][HELD] = values[SALT][HELD.start]
    values[SALT][AIR] = 8.1
    labels = {name: np.zeros(len(rows), bool) for name in values}
    labels["temperature_c"][HELD] = True
    labels[SALT][HELD.start : AIR.stop] = True
    return Marked(rows.astype(np.int64) * STEP_MS + 100 * DAY_MS, values, labels)


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_what_was_marked_is_still_what_it_was(what: str) -> None:
    one = recording()
    parts = list(CHANGES[what](one))
    marked = 0
    for part in parts:
        assert all(len(values) == len(part.times_ms) for values in part.values.values())
        assert part.labels.keys() == part.values.keys()
        assert (np.diff(part.times_ms) > 0).all()
        if SALT in part.values and part.labels[SALT].any():
            salt = part.values[SALT][part.labels[SALT]]
            marked += len(salt)
            air = salt < 100
            assert 0.2 < air.mean() < 0.5, "air stays air, whatever the water does"
            assert len({*salt[~air]}) == 1 or what == "faults × 0.6", "held stays held"
        if "temperature_c" in part.values:
            is_lost = np.isnan(part.values["temperature_c"])
            np.testing.assert_array_equal(is_lost, part.labels["temperature_c"])
    rows_a_quarter = {"every 5 min": 3, "every 30 min": 0.5, "every 60 min": 0.25}
    assert marked == pytest.approx(9 * rows_a_quarter.get(what, 1), abs=3)
    if what != "channels alone":
        assert all(two.times_ms[0] > one.times_ms[-1] for one, two in pairwise(parts))


def test_livelier_water_goes_farther_and_what_a_probe_writes_stays_its_figures() -> (
    None
):
    one = recording()
    (part,) = CHANGES["all × 1.6"](one)
    sound = ~one.labels[SALT]
    ratio = np.ptp(part.values[SALT][sound]) / np.ptp(one.values[SALT][sound])
    assert ratio == pytest.approx(1.6, rel=0.05)
    figures = np.round(part.values[SALT], 1)
    np.testing.assert_allclose(part.values[SALT], figures, atol=1e-9)


def test_a_fainter_fault_leaves_the_water_alone() -> None:
    one = recording()
    (part,) = CHANGES["faults × 0.6"](one)
    sound = ~one.labels[OXYGEN]
    np.testing.assert_array_equal(part.values[OXYGEN][sound], one.values[OXYGEN][sound])


def test_per_cent_is_of_saturated_fresh_water() -> None:
    one = recording()
    (part,) = CHANGES["oxygen in %"](one)
    assert OXYGEN not in part.values
    # 11 °C fresh water at one atmosphere holds 11.03 mg/L (APHA 4500-O).
    at = int(np.argmin(np.abs(one.values["temperature_c"][:96] - 11)))
    percent = part.values["oxygen_saturation_pct"][at]
    assert percent == pytest.approx(100 * one.values[OXYGEN][at] / 11.03, rel=0.005)
