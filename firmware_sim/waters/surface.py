"""What passes through the water's surface: heat, oxygen, carbon dioxide.

Gas transfer by wind after Wanninkhof 1992; aerators by their standard transfer rate as
engineers state it (Boyd). Heat loss is linear in air temperature and wind.
"""

import math
from typing import Final

from firmware_sim.waters import carbonate
from firmware_sim.waters.aeration import FRESH_SATURATION_20_C
from firmware_sim.waters.chemistry import density_kg_m3, oxygen_saturation_mg_l
from firmware_sim.waters.layers import Layer, State

HEAT_J_M3: Final = 4.1e6  # to warm a cubic metre by one degree
REFLECTED: Final = 0.06
CO2_TO_O2: Final = 0.92  # how fast the one gas passes, compared with the other


def piston_m_h(wind_m_s: float) -> float:
    """Return the velocity at which oxygen passes the surface; small ponds keep 1 cm/h."""
    return max(0.01, 0.31 * wind_m_s**2 / 100 * 1.15)


def aeration_h(oxygen_kg_h: float, volume_m3: float, temperature_c: float) -> float:
    """Return how fast aerators close the gap to saturation, per hour.

    The standard rate holds for water without oxygen at 20 °C; 0.9 for pond water.
    """
    standard = oxygen_kg_h * 1000 / (volume_m3 * FRESH_SATURATION_20_C)
    return 0.9 * standard * float(1.024 ** (temperature_c - 20))


def aired(layer: Layer, per_hour: float, hours: float) -> Layer:
    """Bring oxygen and carbon dioxide nearer to the air's, each at its pace."""
    water = layer.water
    full = oxygen_saturation_mg_l(water.temperature_c, water.salinity)
    done = -math.expm1(-per_hour * hours)
    k = carbonate.constants(water.temperature_c, water.salinity)
    free = carbonate.carbon_dioxide(water.dic, layer.ph, k)
    balanced = k.k0 * carbonate.AIR_CO2_ATM * 1000
    given = (balanced - free) * -math.expm1(-per_hour * CO2_TO_O2 * hours)
    dic = max(water.dic + given, 0.02)
    ph = carbonate.ph_of(water.alkalinity, dic, k, near=layer.ph)
    oxygen = water.oxygen + (full - water.oxygen) * done
    return Layer(layer.thickness_m, water._replace(oxygen=oxygen, dic=dic), ph)


def warmed(
    state: State,
    sun_w_m2: float,
    passes: float,
    air_c: float,
    wind: float,
    hours: float,
) -> State:
    """Let the sun warm both layers and the air cool the upper one.

    ``passes`` is the share of the light that reaches the lower layer. The 150 W/m² are
    what evaporation and night radiation take at equal temperature.
    """
    net = sun_w_m2 * (1 - REFLECTED)
    upper, lower = state.surface, state.bottom
    loss = 20 + 6 * wind
    pace = loss * 3600 / (HEAT_J_M3 * upper.thickness_m)
    balance = air_c + (net * (1 - passes) - 150) / loss
    gap = upper.water.temperature_c - balance
    surface_c = balance + gap * math.exp(-pace * hours)
    gained = net * passes * 3600 * hours / (HEAT_J_M3 * lower.thickness_m)
    return State(
        upper._replace(water=upper.water._replace(temperature_c=surface_c)),
        lower._replace(
            water=lower.water._replace(temperature_c=lower.water.temperature_c + gained)
        ),
    )


def mixing_m_h(state: State, wind_m_s: float, stirring_m_h: float) -> float:
    """Return how fast the layers exchange: wind and aerators, less what weight resists.

    Water that is heavier above sinks within the hour.
    """
    upper, lower = state.surface.water, state.bottom.water
    heavier = density_kg_m3(lower.temperature_c, lower.salinity) - density_kg_m3(
        upper.temperature_c, upper.salinity
    )
    if heavier < 0:
        return 0.8
    by_wind: float = 0.05 * wind_m_s**1.5
    return (0.02 + by_wind + stirring_m_h) / (1 + 3 * heavier)
