"""What lives in the water does to it: light and plankton, animals, bacteria, mud.

Rates are textbook magnitudes for tropical brackish ponds (Boyd; Madenjian 1987), per
hour at 28 °C, and change with temperature by a factor each degree. Oxygen demand fades
as oxygen runs out, so oxygen never goes below zero.
"""

import math
from typing import Final, NamedTuple

from firmware_sim.waters.layers import Layer, Solutes

PAR_PER_W: Final = 2.07  # µmol/m²/s of usable light for each W/m² of sunlight
HALF_LIGHT: Final = 250.0  # µmol/m²/s
OXYGEN_PER_CHL: Final = 11.0  # mg O2 per mg chlorophyll and hour, in full light
DARK_SHARE: Final = 0.11  # plankton's own respiration, of that
DEMAND_PER_CHL: Final = 0.107  # mg of oxygen to decay 1 µg of chlorophyll's plankton
N_PER_OXYGEN: Final = 0.051  # mg N taken up for each mg O2 produced (Redfield)
DECAY_H: Final = 0.045
NITRIFY_H: Final = 0.006
NITRITE_H: Final = 0.02
GROWTH_H: Final = 0.035
DIE_OFF_H: Final = 0.16
SETTLE_H: Final = 0.03
MMOL_PER_MG_O2: Final = 1 / 32.0
MEQ_PER_MG_N: Final = 2 / 14.007


class Demand(NamedTuple):
    """What a layer must feed, and what limits its plankton; per hour at 28 °C."""

    animals_mg_l: float  # oxygen
    mud_mg_l: float  # oxygen, into this layer
    waste_mg_l: float  # new detritus, as oxygen
    excretion_mg_l: float  # total ammonia, as N
    most_chlorophyll: float  # µg/L that the water can carry
    is_dying_off: bool


def attenuation_m(water: Solutes) -> float:
    """Return how fast light fades: the exponent per metre."""
    return 0.35 + 0.02 * water.chlorophyll + 0.05 * water.silt


def photosynthesis(
    layer: Layer, sun_w_m2: float, attenuation: float, hours: float
) -> float:
    """Return the oxygen that plankton gives in a layer, in mg/L, over ``hours``.

    ``sun_w_m2`` is what enters the layer. Plankton stops as free carbon dioxide gives
    out, at a pH near 10.
    """
    if sun_w_m2 <= 0:
        return 0.0
    top = PAR_PER_W * sun_w_m2 / HALF_LIGHT
    fall = attenuation * layer.thickness_m
    thirds = [math.tanh(top * math.exp(-fall * part)) for part in (1 / 6, 1 / 2, 5 / 6)]
    carbon = 1 / (1 + 10 ** (2 * (layer.ph - 9.3)))
    full = OXYGEN_PER_CHL * layer.water.chlorophyll / 1000
    warm: float = 1.06 ** (layer.water.temperature_c - 28)
    return full * sum(thirds) / 3 * carbon * warm * hours


def lived(layer: Layer, given: float, demand: Demand, hours: float) -> Layer:
    """Return the layer after ``hours`` of life in it; ``given`` is ``photosynthesis``."""
    water = layer.water
    warm = 1.08 ** (water.temperature_c - 28)
    full = water.oxygen / (water.oxygen + 0.5)
    decayed = water.detritus * -math.expm1(-DECAY_H * warm * full * hours)
    to_nitrite = water.tan * -math.expm1(-NITRIFY_H * warm * full * hours)
    to_nitrate = water.nitrite * -math.expm1(-NITRITE_H * warm * full * hours)
    own = OXYGEN_PER_CHL * DARK_SHARE * water.chlorophyll / 1000
    steady = own + demand.animals_mg_l + demand.mud_mg_l
    taken = (
        steady * warm * full * hours + decayed + 3.43 * to_nitrite + 1.14 * to_nitrate
    )
    taken = min(taken, water.oxygen + given)
    chlorophyll, dead = _plankton(water.chlorophyll, demand, hours)
    uptake = min(given * N_PER_OXYGEN * water.tan / (water.tan + 0.2), water.tan / 2)
    excreted = demand.excretion_mg_l * warm * full * hours
    return layer._replace(
        water=Solutes(
            water.temperature_c,
            water.salinity,
            water.oxygen + given - taken,
            max(water.dic + (taken - given) * MMOL_PER_MG_O2, 0.02),
            max(water.alkalinity - to_nitrite * MEQ_PER_MG_N, 0.05),
            water.tan + excreted - to_nitrite - uptake + dead * DEMAND_PER_CHL * 0.02,
            water.nitrite + to_nitrite - to_nitrate,
            chlorophyll,
            water.detritus
            - decayed
            + demand.waste_mg_l * hours
            + dead * DEMAND_PER_CHL,
            water.silt * math.exp(-SETTLE_H * hours),
        )
    )


def _plankton(chlorophyll: float, demand: Demand, hours: float) -> tuple[float, float]:
    """Return the plankton after growth or die-off, and how much of it died."""
    if demand.is_dying_off:
        left = chlorophyll * math.exp(-DIE_OFF_H * hours)
        return left, chlorophyll - left
    room = 1 - chlorophyll / demand.most_chlorophyll
    grown = chlorophyll * (1 + GROWTH_H * room * hours)
    return max(grown, 0.05), 0.0
