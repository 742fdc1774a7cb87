"""Units of UN/ECE Recommendation 20 that measure the same: to one base unit each."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Unit(NamedTuple):
    """``base = value × factor + offset``, in the base unit of a dimension."""

    dimension: str
    factor: float
    offset: float = 0.0


UNITS: Final[Mapping[str, Unit]] = {
    "KEL": Unit("temperature", 1),
    "CEL": Unit("temperature", 1, 273.15),
    "FAH": Unit("temperature", 5 / 9, 273.15 - 32 * 5 / 9),
    "KGM": Unit("mass", 1),
    "GRM": Unit("mass", 1e-3),
    "MGM": Unit("mass", 1e-6),
    "MC": Unit("mass", 1e-9),
    "DTN": Unit("mass", 100),
    "TNE": Unit("mass", 1000),
    "LBR": Unit("mass", 0.45359237),
    "ONZ": Unit("mass", 0.028349523125),
    "MTR": Unit("length", 1),
    "CMT": Unit("length", 1e-2),
    "MMT": Unit("length", 1e-3),
    "KMT": Unit("length", 1000),
    "INH": Unit("length", 0.0254),
    "FOT": Unit("length", 0.3048),
    "NMI": Unit("length", 1852),
    "MTK": Unit("area", 1),
    "HAR": Unit("area", 10_000),
    "MTQ": Unit("volume", 1),
    "LTR": Unit("volume", 1e-3),
    "MLT": Unit("volume", 1e-6),
    "M1": Unit("mass concentration", 1e-3),
    "GL": Unit("mass concentration", 1),
    "A93": Unit("mass concentration", 1e-3),
    "GP": Unit("mass concentration", 1e-6),
    "KMQ": Unit("mass concentration", 1),
    "C35": Unit("amount concentration", 1000),
    "C36": Unit("amount concentration", 1),
    "VLT": Unit("voltage", 1),
    "2Z": Unit("voltage", 1e-3),
    "AMP": Unit("current", 1),
    "4K": Unit("current", 1e-3),
    "PAL": Unit("pressure", 1),
    "KPA": Unit("pressure", 1000),
    "BAR": Unit("pressure", 1e5),
    "MBR": Unit("pressure", 100),
    "ATM": Unit("pressure", 101_325),
    "SEC": Unit("time", 1),
    "MIN": Unit("time", 60),
    "HUR": Unit("time", 3600),
    "DAY": Unit("time", 86_400),
    "MTS": Unit("speed", 1),
    "KMH": Unit("speed", 1 / 3.6),
    "KNT": Unit("speed", 1852 / 3600),
    "DD": Unit("angle", 1),
    "C81": Unit("angle", 57.29577951308232),
    "C62": Unit("ratio", 1),
    "P1": Unit("ratio", 1e-2),
    "59": Unit("ratio", 1e-6),
    "MQH": Unit("volume flow", 1 / 3600),
    "L2": Unit("volume flow", 1e-3 / 60),
    "KWH": Unit("energy", 3.6e6),
    "JOU": Unit("energy", 1),
    "WTT": Unit("power", 1),
    "KWT": Unit("power", 1000),
}
"""Source: UN/ECE Recommendation 20, revision 17 (factors to the SI unit)."""


def normal(name: str, value: float, code: str) -> tuple[str, float]:
    """Return the name an entry has for a unit, and the value in the base unit.

    A unit that is not known stands for itself.
    """
    unit = UNITS.get(code)
    if unit is None:
        return f"{name}|{code}", value
    return f"{name}|{unit.dimension}", value * unit.factor + unit.offset
