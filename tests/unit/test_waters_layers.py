"""How water moves, and what may never change by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.waters import layers, metabolism, surface
from firmware_sim.waters.chemistry import oxygen_saturation_mg_l
from firmware_sim.waters.layers import Layer, Solutes, State
from firmware_sim.waters.metabolism import Demand

solutes = st.builds(
    Solutes,
    temperature_c=st.floats(15, 36),
    salinity=st.floats(0, 40),
    oxygen=st.floats(0, 15),
    dic=st.floats(0.1, 4),
    alkalinity=st.floats(0.1, 4),
    tan=st.floats(0, 5),
    nitrite=st.floats(0, 3),
    chlorophyll=st.floats(0.1, 300),
    detritus=st.floats(0, 20),
    silt=st.floats(0, 300),
)
columns = st.builds(
    State,
    st.builds(Layer, st.floats(0.2, 3), solutes, st.floats(6.5, 9.5)),
    st.builds(Layer, st.floats(0.2, 6), solutes, st.floats(6.5, 9.5)),
)
hours = st.floats(1e-4, 1 / 12)


def amount(state: State, field: str) -> float:
    """Return what a square metre of the column holds."""
    return sum(
        float(getattr(layer.water, field)) * layer.thickness_m for layer in state
    )


@given(state=columns, velocity=st.floats(0, 20), length=hours)
def test_mixing_conserves_everything(
    state: State, velocity: float, length: float
) -> None:
    after = layers.mixed(state, velocity, length)
    for field in Solutes._fields:
        assert amount(after, field) == pytest.approx(amount(state, field), rel=1e-9)


@given(state=columns, length=hours)
def test_mixing_brings_layers_together_and_never_past_each_other(
    state: State, length: float
) -> None:
    after = layers.mixed(state, 5.0, length)
    before_gap = state.surface.water.salinity - state.bottom.water.salinity
    after_gap = after.surface.water.salinity - after.bottom.water.salinity
    assert abs(after_gap) <= abs(before_gap) + 1e-12
    assert after_gap * before_gap >= -1e-12


@given(state=columns, rain=st.floats(0, 0.1), steam=st.floats(0, 0.01))
def test_rain_and_evaporation_leave_the_salt(
    state: State, rain: float, steam: float
) -> None:
    fresh = Solutes(25, 0, 8, 0.02, 0, 0, 0, 0, 0, 0)
    wet = layers.evaporated(layers.poured(state.surface, fresh, rain), steam)
    after = State(wet, state.bottom)
    for field in ("salinity", "alkalinity", "chlorophyll"):
        assert amount(after, field) == pytest.approx(amount(state, field), rel=1e-9)
    assert wet.thickness_m == pytest.approx(state.surface.thickness_m + rain - steam)


@given(state=columns, rate=st.floats(0, 50), length=hours)
def test_renewal_ends_at_the_source_and_not_beyond(
    state: State, rate: float, length: float
) -> None:
    source = state.bottom.water
    after = layers.renewed(state.surface, source, rate, length).water
    before = state.surface.water
    for a, b, c in zip(before, after, source, strict=True):
        assert min(a, c) - 1e-9 <= b <= max(a, c) + 1e-9


@given(
    state=columns,
    given_=st.floats(0, 1),
    animals=st.floats(0, 5),
    dying=st.booleans(),
    length=hours,
)
def test_life_takes_no_oxygen_that_is_not_there(
    state: State, given_: float, animals: float, dying: bool, length: float
) -> None:
    demand = Demand(animals, 0.2, 0.1, 0.05, 150, dying)
    layer = metabolism.lived(state.surface, given_, demand, length)
    assert all(value >= 0 for value in layer.water)
    made = given_ - (layer.water.oxygen - state.surface.water.oxygen)
    assert made >= -1e-9  # what is respired is never negative
    if state.surface.water.dic > 1:  # carbon follows oxygen one to one
        gained = layer.water.dic - state.surface.water.dic
        assert gained == pytest.approx((made - given_) / 32, abs=1e-9)


@given(state=columns, rate=st.floats(0, 20), length=hours)
def test_air_brings_oxygen_towards_saturation_only(
    state: State, rate: float, length: float
) -> None:
    layer = state.surface
    full = oxygen_saturation_mg_l(layer.water.temperature_c, layer.water.salinity)
    after = surface.aired(layer, rate, length).water.oxygen
    low, high = sorted((layer.water.oxygen, full))
    assert low - 1e-9 <= after <= high + 1e-9


def test_light_water_lies_on_heavy_water() -> None:
    fresh = Solutes(28, 5, 6, 2, 2, 0, 0, 10, 0, 0)
    salt = fresh._replace(salinity=30)
    lens = State(Layer(1, fresh, 8), Layer(1, salt, 8))
    alike = State(Layer(1, salt, 8), Layer(1, salt, 8))
    upside_down = State(Layer(1, salt, 8), Layer(1, fresh, 8))
    wind = 4.0
    assert surface.mixing_m_h(lens, wind, 0) < surface.mixing_m_h(alike, wind, 0) / 20
    assert surface.mixing_m_h(upside_down, wind, 0) > 0.7


def test_plankton_makes_less_in_the_depth_at_night_and_at_high_ph() -> None:
    water = Solutes(28, 20, 6, 2, 2.4, 0.3, 0.1, 100, 2, 10)
    layer = Layer(0.6, water, 8)
    full = metabolism.photosynthesis(layer, 800, 2.5, 1)
    assert full > metabolism.photosynthesis(layer, 150, 2.5, 1) > 0
    assert metabolism.photosynthesis(layer, 0, 2.5, 1) == 0
    assert metabolism.photosynthesis(layer._replace(ph=9.9), 800, 2.5, 1) < full / 5
    assert 0.2 < full < 1.5  # mg/L in the first hour of a bright noon
