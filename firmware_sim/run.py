"""A scenario made live: a value source per probe, sinks for commands, the truth.

Who serves the values (Modbus, NMEA, or a writer of history) asks ``sources``; the coil
of a virtual aerator calls ``switch_aerator``. Times are seconds since 1970.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.scenarios import (
    DeviceSpec,
    ProbeKind,
    ProbeSpec,
    Scenario,
    SiteSpec,
    UnitSpec,
)
from firmware_sim.sources import Values, ValueSource
from firmware_sim.waters.aeration import Bank, Interval
from firmware_sim.waters.cage import Cage
from firmware_sim.waters.column import Column
from firmware_sim.waters.inputs import InputLog, Inputs, Switching
from firmware_sim.waters.pond import Pond, PondWater
from firmware_sim.waters.probes import AeratorProbe, BoxProbe, WaterProbe
from firmware_sim.waters.sky import Sky
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConfigError


class Row(NamedTuple):
    """What one probe would have measured at one instant."""

    taken_ms: int
    device: str
    probe: str
    values: Values


class _Unit(NamedTuple):
    spec: UnitSpec
    column: Column
    bank: Bank | None


class ScenarioRun:
    """One scenario on one clock.

    ``inputs_file`` keeps what was switched, so that a restarted simulator continues in
    the same water.
    """

    def __init__(
        self, scenario: Scenario, clock: Clock, *, inputs_file: Path | None = None
    ) -> None:
        self.scenario, self._clock = scenario, clock
        self._inputs = {
            unit.id: Inputs() for site in scenario.sites for unit in site.units
        }
        self._log = InputLog(self._inputs, inputs_file)
        self._units = {
            unit.id: self._opened(site, unit)
            for site in scenario.sites
            for unit in site.units
        }
        self.sources: dict[tuple[str, str], ValueSource] = {
            (device.id, probe.id): self._source(device, probe)
            for device in scenario.devices
            for probe in device.probes
            if probe.kind is not ProbeKind.GPS
        }

    def switch_aerator(self, aerator: str, is_on: bool) -> None:
        """Pull or release an aerator's coil, now.

        Raises:
            ConfigError: there is no such aerator.
        """
        for unit in self._units.values():
            if unit.bank and any(a.id == aerator for a in unit.bank.aerators):
                at = self._clock.now().timestamp()
                self._log.record(unit.spec.id, Switching(at, aerator, is_on))
                return
        raise ConfigError(f"scenario {self.scenario.name}: no aerator {aerator!r}")

    def is_coil_on(self, aerator: str) -> bool:
        """Return whether an aerator's coil is pulled now."""
        at = self._clock.now().timestamp()
        return any(inputs.is_on(aerator, at) for inputs in self._inputs.values())

    def history(self, start_s: float, end_s: float, every_s: float) -> Iterator[Row]:
        """Yield what every probe would have measured in ``[start_s, end_s)``.

        In order of time; instants are whole multiples of ``every_s``.
        """
        number = -(-start_s // every_s)
        while (t_s := number * every_s) < end_s:
            for (device, probe), source in self.sources.items():
                yield Row(round(t_s * 1000), device, probe, source.values_at(t_s))
            number += 1

    def _opened(self, site: SiteSpec, unit: UnitSpec) -> _Unit:
        scenario = self.scenario
        start_s = scenario.start_s
        sky = Sky(
            site.climate,
            site.latitude,
            site.longitude,
            seed=scenario.seed,
            start_s=start_s,
            spells=site.weather,
        )
        inputs = self._inputs[unit.id]
        if not isinstance(unit.water, PondWater):
            cage = Cage(unit.water, depth_m=unit.depth_m, sky=sky, seed=scenario.seed)
            return _Unit(unit, Column(cage, origin_s=start_s, inputs=inputs), None)
        bank = Bank(
            unit.water.aerators,
            inputs,
            outages=self._outages(site.id),
            failures=[
                (fault.aerator or "", self.interval(fault))
                for fault in scenario.faults
                if fault.kind is FaultKind.AERATOR_FAILURE
            ],
        )
        pond = Pond(
            unit.water, area_m2=unit.area_m2, depth_m=unit.depth_m, sky=sky, bank=bank
        )
        return _Unit(unit, Column(pond, origin_s=start_s, inputs=inputs), bank)

    def interval(self, fault: FaultSpec) -> Interval:
        """Return a fault's ``[from, to)`` in seconds since 1970."""
        start_s = self.scenario.start_s
        return start_s + fault.from_h * 3600, start_s + fault.to_h * 3600

    def _outages(self, site: str | None) -> list[Interval]:
        return [
            self.interval(fault)
            for fault in self.scenario.faults
            if fault.kind is FaultKind.POWER_CUT and fault.site == site
        ]

    def _source(self, device: DeviceSpec, probe: ProbeSpec) -> ValueSource:
        name, seed = f"{device.id}/{probe.id}", self.scenario.seed
        if probe.kind is ProbeKind.BOX:
            return BoxProbe(seed=seed, name=name, outages=self._outages(device.site))
        unit = self._units[probe.unit or ""]
        if probe.kind is ProbeKind.AERATOR and unit.bank is not None:
            aerator = next(a for a in unit.bank.aerators if a.id == probe.aerator)
            return AeratorProbe(unit.bank, aerator, seed=seed, name=name)
        return WaterProbe(
            unit.column,
            depth_m=probe.depth_m or 0.0,
            seed=seed,
            name=name,
            channels=probe.channels,
            is_compensated=probe.is_compensated,
            noise=probe.noise,
        )
