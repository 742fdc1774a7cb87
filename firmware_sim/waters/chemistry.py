"""Oxygen solubility, conductivity: published formulae, nothing else.

Sources: Benson & Krause 1984 as in APHA 4500-O (oxygen); PSS-78, UNESCO technical paper
44 (conductivity). Temperatures in °C, salinity in PSU, at one atmosphere.
"""

import math
from typing import Final

ZERO_C: Final = 273.15
C_STANDARD: Final = 42.914
"""Conductivity of sea water of salinity 35 at 15 °C (IPTS-68), mS/cm."""


def oxygen_saturation_mg_l(temperature_c: float, salinity: float) -> float:
    """Return the oxygen that water holds in equilibrium with moist air."""
    t = temperature_c + ZERO_C
    fresh = (
        -139.34411
        + 1.575701e5 / t
        - 6.642308e7 / t**2
        + 1.2438e10 / t**3
        - 8.621949e11 / t**4
    )
    salting = salinity * (1.7674e-2 - 10.754 / t + 2140.7 / t**2)
    return math.exp(fresh - salting)


def density_kg_m3(temperature_c: float, salinity: float) -> float:
    """Return the density of water to about 0.3 kg/m³ between 15 and 40 °C."""
    warm = temperature_c - 4
    return 1000 - 0.0055 * warm**2 + salinity * (0.80 - 0.0017 * warm)


_A: Final = (0.0080, -0.1692, 25.3851, 14.0941, -7.0261, 2.7081)
_B: Final = (0.0005, -0.0056, -0.0066, -0.0375, 0.0636, -0.0144)
_C: Final = (0.6766097, 2.00564e-2, 1.104259e-4, -6.9698e-7, 1.0031e-9)


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    total = 0.0
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def conductivity_ms_cm(temperature_c: float, salinity: float) -> float:
    """Return the conductivity in situ (PSS-78 turned round, at the surface).

    Valid from salinity 2 to 42; below, it runs on smoothly to zero.
    """
    t68 = temperature_c * 1.00024
    shift = (t68 - 15) / (1 + 0.0162 * (t68 - 15))
    mixed = tuple(a + shift * b for a, b in zip(_A, _B, strict=True))
    slopes = tuple(power * one for power, one in enumerate(mixed))[1:]
    root = math.sqrt(salinity / 35)
    for _ in range(12):  # Newton: five steps are enough, twelve at the fresh end
        step = (_polynomial(mixed, root) - salinity) / _polynomial(slopes, root)
        root = max(root - step, 0.0)
        if abs(step) < 1e-13:
            break
    return root * root * _polynomial(_C, t68) * C_STANDARD


def at_25_c(conductivity: float, temperature_c: float) -> float:
    """Return specific conductivity as sondes compute it: 1.91 % a degree from 25 °C."""
    return conductivity / (1 + 0.0191 * (temperature_c - 25))
