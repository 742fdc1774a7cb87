"""Two layers of water, and how water moves: everything here conserves what it moves.

A layer's ``Solutes`` are concentrations; times the thickness they are amounts per square
metre. Movements are solved exactly over a step, so no step is too long for them.
"""

import math
from typing import NamedTuple


class Solutes(NamedTuple):
    """What water carries: per litre, except heat."""

    temperature_c: float
    salinity: float  # PSU
    oxygen: float  # mg/L
    dic: float  # dissolved inorganic carbon, mmol/L
    alkalinity: float  # meq/L
    tan: float  # total ammonia, mg/L as N
    nitrite: float  # mg/L as N
    chlorophyll: float  # µg/L
    detritus: float  # oxygen that its decay will take, mg/L
    silt: float  # NTU


class Layer(NamedTuple):
    """A depth of well-mixed water. ``ph`` follows from the solutes."""

    thickness_m: float
    water: Solutes
    ph: float


class State(NamedTuple):
    """A column of two layers."""

    surface: Layer
    bottom: Layer


def blend(a: Solutes, b: Solutes, share_of_b: float) -> Solutes:
    """Return ``1 - share_of_b`` of ``a`` with ``share_of_b`` of ``b``."""
    keep = 1 - share_of_b
    return Solutes._make([keep * x + share_of_b * y for x, y in zip(a, b, strict=True)])


def mixed(state: State, velocity_m_h: float, hours: float) -> State:
    """Exchange water between the layers at ``velocity_m_h`` through their interface."""
    upper, lower = state.surface, state.bottom
    depth = upper.thickness_m + lower.thickness_m
    rate = velocity_m_h * (1 / upper.thickness_m + 1 / lower.thickness_m)
    done = -math.expm1(-rate * hours)
    return State(
        upper._replace(
            water=blend(upper.water, lower.water, done * lower.thickness_m / depth)
        ),
        lower._replace(
            water=blend(lower.water, upper.water, done * upper.thickness_m / depth)
        ),
    )


def renewed(layer: Layer, source: Solutes, per_hour: float, hours: float) -> Layer:
    """Replace water by the source's at ``per_hour`` volumes an hour."""
    if per_hour <= 0:
        return layer
    return layer._replace(
        water=blend(layer.water, source, -math.expm1(-per_hour * hours))
    )


def poured(layer: Layer, source: Solutes, depth_m: float) -> Layer:
    """Add ``depth_m`` of the source's water."""
    if depth_m <= 0:
        return layer
    thickness = layer.thickness_m + depth_m
    return layer._replace(
        thickness_m=thickness, water=blend(layer.water, source, depth_m / thickness)
    )


def evaporated(layer: Layer, depth_m: float) -> Layer:
    """Take pure water away: salts and particles stay, heat and oxygen do not gather."""
    left = layer.thickness_m - depth_m
    factor = layer.thickness_m / left
    water = layer.water
    thicker = Solutes._make([value * factor for value in water])._replace(
        temperature_c=water.temperature_c, oxygen=water.oxygen
    )
    return layer._replace(thickness_m=left, water=thicker)


def spilt(layer: Layer, most_m: float) -> Layer:
    """Let what is above ``most_m`` run off."""
    return layer._replace(thickness_m=min(layer.thickness_m, most_m))
