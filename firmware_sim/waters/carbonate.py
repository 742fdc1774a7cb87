"""The carbonate system: pH from alkalinity and dissolved inorganic carbon.

Constants of Cai & Wang 1998 (salinity 0 to 40, NBS scale: what a pond's glass electrode
reads), carbon dioxide solubility of Weiss 1974, borate of Dickson 1990. Boron is on the
total scale, a tenth of a unit away; its share of the alkalinity is small enough.
Amounts are in mmol/L, alkalinity in meq/L.
"""

import math
from typing import Final, NamedTuple

AIR_CO2_ATM: Final = 425e-6
MG_CACO3_PER_MEQ: Final = 50.04


class Constants(NamedTuple):
    """Dissociation (mol/L), solubility (mol/L/atm), and borate and water, at one T, S."""

    k0: float
    k1: float
    k2: float
    kb: float
    kw: float
    boron_mmol: float


def constants(temperature_c: float, salinity: float) -> Constants:
    """Return the constants of water of this temperature and salinity."""
    t, s = temperature_c + 273.15, max(salinity, 0.0)
    root = math.sqrt(s)
    pk1 = 3404.71 / t + 0.032786 * t - 14.8435
    pk1 += -0.071692 * (200.1 / t + 0.3220) * root + 0.0021487 * s
    pk2 = 2902.39 / t + 0.02379 * t - 6.4980
    pk2 += -0.3191 * (-129.24 / t + 1.4381) * root + 0.0198 * s
    return Constants(
        _solubility(t, s),
        10**-pk1,
        10**-pk2,
        _borate(t, s, root),
        10 ** -(14.0 - 0.033 * (temperature_c - 25) - 0.04 * root),
        0.4157 * s / 35,
    )


def _solubility(t: float, s: float) -> float:
    hundredth = t / 100
    return math.exp(
        -60.2409
        + 93.4517 / hundredth
        + 23.3585 * math.log(hundredth)
        + s * (0.023517 - 0.023656 * hundredth + 0.0047036 * hundredth**2)
    )


def _borate(t: float, s: float, root: float) -> float:
    over_t = -8966.90 - 2890.53 * root - 77.942 * s + 1.728 * s * root - 0.0996 * s * s
    return math.exp(
        over_t / t
        + 148.0248
        + 137.1942 * root
        + 1.62142 * s
        - (24.4344 + 25.085 * root + 0.2474 * s) * math.log(t)
        + 0.053105 * root * t
    )


def alkalinity_meq(dic: float, ph: float, k: Constants) -> float:
    """Return the alkalinity of water with this carbon at this pH."""
    h = 10**-ph
    share = k.k1 * h + 2 * k.k1 * k.k2
    carbonate = dic * share / (h * h + k.k1 * h + k.k1 * k.k2)
    borate = k.boron_mmol * k.kb / (k.kb + h)
    return carbonate + borate + (k.kw / h - h) * 1000


def ph_of(alkalinity: float, dic: float, k: Constants, *, near: float = 8.0) -> float:
    """Return the pH; between 3 and 11.5.

    Alkalinity rises with pH, so halving always ends; Newton's step from ``near`` mostly
    ends it sooner.
    """
    low, high, ph = 3.0, 11.5, near
    for _ in range(40):
        wrong = alkalinity_meq(dic, ph, k) - alkalinity
        if wrong > 0:
            high = ph
        else:
            low = ph
        slope = (alkalinity_meq(dic, ph + 1e-5, k) - alkalinity - wrong) / 1e-5
        step = ph - wrong / slope
        following = step if low < step < high else (low + high) / 2
        if abs(following - ph) < 1e-7:
            return following
        ph = following
    return ph


def carbon_dioxide(dic: float, ph: float, k: Constants) -> float:
    """Return the free carbon dioxide in mmol/L."""
    h = 10**-ph
    return dic * h * h / (h * h + k.k1 * h + k.k1 * k.k2)


def dic_in_balance(alkalinity: float, k: Constants, *, times_air: float = 1.0) -> float:
    """Return the carbon of water whose carbon dioxide is ``times_air`` the air's."""
    low, high = 0.0, max(alkalinity, 0.05) * 2 + 1
    wanted = k.k0 * AIR_CO2_ATM * 1000 * times_air
    for _ in range(50):
        middle = (low + high) / 2
        if carbon_dioxide(middle, ph_of(alkalinity, middle, k), k) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
