"""Sun, weather, tide, chance."""

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.noise import normal, smooth, uniform
from firmware_sim.waters.sky import (
    Climate,
    Sky,
    Spell,
    Weather,
    local_hour,
    sun_sine,
    swell,
)
from firmware_sim.waters.tide import Tide

START_S = datetime.fromisoformat("2026-06-01T00:00:00+07:00").timestamp()
times = st.floats(START_S, START_S + 30 * 86_400)


def a_sky(*spells: Spell, climate: Climate | None = None) -> Sky:
    return Sky(
        climate or Climate(), 12.65, 109.16, seed=1, start_s=START_S, spells=spells
    )


@pytest.mark.parametrize(
    ("day", "rises", "sets"),
    [  # sunrise equation by hand: declination 0 and ±23.44°, equation of time -7.5,
        ("2026-03-20", 5.85, 17.85),  # -1.8 and +1.9 minutes, no refraction
        ("2026-06-21", 5.39, 18.11),
        ("2026-12-21", 6.05, 17.33),
    ],
)
def test_the_sun_rises_and_sets_when_the_equation_says(
    day: str, rises: float, sets: float
) -> None:
    midnight = datetime.fromisoformat(f"{day}T00:00:00+07:00").timestamp()
    up = [
        minute / 60
        for minute in range(1440)
        if sun_sine(midnight + minute * 60, 12.25, 109.19) > 0
    ]
    assert up[0] == pytest.approx(rises, abs=0.05)
    assert up[-1] == pytest.approx(sets, abs=0.05)


@given(t_s=times)
def test_sunlight_is_never_below_zero_nor_above_what_reaches_the_ground(
    t_s: float,
) -> None:
    assert 0 <= a_sky().sun_w_m2(t_s) < 1100
    assert 0 <= a_sky().cloud(t_s) <= 1
    assert a_sky().wind_m_s(t_s) > 0


def test_an_overcast_noon_has_a_third_of_the_light() -> None:
    noon = START_S + 12 * 3600
    grey = a_sky(Spell(Weather.OVERCAST, 0, 48, 0.97))
    assert grey.sun_w_m2(noon) < a_sky().sun_w_m2(noon) / 2


def test_rain_falls_as_much_as_the_spell_says() -> None:
    sky = a_sky(Spell(Weather.RAIN, 10, 20, 12.0))
    fallen = sum(sky.rain_mm_h(START_S + m * 60) / 60 for m in range(24 * 60))
    assert fallen == pytest.approx(12.0 * 9, rel=0.01)  # an hour's edge at each end


def test_a_chance_of_showers_rains_on_about_as_many_days() -> None:
    sky = a_sky(climate=Climate(shower_chance=0.5))
    days = [
        any(
            sky.rain_mm_h(START_S + (24 * day + hour / 4) * 3600) > 0
            for hour in range(96)
        )
        for day in range(60)
    ]
    assert 18 <= sum(days) <= 42


@given(hour=st.floats(-5, 30))
def test_a_spell_swells_and_fades(hour: float) -> None:
    assert 0 <= swell(hour, 3, 12) <= 1
    assert swell(hour, 3, 12) == 0 or 3 < hour < 12


def test_local_time_is_seven_hours_ahead() -> None:
    assert local_hour(START_S + 3600 * 5.5) == pytest.approx(5.5)


def test_the_tide_is_mainly_diurnal_and_slack_when_it_turns() -> None:
    tide = Tide()
    levels = [tide.level_m(START_S + m * 600) for m in range(6 * 24 * 29)]
    assert 1.0 < max(levels) - min(levels) < 2 * (0.17 + 0.07 + 0.33 + 0.28)
    turns = sum(
        (b - a) * (c - b) < 0
        for a, b, c in zip(levels, levels[1:], levels[2:], strict=False)
    )
    assert 29 * 2 <= turns < 29 * 4
    highest = levels.index(max(levels))
    assert tide.stream_m_s(START_S + highest * 600) < 0.03


@given(t_s=times)
def test_the_stream_stays_between_the_residual_and_the_most(t_s: float) -> None:
    tide = Tide(current_m_s=0.2, residual_m_s=0.01)
    assert 0.01 <= tide.stream_m_s(t_s) <= 0.21


@given(seed=st.integers(0, 2**31), slot=st.integers(-(10**6), 10**9))
def test_chance_is_repeatable_and_within_bounds(seed: int, slot: int) -> None:
    uniform.cache_clear()
    first = uniform(seed, "x", slot)
    uniform.cache_clear()
    assert uniform(seed, "x", slot) == first
    assert 0 < first < 1
    assert abs(normal(seed, "x", slot)) < 9


def test_chance_has_the_distribution_it_says() -> None:
    drawn = [normal(1, "d", slot) for slot in range(4000)]
    mean = sum(drawn) / len(drawn)
    spread = (sum((x - mean) ** 2 for x in drawn) / len(drawn)) ** 0.5
    assert abs(mean) < 0.06
    assert spread == pytest.approx(1, abs=0.05)


def test_a_smooth_signal_has_no_steps_and_passes_its_knots() -> None:
    values = [smooth(1, "s", t / 10, every_s=60) for t in range(6000)]
    steps = [abs(b - a) for a, b in pairwise(values)]
    assert max(steps) < 0.02
    assert smooth(1, "s", 120.0, every_s=60) == normal(1, "s", 2)
