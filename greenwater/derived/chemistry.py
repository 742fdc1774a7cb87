"""Formulae of sea and pond water. Pure; numbers or arrays alike; units in the names.

Sources: Emerson et al. 1975; EPA 1989 after Hampson; Benson & Krause in the APHA's form;
PSS-78 through ``gsw``. Held to the test vectors of the domain notes, §2.5
(``tests/unit/test_derived.py``).
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Number: TypeAlias = "float | NDArray[np.float64]"

FRESH_PSU: Final = 1.0
"""Below it ammonia follows Emerson, from it on the EPA's formula for sea water."""

COMPENSATION_PER_DEGREE: Final = 0.0191
_ZERO_K: Final = 273.15
_STANDARD_HPA: Final = 1013.25


def unionised_share(temperature_c: Number, ph: Number, salinity_psu: Number) -> Number:
    """Return the share of total ammonia that is NH3, from 0 to 1.

    At one atmosphere. The same for nitrogen and for the molecule.
    """
    kelvin = np.asarray(temperature_c, np.float64) + _ZERO_K
    salinity = np.asarray(salinity_psu, np.float64)
    fresh = 0.09018 + 2729.92 / kelvin
    ionic = 19.9273 * salinity / (1000 - 1.005109 * salinity)
    sea = 9.245 + 0.116 * ionic + 0.0324 * (298.15 - kelvin) + 0.0415 / kelvin
    pka = np.where(salinity < FRESH_PSU, fresh, sea)
    return _plain(1 / (10 ** (pka - ph) + 1))


def oxygen_saturation_mg_l(
    temperature_c: Number, salinity_psu: Number, pressure_hpa: float = _STANDARD_HPA
) -> Number:
    """Return the oxygen of saturated water in mg/L (Benson & Krause, APHA 4500-O)."""
    kelvin = np.asarray(temperature_c, np.float64) + _ZERO_K
    log = (
        -139.34411
        + 1.575701e5 / kelvin
        - 6.642308e7 / kelvin**2
        + 1.2438e10 / kelvin**3
        - 8.621949e11 / kelvin**4
        - salinity_psu * (1.7674e-2 - 10.754 / kelvin + 2140.7 / kelvin**2)
    )
    return _plain(np.exp(log) * _pressure_factor(kelvin, pressure_hpa))


def oxygen_percent(
    oxygen_mg_l: Number,
    temperature_c: Number,
    salinity_psu: Number,
    *,
    is_compensated: bool,
) -> Number:
    """Return oxygen in per cent of saturation.

    A probe that knows nothing of salinity (``is_compensated`` False) converts its per
    cent with fresh water's saturation: that, and not the sea's, turns its mg/L back.
    """
    salinity = salinity_psu if is_compensated else 0.0
    return _plain(100 * oxygen_mg_l / oxygen_saturation_mg_l(temperature_c, salinity))


def compensated_oxygen_mg_l(
    oxygen_mg_l: Number,
    temperature_c: Number,
    salinity_psu: Number,
    *,
    is_compensated: bool,
) -> Number:
    """Return oxygen in mg/L as the salt water has it; what is compensated stays as it is.

    A probe left at salinity 0 reads 7.83 mg/L where 28 °C and 33 PSU hold 6.51.
    """
    if is_compensated:
        return oxygen_mg_l
    share = oxygen_percent(
        oxygen_mg_l, temperature_c, salinity_psu, is_compensated=False
    )
    return _plain(share / 100 * oxygen_saturation_mg_l(temperature_c, salinity_psu))


def salinity_psu(
    conductivity_ms_cm: Number, temperature_c: Number, pressure_dbar: float = 0.0
) -> Number:
    """Return practical salinity from conductivity as it is in the water (in situ).

    Never from specific conductivity, which is told at 25 °C: see ``salinity_of_specific``.
    """
    import gsw  # not before salinity is asked for: pages ask of oxygen alone

    return _plain(gsw.SP_from_C(conductivity_ms_cm, temperature_c, pressure_dbar))


def salinity_of_specific(specific_ms_cm: Number) -> Number:
    """Return practical salinity from conductivity that a probe has turned to 25 °C."""
    import gsw

    return _plain(gsw.SP_from_C(specific_ms_cm, 25.0, 0.0))


def specific_conductivity(conductivity_ms_cm: Number, temperature_c: Number) -> Number:
    """Return conductivity turned to 25 °C by 1.91 % a degree, as most probes do it."""
    factor = 1 + COMPENSATION_PER_DEGREE * (np.asarray(temperature_c) - 25)
    return _plain(conductivity_ms_cm / factor)


def _pressure_factor(
    kelvin: NDArray[np.float64], pressure_hpa: float
) -> NDArray[np.float64] | float:
    """Return what the air's pressure does to saturation (APHA 4500-O, table)."""
    if pressure_hpa == _STANDARD_HPA:
        return 1.0
    celsius = kelvin - _ZERO_K
    vapour = np.exp(11.8571 - 3840.70 / kelvin - 216961 / kelvin**2)
    theta = 0.000975 - 1.426e-5 * celsius + 6.436e-8 * celsius**2
    air = pressure_hpa / _STANDARD_HPA
    return np.asarray(
        air * (1 - vapour / air) * (1 - theta * air) / ((1 - vapour) * (1 - theta))
    )


def _plain(value: Number) -> Number:
    return float(value) if np.ndim(value) == 0 else value
