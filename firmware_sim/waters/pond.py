"""An earthen or lined pond: plankton, animals, mud, aerators, rain, a little exchange."""

import math
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from firmware_sim.waters import carbonate
from firmware_sim.waters.aeration import Aerator, Bank
from firmware_sim.waters.chemistry import oxygen_saturation_mg_l
from firmware_sim.waters.layers import (
    Layer,
    Solutes,
    State,
    evaporated,
    mixed,
    poured,
    renewed,
    spilt,
)
from firmware_sim.waters.metabolism import (
    SETTLE_H,
    Demand,
    attenuation_m,
    lived,
    photosynthesis,
)
from firmware_sim.waters.sky import Sky
from firmware_sim.waters.surface import (
    aeration_h,
    aired,
    mixing_m_h,
    piston_m_h,
    warmed,
)

SURFACE_SHARE: Final = 0.45
ANIMAL_MG_G_H: Final = 0.28  # oxygen that a gram of shrimp takes in an hour at 28 °C
WASTE_SHARE: Final = 0.30  # of the feed becomes detritus; a kg of it demands a kg of O2
N_SHARE: Final = 0.026  # of the feed is excreted as ammonia nitrogen
FREEBOARD_M: Final = 0.15
RUNOFF_NTU: Final = 40.0

Hours = tuple[tuple[float, float], ...]
"""``[from, to)`` in hours since the scenario began."""


class PondWater(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="model", tag="pond"
):
    """What a pond is like at the beginning, and what it must feed.

    ``renewal_per_day`` is the share of the water exchanged with the source;
    ``die_off_h`` is when the plankton dies.
    """

    temperature_c: float = 30.0
    salinity: float = 18.0
    source_salinity: float = 20.0
    alkalinity_mg_l: float = 125.0
    oxygen_mg_l: float = 6.0
    ammonia_mg_l: float = 0.35
    nitrite_mg_l: float = 0.10
    chlorophyll_ug_l: float = 110.0
    most_chlorophyll_ug_l: float = 150.0
    silt_ntu: float = 12.0
    biomass_kg: float = 1200.0
    growth_per_day: float = 0.012
    feed_share_per_day: float = 0.025
    mud_mg_m2_h: float = 70.0
    renewal_per_day: float = 0.03
    die_off_h: Hours = ()
    aerators: tuple[Aerator, ...] = ()

    def younger(self, days: float) -> "PondWater":
        """Return the same pond so many days before, nothing out of the way ahead.

        What weighs so much now weighed less then, and fed less plankton.
        """
        less = (1 + self.growth_per_day) ** -days
        return replace(
            self,
            biomass_kg=self.biomass_kg * less,
            chlorophyll_ug_l=self.chlorophyll_ug_l * max(less, 0.3),
            most_chlorophyll_ug_l=self.most_chlorophyll_ug_l * 0.75,
            die_off_h=(),
        )


class Pond:
    """A ``Model`` of one pond. Hours in ``water`` count from the sky's beginning."""

    def __init__(
        self, water: PondWater, *, area_m2: float, depth_m: float, sky: Sky, bank: Bank
    ) -> None:
        self._is, self._sky, self.bank = water, sky, bank
        self._area_m2, self._depth_m = area_m2, depth_m
        self._source = _source(water)

    def initial(self) -> State:
        """Return a pond at rest, alike at all depths."""
        water = self._is
        k = carbonate.constants(water.temperature_c, water.salinity)
        alkalinity = water.alkalinity_mg_l / carbonate.MG_CACO3_PER_MEQ
        solutes = self._source._replace(
            salinity=water.salinity,
            oxygen=water.oxygen_mg_l,
            dic=carbonate.dic_in_balance(alkalinity, k, times_air=3.0),
            tan=water.ammonia_mg_l,
            nitrite=water.nitrite_mg_l,
            chlorophyll=water.chlorophyll_ug_l,
            detritus=2.0,
            silt=water.silt_ntu,
        )
        ph = carbonate.ph_of(solutes.alkalinity, solutes.dic, k)
        upper = self._depth_m * SURFACE_SHARE
        return State(
            Layer(upper, solutes, ph), Layer(self._depth_m - upper, solutes, ph)
        )

    def level_m(self, t_s: float, state: State) -> float:
        """Return the depth of the water."""
        return state.surface.thickness_m + state.bottom.thickness_m

    def step(self, state: State, t_s: float, length_s: float) -> State:
        """Return the pond ``length_s`` later."""
        hours, middle = length_s / 3600, t_s + length_s / 2
        sun, wind = self._sky.sun_w_m2(middle), self._sky.wind_m_s(middle)
        kg_h = self.bank.oxygen_kg_h(t_s, t_s + length_s)
        state = self._watered(state, middle, hours)
        state = self._alive(state, middle, sun, hours)
        passes = _passing(state)
        state = warmed(state, sun, passes, self._sky.air_c(middle), wind, hours)
        stirring = 190 * kg_h / self._area_m2
        state = mixed(state, mixing_m_h(state, wind, stirring), hours)
        return self._aired(state, wind, kg_h, hours)

    def _watered(self, state: State, t_s: float, hours: float) -> State:
        rain_m = self._sky.rain_mm_h(t_s) / 1000 * hours
        upper = state.surface
        if rain_m:
            fresh = _rain(self._sky.air_c(t_s))
            upper = poured(upper, fresh, rain_m)
        upper = evaporated(upper, 0.005 / 24 * hours)
        short = (
            self._depth_m - FREEBOARD_M - upper.thickness_m - state.bottom.thickness_m
        )
        upper = poured(upper, self._source, short)
        upper = spilt(upper, self._depth_m + FREEBOARD_M - state.bottom.thickness_m)
        per_hour = self._is.renewal_per_day / 24
        return State(
            renewed(upper, self._source, per_hour, hours),
            renewed(state.bottom, self._source, per_hour, hours),
        )

    def _alive(self, state: State, t_s: float, sun: float, hours: float) -> State:
        upper, lower = state
        entering = sun * (1 - 0.06)
        fade = attenuation_m(upper.water)
        given = photosynthesis(upper, entering, fade, hours)
        below = photosynthesis(
            lower, entering * _passing(state), attenuation_m(lower.water), hours
        )
        return State(
            _stirred(
                lived(upper, given, self._demand(t_s, upper, 0.6, mud=False), hours),
                self._is.silt_ntu,
                hours,
            ),
            _stirred(
                lived(lower, below, self._demand(t_s, lower, 1.33, mud=True), hours),
                self._is.silt_ntu,
                hours,
            ),
        )

    def _demand(
        self, t_s: float, layer: Layer, crowding: float, *, mud: bool
    ) -> Demand:
        water, hour = self._is, self._sky.hours(t_s)
        kg = water.biomass_kg * (1 + water.growth_per_day) ** (hour / 24)
        per_litre = crowding * kg * 1000 / (self._area_m2 * self._depth_m * 1000)
        feed_h = per_litre * water.feed_share_per_day / 24 * 1000  # mg/L/h
        return Demand(
            animals_mg_l=per_litre * ANIMAL_MG_G_H,
            mud_mg_l=water.mud_mg_m2_h / layer.thickness_m / 1000 if mud else 0.0,
            waste_mg_l=feed_h * WASTE_SHARE,
            excretion_mg_l=feed_h * N_SHARE,
            most_chlorophyll=water.most_chlorophyll_ug_l,
            is_dying_off=any(a <= hour < b for a, b in water.die_off_h),
        )

    def _aired(self, state: State, wind: float, kg_h: float, hours: float) -> State:
        upper, lower = state
        warm = upper.water.temperature_c
        engines = aeration_h(kg_h, self._area_m2 * self._depth_m, warm)
        by_wind = piston_m_h(wind) / upper.thickness_m
        return State(
            aired(upper, engines + by_wind, hours), aired(lower, engines, hours)
        )


def _passing(state: State) -> float:
    upper = state.surface
    fall = attenuation_m(upper.water) * upper.thickness_m
    return math.exp(-fall)


def _stirred(layer: Layer, silt_ntu: float, hours: float) -> Layer:
    """Keep the silt near what wind and animals stir up."""
    silt = layer.water.silt + silt_ntu * SETTLE_H * hours
    return layer._replace(water=layer.water._replace(silt=silt))


def _rain(air_c: float) -> Solutes:
    oxygen = oxygen_saturation_mg_l(air_c, 0.0)
    return Solutes(air_c, 0.0, oxygen, 0.02, 0.0, 0.1, 0.0, 0.0, 0.3, RUNOFF_NTU)


def _source(water: PondWater) -> Solutes:
    k = carbonate.constants(water.temperature_c, water.source_salinity)
    alkalinity = water.alkalinity_mg_l / carbonate.MG_CACO3_PER_MEQ
    full = oxygen_saturation_mg_l(water.temperature_c, water.source_salinity)
    return Solutes(
        temperature_c=water.temperature_c,
        salinity=water.source_salinity,
        oxygen=0.9 * full,
        dic=carbonate.dic_in_balance(alkalinity, k, times_air=1.5),
        alkalinity=alkalinity,
        tan=0.05,
        nitrite=0.01,
        chlorophyll=8.0,
        detritus=0.5,
        silt=8.0,
    )
