"""The channels, their canonical units, and the wire's unit codes for each.

Canonical units are those of design §4. A unit code on the wire is the SenML registry's
(RFC 8428 §12.1, RFC 8798) where it has one; ``mg/L``, ``PSU``, ``mS/cm``, ``NTU``,
``ug/L`` and ``kn`` are ours, since the registry has none for them.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Channel(StrEnum):
    """One quantity that a probe measures."""

    TEMPERATURE = "temperature"
    DISSOLVED_OXYGEN = "dissolved_oxygen"
    OXYGEN_SATURATION = "oxygen_saturation"
    PH = "ph"
    SALINITY = "salinity"
    CONDUCTIVITY = "conductivity"
    SPECIFIC_CONDUCTIVITY = "specific_conductivity"
    ORP = "orp"
    TURBIDITY = "turbidity"
    AMMONIA_TOTAL = "ammonia_total"
    AMMONIA_UNIONISED = "ammonia_unionised"
    NITRITE = "nitrite"
    ALKALINITY = "alkalinity"
    TRANSPARENCY = "transparency"
    CHLOROPHYLL = "chlorophyll"
    WATER_LEVEL = "water_level"
    DEPTH = "depth"
    CURRENT = "current"
    CONTACT = "contact"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    SPEED = "speed"
    COURSE = "course"
    BATTERY = "battery"
    SUPPLY = "supply"
    SIGNAL = "signal"


class Measurement(StrEnum):
    """The family a channel is stored under."""

    WATER = "water"
    POSITION = "position"
    POWER = "power"


class Unit(NamedTuple):
    """How a value in some wire unit becomes canonical: ``value * scale + offset``."""

    scale: float = 1.0
    offset: float = 0.0


class ChannelSpec(NamedTuple):
    """What the platform knows of a channel.

    ``unit`` is shown to people, ``code`` is what our own boxes send, ``accepts`` maps
    each unit code allowed on the wire to its conversion.
    """

    measurement: Measurement
    unit: str
    code: str
    accepts: dict[str, Unit]


_SAME: Final = Unit()
_MASS: Final = {"mg/L": _SAME, "mg/l": _SAME, "kg/m3": Unit(1000.0)}
_LENGTH_M: Final = {"m": _SAME, "cm": Unit(0.01), "mm": Unit(0.001)}
_VOLT: Final = {"V": _SAME, "mV": Unit(0.001)}
_CONDUCTIVITY: Final = {"mS/cm": _SAME, "S/m": Unit(10.0), "uS/cm": Unit(0.001)}


def _water(unit: str, code: str, accepts: dict[str, Unit]) -> ChannelSpec:
    return ChannelSpec(Measurement.WATER, unit, code, accepts)


def _position(unit: str, code: str, accepts: dict[str, Unit]) -> ChannelSpec:
    return ChannelSpec(Measurement.POSITION, unit, code, accepts)


def _power(unit: str, code: str, accepts: dict[str, Unit]) -> ChannelSpec:
    return ChannelSpec(Measurement.POWER, unit, code, accepts)


SPECS: Final[dict[Channel, ChannelSpec]] = {
    Channel.TEMPERATURE: _water("°C", "Cel", {"Cel": _SAME, "K": Unit(offset=-273.15)}),
    Channel.DISSOLVED_OXYGEN: _water("mg/L", "mg/L", _MASS),
    Channel.OXYGEN_SATURATION: _water("%", "%", {"%": _SAME, "/": Unit(100.0)}),
    Channel.PH: _water("", "pH", {"pH": _SAME}),
    Channel.SALINITY: _water("PSU", "PSU", {"PSU": _SAME}),
    Channel.CONDUCTIVITY: _water("mS/cm", "mS/cm", _CONDUCTIVITY),
    Channel.SPECIFIC_CONDUCTIVITY: _water("mS/cm", "mS/cm", _CONDUCTIVITY),
    Channel.ORP: _water("mV", "mV", {"mV": _SAME, "V": Unit(1000.0)}),
    Channel.TURBIDITY: _water("NTU", "NTU", {"NTU": _SAME}),
    Channel.AMMONIA_TOTAL: _water("mg/L N", "mg/L", _MASS),
    Channel.AMMONIA_UNIONISED: _water("mg/L N", "", {}),
    Channel.NITRITE: _water("mg/L N", "mg/L", _MASS),
    Channel.ALKALINITY: _water("mg/L CaCO3", "mg/L", _MASS),
    Channel.TRANSPARENCY: _water("cm", "cm", {"cm": _SAME, "m": Unit(100.0)}),
    Channel.CHLOROPHYLL: _water(
        "µg/L", "ug/L", {"ug/L": _SAME, "mg/L": Unit(1000.0), "ug/l": _SAME}
    ),
    Channel.WATER_LEVEL: _water("m", "m", _LENGTH_M),
    Channel.DEPTH: _water("m", "m", _LENGTH_M),
    Channel.CURRENT: _power("A", "A", {"A": _SAME, "mA": Unit(0.001)}),
    Channel.CONTACT: _power("", "/", {"/": _SAME}),
    Channel.LATITUDE: _position("°", "lat", {"lat": _SAME}),
    Channel.LONGITUDE: _position("°", "lon", {"lon": _SAME}),
    Channel.SPEED: _position(
        "kn",
        "kn",
        {"kn": _SAME, "m/s": Unit(3600 / 1852), "km/h": Unit(1 / 1.852)},
    ),
    Channel.COURSE: _position("°", "deg", {"deg": _SAME}),
    Channel.BATTERY: _power("V", "V", _VOLT),
    Channel.SUPPLY: _power("V", "V", _VOLT),
    Channel.SIGNAL: _power("dBm", "dBm", {"dBm": _SAME}),
}
"""Every channel that is stored."""

SENT: Final = tuple(channel for channel, spec in SPECS.items() if spec.accepts)
"""The channels that may travel on the wire; the others are derived by analytics."""
