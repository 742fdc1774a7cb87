"""What instruments in and beside the water measure: the truth, the depth, the noise."""

import math
from collections.abc import Iterable
from typing import Final

from firmware_sim.noise import normal
from firmware_sim.sources import Values
from firmware_sim.waters.aeration import Aerator, Bank
from firmware_sim.waters.carbonate import MG_CACO3_PER_MEQ
from firmware_sim.waters.chemistry import (
    at_25_c,
    conductivity_ms_cm,
    oxygen_saturation_mg_l,
)
from firmware_sim.waters.column import Column
from firmware_sim.waters.layers import Solutes
from firmware_sim.waters.metabolism import attenuation_m
from greenwater.kernel.channels import Channel

NOISE_EVERY_S: Final = 5.0

SIGMA: Final[dict[str, float]] = {
    Channel.TEMPERATURE: 0.01,
    Channel.DISSOLVED_OXYGEN: 0.03,
    Channel.PH: 0.008,
    Channel.SALINITY: 0.02,
    Channel.ORP: 1.5,
    Channel.TURBIDITY: 0.4,
    Channel.AMMONIA_TOTAL: 0.01,
    Channel.NITRITE: 0.003,
    Channel.ALKALINITY: 0.8,
    Channel.TRANSPARENCY: 0.5,
    Channel.CHLOROPHYLL: 0.6,
    Channel.WATER_LEVEL: 0.002,
    Channel.DEPTH: 0.005,
    Channel.CURRENT: 0.02,
}
"""Standard deviation of one reading, in the channel's unit; others follow from these."""

WATER_CHANNELS: Final = frozenset(
    {
        *(set(SIGMA) - {Channel.CURRENT}),
        Channel.OXYGEN_SATURATION,
        Channel.CONDUCTIVITY,
        Channel.SPECIFIC_CONDUCTIVITY,
    }
)


class _Noise:
    """Noise of one probe: a number for each channel and slot of five seconds."""

    def __init__(self, seed: int, name: str, scale: float) -> None:
        self._seed, self._name, self._scale = seed, name, scale

    def of(self, channel: str, t_s: float) -> float:
        if not self._scale:
            return 0.0
        slot = math.floor(t_s / NOISE_EVERY_S)
        drawn = normal(self._seed, f"{self._name}/{channel}", slot)
        return drawn * SIGMA[channel] * self._scale


class WaterProbe:
    """A probe that hangs at ``depth_m`` in a unit's water.

    ``channels`` narrows what it measures; none: all that water has. An oxygen probe
    that is not ``is_compensated`` believes that all water is fresh and reads high in
    the sea (domain.md §2.5). ``noise`` scales ``SIGMA``.
    """

    def __init__(
        self,
        column: Column,
        *,
        depth_m: float,
        seed: int,
        name: str,
        channels: Iterable[str] = (),
        is_compensated: bool = True,
        noise: float = 1.0,
    ) -> None:
        self.column, self.depth_m = column, depth_m
        self._channels = frozenset(channels) or WATER_CHANNELS
        self._is_compensated = is_compensated
        self._noise = _Noise(seed, name, noise)

    def values_at(self, t_s: float) -> Values:
        """Return what the probe shows."""
        water, ph = self.column.water_at(t_s, self.depth_m)
        values = self._plain(water, ph, t_s)
        values |= self._oxygen(water, t_s) | self._salt(water, t_s)
        return {name: values[name] for name in values if name in self._channels}

    def _plain(self, water: Solutes, ph: float, t_s: float) -> dict[str, float]:
        state = self.column.state_at(t_s)
        true = {
            Channel.TEMPERATURE: water.temperature_c,
            Channel.PH: ph,
            Channel.ORP: _orp_mv(water.oxygen, ph),
            Channel.TURBIDITY: water.silt + 0.15 * water.chlorophyll,
            Channel.AMMONIA_TOTAL: water.tan,
            Channel.NITRITE: water.nitrite,
            Channel.ALKALINITY: water.alkalinity * MG_CACO3_PER_MEQ,
            Channel.TRANSPARENCY: 140 / attenuation_m(water),
            Channel.CHLOROPHYLL: water.chlorophyll,
            Channel.WATER_LEVEL: self.column.model.level_m(t_s, state),
            Channel.DEPTH: self.depth_m,
        }
        return {
            channel: _bounded(channel, value + self._noise.of(channel, t_s))
            for channel, value in true.items()
            if channel in self._channels
        }

    def _oxygen(self, water: Solutes, t_s: float) -> dict[str, float]:
        wanted = {Channel.DISSOLVED_OXYGEN, Channel.OXYGEN_SATURATION}
        if not wanted & self._channels:
            return {}
        shown = max(water.oxygen + self._noise.of(Channel.DISSOLVED_OXYGEN, t_s), 0.0)
        full = oxygen_saturation_mg_l(water.temperature_c, water.salinity)
        share = shown / full
        if not self._is_compensated:
            shown = share * oxygen_saturation_mg_l(water.temperature_c, 0.0)
        return {
            Channel.DISSOLVED_OXYGEN: shown,
            Channel.OXYGEN_SATURATION: 100 * share,
        }

    def _salt(self, water: Solutes, t_s: float) -> dict[str, float]:
        wanted = {
            Channel.SALINITY,
            Channel.CONDUCTIVITY,
            Channel.SPECIFIC_CONDUCTIVITY,
        }
        if not wanted & self._channels:
            return {}
        salinity = max(water.salinity + self._noise.of(Channel.SALINITY, t_s), 0.0)
        if not {Channel.CONDUCTIVITY, Channel.SPECIFIC_CONDUCTIVITY} & self._channels:
            return {Channel.SALINITY: salinity}
        conductivity = conductivity_ms_cm(water.temperature_c, salinity)
        return {
            Channel.SALINITY: salinity,
            Channel.CONDUCTIVITY: conductivity,
            Channel.SPECIFIC_CONDUCTIVITY: at_25_c(conductivity, water.temperature_c),
        }


class AeratorProbe:
    """The clamp and contact on an aerator's starter: ``current`` and mains ``contact``."""

    def __init__(self, bank: Bank, aerator: Aerator, *, seed: int, name: str) -> None:
        self._bank, self._aerator = bank, aerator
        self._noise = _Noise(seed, name, 1.0)

    def values_at(self, t_s: float) -> Values:
        """Return the current drawn in A, and 1 while there is mains."""
        is_running = self._bank.is_running(self._aerator, t_s)
        noise = self._noise.of(Channel.CURRENT, t_s)
        current = self._aerator.current_a + noise if is_running else abs(noise) / 10
        return {
            Channel.CURRENT: max(current, 0.0),
            Channel.CONTACT: float(self._bank.has_mains(t_s)),
        }


class BoxProbe:
    """The box's own supply: mains or solar charger, battery, modem signal.

    The battery is an 18 Ah lead one behind a 3 W box: it falls 0.09 V an hour.
    """

    def __init__(
        self,
        *,
        seed: int,
        name: str,
        outages: Iterable[tuple[float, float]] = (),
        signal_dbm: float = -84.0,
    ) -> None:
        self._outages, self._signal_dbm = tuple(outages), signal_dbm
        self._seed, self._name = seed, name

    def values_at(self, t_s: float) -> Values:
        """Return supply and battery in V, signal in dBm."""
        slot = math.floor(t_s / NOISE_EVERY_S)
        jitter = normal(self._seed, f"{self._name}/volt", slot)
        fading = normal(self._seed, f"{self._name}/signal", slot)
        without_h = next((t_s - a for a, b in self._outages if a <= t_s < b), -1) / 3600
        is_out = without_h >= 0
        battery = 12.7 - 0.09 * without_h if is_out else 13.5
        return {
            Channel.SUPPLY: max((0.0 if is_out else 24.0) + 0.05 * jitter, 0.0),
            Channel.BATTERY: max(battery, 9.0) + 0.01 * jitter,
            Channel.SIGNAL: self._signal_dbm + 3 * fading,
        }


def _orp_mv(oxygen_mg_l: float, ph: float) -> float:
    return 120 + 90 * math.log10(max(oxygen_mg_l, 0.01) + 0.1) - 30 * (ph - 7.5)


def _bounded(channel: str, value: float) -> float:
    return value if channel == Channel.ORP else max(value, 0.0)
