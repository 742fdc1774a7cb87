"""A sea cage in its raft: open water that the tide renews, and a river when it floods.

The upper layer is the depth of a freshwater lens; the lower one reaches to the net's
bottom. What flows through is the sea outside, with its own small daily course, and the
plume of a river that answers the site's rain through two linear reservoirs (Nash).
"""

import math
from typing import Final

from msgspec import Struct

from firmware_sim.noise import smooth
from firmware_sim.waters import carbonate
from firmware_sim.waters.chemistry import oxygen_saturation_mg_l
from firmware_sim.waters.layers import (
    Layer,
    Solutes,
    State,
    blend,
    mixed,
    renewed,
)
from firmware_sim.waters.metabolism import Demand, attenuation_m, lived, photosynthesis
from firmware_sim.waters.pond import Hours
from firmware_sim.waters.sky import Sky, Weather, local_hour
from firmware_sim.waters.surface import aired, mixing_m_h, piston_m_h, warmed
from firmware_sim.waters.tide import Tide

ANIMAL_MG_G_H: Final = 0.22
DEEP_PLUME: Final = 0.10  # of the plume's share that reaches under the lens


class CageWater(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="model", tag="cage"
):
    """What the sea is like, how dense the raft is, and what the river does.

    ``raft_m`` is how far water flows among cages, ``kg_m3`` what it feeds on the way,
    ``open_share`` how much of the stream gets through the nets. ``river_half_mm_h`` is
    the runoff at which half of the upper layer is river water; 0: no river.
    """

    temperature_c: float = 28.3
    salinity: float = 33.0
    alkalinity_mg_l: float = 115.0
    chlorophyll_ug_l: float = 2.0
    silt_ntu: float = 2.0
    lens_m: float = 2.0
    site_depth_m: float = 14.0
    raft_m: float = 120.0
    kg_m3: float = 1.2
    open_share: float = 0.6
    tide: Tide = Tide()
    river_half_mm_h: float = 0.0
    river_lag_h: float = 5.0
    die_off_h: Hours = ()


class Cage:
    """A ``Model`` of the water in one cage."""

    def __init__(
        self, water: CageWater, *, depth_m: float, sky: Sky, seed: int
    ) -> None:
        self._is, self._sky, self._seed = water, sky, seed
        self._depth_m = depth_m
        self._sea = _sea(water)
        self._river = _river(water)

    def initial(self) -> State:
        """Return the sea outside, before any river."""
        k = carbonate.constants(self._sea.temperature_c, self._sea.salinity)
        ph = carbonate.ph_of(self._sea.alkalinity, self._sea.dic, k)
        below = max(self._depth_m - self._is.lens_m, 0.5)
        return State(Layer(self._is.lens_m, self._sea, ph), Layer(below, self._sea, ph))

    def level_m(self, t_s: float, state: State) -> float:
        """Return the depth of the sea under the raft."""
        return self._is.site_depth_m + self._is.tide.level_m(t_s)

    def step(self, state: State, t_s: float, length_s: float) -> State:
        """Return the cage's water ``length_s`` later."""
        hours, middle = length_s / 3600, t_s + length_s / 2
        sun, wind = self._sky.sun_w_m2(middle), self._sky.wind_m_s(middle)
        stream = self._is.tide.stream_m_s(middle)
        state = self._alive(state, middle, sun, hours)
        passes = math.exp(
            -attenuation_m(state.surface.water) * state.surface.thickness_m
        )
        state = warmed(state, sun, passes, self._sky.air_c(middle), wind, hours)
        state = mixed(state, mixing_m_h(state, wind, 2.0 * stream), hours)
        per_hour = stream * self._is.open_share * 3600 / self._is.raft_m
        upper, lower = state
        upper = renewed(upper, self.outside(middle, is_surface=True), per_hour, hours)
        lower = renewed(lower, self.outside(middle, is_surface=False), per_hour, hours)
        by_wind = piston_m_h(wind) / upper.thickness_m
        return State(aired(upper, by_wind, hours), aired(lower, 0.0, hours))

    def outside(self, t_s: float, *, is_surface: bool) -> Solutes:
        """Return the water that the stream brings."""
        sun_course = math.cos(2 * math.pi * (local_hour(t_s) - 15) / 24)
        drift = smooth(self._seed, "sea", t_s, every_s=6 * 3600)
        fresh = self.fresh_share(t_s) * (1.0 if is_surface else DEEP_PLUME)
        share = (0.99 if is_surface else 0.94) + 0.035 * sun_course + 0.008 * drift
        swing = 0.35 if is_surface else 0.1
        sea = self._sea._replace(
            temperature_c=self._sea.temperature_c + swing * sun_course + 0.15 * drift,
            salinity=self._sea.salinity + 0.1 * drift,
            oxygen=self._sea.oxygen * share,
        )
        return blend(sea, self._river, fresh) if fresh > 0 else sea

    def fresh_share(self, t_s: float) -> float:
        """Return how much of the sea's surface here is river water."""
        if self._is.river_half_mm_h <= 0:
            return 0.0
        runoff = self.runoff_mm_h(t_s)
        return runoff / (runoff + self._is.river_half_mm_h)

    def runoff_mm_h(self, t_s: float) -> float:
        """Return the river's answer to the rain so far: late, low and long."""
        hour, lag = self._sky.hours(t_s), self._is.river_lag_h
        return sum(
            spell.amount
            * (_filled(hour - spell.from_h, lag) - _filled(hour - spell.to_h, lag))
            for spell in self._sky.spells
            if spell.kind is Weather.RAIN
        )

    def _alive(self, state: State, t_s: float, sun: float, hours: float) -> State:
        upper, lower = state
        hour = self._sky.hours(t_s)
        is_dying = any(a <= hour < b for a, b in self._is.die_off_h)
        demand = Demand(
            animals_mg_l=self._is.kg_m3 * ANIMAL_MG_G_H,
            mud_mg_l=0.0,
            waste_mg_l=0.002 * self._is.kg_m3,
            excretion_mg_l=0.0015 * self._is.kg_m3,
            most_chlorophyll=max(self._is.chlorophyll_ug_l * 3, 1.0),
            is_dying_off=is_dying,
        )
        fade = attenuation_m(upper.water)
        passing = sun * math.exp(-fade * upper.thickness_m)
        given = photosynthesis(upper, sun, fade, hours)
        below = photosynthesis(lower, passing, attenuation_m(lower.water), hours)
        return State(
            lived(upper, given, demand, hours), lived(lower, below, demand, hours)
        )


def _filled(hours: float, lag_h: float) -> float:
    """Return how much of a steady rain two reservoirs let out after ``hours``."""
    if hours <= 0:
        return 0.0
    return 1 - (1 + hours / lag_h) * math.exp(-hours / lag_h)


def _sea(water: CageWater) -> Solutes:
    k = carbonate.constants(water.temperature_c, water.salinity)
    alkalinity = water.alkalinity_mg_l / carbonate.MG_CACO3_PER_MEQ
    return Solutes(
        temperature_c=water.temperature_c,
        salinity=water.salinity,
        oxygen=oxygen_saturation_mg_l(water.temperature_c, water.salinity),
        dic=carbonate.dic_in_balance(alkalinity, k, times_air=1.15),
        alkalinity=alkalinity,
        tan=0.02,
        nitrite=0.005,
        chlorophyll=water.chlorophyll_ug_l,
        detritus=0.2,
        silt=water.silt_ntu,
    )


def _river(water: CageWater) -> Solutes:
    warm = water.temperature_c - 2.5
    k = carbonate.constants(warm, 0.1)
    return Solutes(
        temperature_c=warm,
        salinity=0.1,
        oxygen=0.85 * oxygen_saturation_mg_l(warm, 0.1),
        dic=carbonate.dic_in_balance(0.7, k, times_air=3.0),
        alkalinity=0.7,
        tan=0.15,
        nitrite=0.03,
        chlorophyll=3.0,
        detritus=2.5,
        silt=150.0,
    )
