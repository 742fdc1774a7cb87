"""A scenario's waters, boats and probes, put together: the simulator's object graph."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from firmware_sim.faults import POSITION, SIGNAL, FaultKind, FaultSpec
from firmware_sim.faulty_sources import FaultyProbe, FaultyReceiver
from firmware_sim.scenarios import (
    DeviceSpec,
    ProbeKind,
    ProbeSpec,
    Scenario,
    SiteSpec,
    UnitSpec,
)
from firmware_sim.sources import PositionSource, ValueSource
from firmware_sim.vessels.voyage import Voyage
from firmware_sim.waters.aeration import Bank, Interval
from firmware_sim.waters.cage import Cage
from firmware_sim.waters.column import Column
from firmware_sim.waters.inputs import Inputs
from firmware_sim.waters.pond import Pond, PondWater
from firmware_sim.waters.probes import AeratorProbe, BoxProbe, WaterProbe
from firmware_sim.waters.sky import Sky

Place = tuple[str, str]
"""Device and probe."""


class Unit(NamedTuple):
    """A unit's water, and its aerators if it is a pond."""

    spec: UnitSpec
    column: Column
    bank: Bank | None


def interval(scenario: Scenario, fault: FaultSpec) -> Interval:
    """Return a fault's ``[from, to)`` in seconds since 1970."""
    start_s = scenario.start_s
    return start_s + fault.from_h * 3600, start_s + fault.to_h * 3600


class World:
    """Everything that can be asked; ``inputs`` by unit are what may be switched.

    ``true_sources`` are the water probes without faults, for truth.
    """

    def __init__(self, scenario: Scenario, inputs: Mapping[str, Inputs]) -> None:
        self.scenario = scenario
        self.units = {
            unit.id: _unit(scenario, site, unit, inputs[unit.id])
            for site in scenario.sites
            for unit in site.units
        }
        self.voyages = {
            vessel.id: Voyage(
                vessel.trip,
                seed=scenario.seed,
                name=vessel.id,
                start_s=scenario.start_s,
            )
            for vessel in scenario.vessels
        }
        self.true_sources: dict[Place, ValueSource] = {}
        self.sources: dict[Place, ValueSource] = {}
        self.positions: dict[Place, PositionSource] = {}
        for device in scenario.devices:
            for probe in device.probes:
                self._attach(device, probe)

    def _attach(self, device: DeviceSpec, probe: ProbeSpec) -> None:
        place = device.id, probe.id
        if probe.kind is ProbeKind.GPS:
            receiver: PositionSource = self.voyages[device.vessel or ""]
            for fault in self._faults(place):
                start_s, end_s = interval(self.scenario, fault)
                if fault.kind in POSITION:
                    receiver = FaultyReceiver(
                        receiver,
                        fault,
                        start_s=start_s,
                        end_s=end_s,
                        seed=self.scenario.seed,
                    )
            self.positions[place] = receiver
            return
        source = self.true_sources[place] = self._source(device, probe)
        for fault in self._faults(place):
            start_s, end_s = interval(self.scenario, fault)
            if fault.kind in SIGNAL:
                source = FaultyProbe(
                    source,
                    fault,
                    start_s=start_s,
                    end_s=end_s,
                    seed=self.scenario.seed,
                    name="/".join(place),
                )
        self.sources[place] = source

    def _faults(self, place: Place) -> list[FaultSpec]:
        return [f for f in self.scenario.faults if (f.device, f.probe) == place]

    def _source(self, device: DeviceSpec, probe: ProbeSpec) -> ValueSource:
        name, seed = f"{device.id}/{probe.id}", self.scenario.seed
        if probe.kind is ProbeKind.BOX:
            outages = _outages(self.scenario, device.site)
            return BoxProbe(seed=seed, name=name, outages=outages)
        unit = self.units[probe.unit or ""]
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


def _outages(scenario: Scenario, site: str | None) -> Sequence[Interval]:
    return [
        interval(scenario, fault)
        for fault in scenario.faults
        if fault.kind is FaultKind.POWER_CUT and fault.site == site
    ]


def _unit(scenario: Scenario, site: SiteSpec, unit: UnitSpec, inputs: Inputs) -> Unit:
    start_s, seed = scenario.start_s, scenario.seed
    sky = Sky(
        site.climate,
        site.latitude,
        site.longitude,
        seed=seed,
        start_s=start_s,
        spells=site.weather,
    )
    if not isinstance(unit.water, PondWater):
        cage = Cage(unit.water, depth_m=unit.depth_m, sky=sky, seed=seed)
        return Unit(unit, Column(cage, origin_s=start_s, inputs=inputs), None)
    bank = Bank(
        unit.water.aerators,
        inputs,
        outages=_outages(scenario, site.id),
        failures=[
            (fault.aerator or "", interval(scenario, fault))
            for fault in scenario.faults
            if fault.kind is FaultKind.AERATOR_FAILURE
        ],
    )
    pond = Pond(
        unit.water, area_m2=unit.area_m2, depth_m=unit.depth_m, sky=sky, bank=bank
    )
    return Unit(unit, Column(pond, origin_s=start_s, inputs=inputs), bank)
