"""Probes and receivers with a fault: the same ports, something wrong in an interval.

Outside its interval a wrapper is not there. Like all else, what it does depends on time
and seed alone, so a fault can be asked about in any order.
"""

import math
from typing import Final

from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.noise import normal, uniform
from firmware_sim.sources import Fix, PositionSource, Values, ValueSource
from firmware_sim.vessels.chart import moved
from firmware_sim.waters.chemistry import oxygen_saturation_mg_l
from greenwater.kernel.channels import Channel

SPIKE_SHARE: Final = 0.1
DAY_S: Final = 86_400.0
_BEHIND_GROWTH: Final = (Channel.DISSOLVED_OXYGEN, Channel.OXYGEN_SATURATION)
_NONE_IN_AIR: Final = frozenset(
    {
        Channel.CONDUCTIVITY,
        Channel.SPECIFIC_CONDUCTIVITY,
        Channel.SALINITY,
        Channel.DEPTH,
        Channel.TURBIDITY,
        Channel.CHLOROPHYLL,
    }
)


class FaultyProbe:
    """A value source with one fault of ``SIGNAL`` in ``[start_s, end_s)``."""

    def __init__(
        self,
        of: ValueSource,
        fault: FaultSpec,
        *,
        start_s: float,
        end_s: float,
        seed: int,
        name: str,
    ) -> None:
        self._of, self._fault = of, fault
        self._start_s, self._end_s = start_s, end_s
        self._seed, self._name = seed, f"{name}/{fault.kind}/{fault.from_h}"

    def values_at(self, t_s: float) -> Values:
        """Return what the probe shows."""
        if not self._start_s <= t_s < self._end_s:
            return self._of.values_at(t_s)
        if self._fault.kind is FaultKind.STUCK:
            return self._only(
                self._of.values_at(t_s), self._of.values_at(self._start_s)
            )
        values = self._of.values_at(t_s)
        if self._fault.kind is FaultKind.OUT_OF_WATER:
            return self._only(values, in_air(values, self._jitter(t_s)))
        if self._fault.kind is FaultKind.FOULING:
            return self._only(values, self._fouled(values, t_s))
        shown = {
            channel: None if value is None else self._shown(channel, value, t_s)
            for channel, value in values.items()
        }
        return self._only(values, shown)

    def _only(self, true: Values, wrong: Values) -> Values:
        channel = self._fault.channel
        if channel is None:
            return wrong
        return {**true, channel: wrong.get(channel, true.get(channel))}

    def _shown(self, channel: str, value: float, t_s: float) -> float | None:
        fault = self._fault
        if fault.kind is FaultKind.DRIFT:
            return value + fault.amount * (t_s - self._start_s) / DAY_S
        slot = math.floor(t_s / fault.every_s)
        chance = uniform(self._seed, f"{self._name}/{channel}", slot)
        if fault.kind is FaultKind.DROPOUT:
            return None if chance < fault.amount else value
        if chance >= SPIKE_SHARE:
            return value
        sign = 1 if chance < SPIKE_SHARE / 2 else -1
        return value + sign * fault.amount * (0.5 + 0.5 * chance / SPIKE_SHARE)

    def _fouled(self, values: Values, t_s: float) -> Values:
        days = (t_s - self._start_s) / DAY_S
        left = max(1 - self._fault.amount, 0.0) ** days
        shown = dict(values)
        for channel in _BEHIND_GROWTH:
            value = shown.get(channel)
            if value is not None:
                shown[channel] = value * left
        turbidity = shown.get(Channel.TURBIDITY)
        if turbidity is not None:
            shown[Channel.TURBIDITY] = turbidity + 40 * (1 - left)
        return shown

    def _jitter(self, t_s: float) -> float:
        return normal(self._seed, self._name, math.floor(t_s / 5))


def in_air(values: Values, jitter: float) -> dict[str, float | None]:
    """Return what a probe shows out of the water: no salt, oxygen in balance with air."""
    temperature = values.get(Channel.TEMPERATURE)
    shown: dict[str, float | None] = {
        channel: 0.0 if channel in _NONE_IN_AIR else value
        for channel, value in values.items()
    }
    warm = 28.0 if temperature is None else temperature
    if Channel.OXYGEN_SATURATION in shown:
        shown[Channel.OXYGEN_SATURATION] = 101.0 + 0.5 * jitter
    if Channel.DISSOLVED_OXYGEN in shown:
        full = oxygen_saturation_mg_l(warm, 0.0)
        shown[Channel.DISSOLVED_OXYGEN] = full * (1.01 + 0.005 * jitter)
    return shown


class FaultyReceiver:
    """A position source with one fault of ``POSITION`` in ``[start_s, end_s)``."""

    def __init__(
        self,
        of: PositionSource,
        fault: FaultSpec,
        *,
        start_s: float,
        end_s: float,
        seed: int,
    ) -> None:
        self._of, self._fault = of, fault
        self._start_s, self._end_s, self._seed = start_s, end_s, seed

    def fix_at(self, t_s: float) -> Fix | None:
        """Return the fix; None while void, elsewhere in one slot of ten while jumping."""
        fix = self._of.fix_at(t_s)
        if fix is None or not self._start_s <= t_s < self._end_s:
            return fix
        if self._fault.kind is FaultKind.GPS_VOID:
            return None
        slot = math.floor(t_s / self._fault.every_s)
        chance = uniform(self._seed, f"jump/{self._fault.from_h}", slot)
        if chance >= SPIKE_SHARE:
            return fix
        place = moved(fix[:2], 3600 * chance, self._fault.amount)
        return fix._replace(latitude=place[0], longitude=place[1])
