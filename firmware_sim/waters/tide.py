"""The tide: four constituents, about those of the mixed, mainly diurnal tide at Nha Trang.

Amplitudes are ours, rounded, and the phases are free: not a tide table.
"""

import math
from typing import Final

from msgspec import Struct

_SPEED_RAD_S: Final = {
    "m2": 2 * math.pi / (12.4206012 * 3600),
    "s2": 2 * math.pi / (12.0 * 3600),
    "k1": 2 * math.pi / (23.9344696 * 3600),
    "o1": 2 * math.pi / (25.8193417 * 3600),
}


class Tide(Struct, frozen=True, forbid_unknown_fields=True):
    """Amplitudes in metres, and the current that the fastest tide makes."""

    m2: float = 0.17
    s2: float = 0.07
    k1: float = 0.33
    o1: float = 0.28
    phase: float = 0.0
    current_m_s: float = 0.12
    residual_m_s: float = 0.02

    def level_m(self, t_s: float) -> float:
        """Return the height above mean sea level."""
        return sum(
            amplitude * math.cos(_SPEED_RAD_S[name] * t_s + self.phase)
            for name, amplitude in self._amplitudes()
        )

    def stream_m_s(self, t_s: float) -> float:
        """Return the speed of the water: highest as the level passes the middle.

        Never nothing: ``residual_m_s`` stays at slack water.
        """
        turning = sum(
            amplitude
            * _SPEED_RAD_S[name]
            * math.sin(_SPEED_RAD_S[name] * t_s + self.phase)
            for name, amplitude in self._amplitudes()
        )
        most = sum(a * _SPEED_RAD_S[name] for name, a in self._amplitudes()) or 1.0
        return self.residual_m_s + self.current_m_s * abs(turning) / most

    def _amplitudes(self) -> tuple[tuple[str, float], ...]:
        return (("m2", self.m2), ("s2", self.s2), ("k1", self.k1), ("o1", self.o1))
