"""A scenario made live: a source per probe, sinks for commands, history, the truth.

Who serves the values (Modbus, NMEA) asks ``sources`` and ``positions``; the coil of a
virtual aerator calls ``switch_aerator``; ``active`` says which faults of wire and process
to apply now. Times are seconds since 1970.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from firmware_sim.faults import PROCESS, WIRE, WORLD, FaultKind, FaultSpec
from firmware_sim.scenarios import Scenario
from firmware_sim.sources import PositionSource, Values, ValueSource
from firmware_sim.truth import Truth
from firmware_sim.vessels.voyage import Voyage
from firmware_sim.waters.inputs import InputLog, Inputs, Switching
from firmware_sim.world import Place, World, interval
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConfigError


class Row(NamedTuple):
    """What one probe would have measured at one instant."""

    taken_ms: int
    device: str
    probe: str
    values: Values


class Conditions(NamedTuple):
    """What a box has to live with: power, a network, and how wrong its clock is (s)."""

    is_powered: bool = True
    has_network: bool = True
    skew_s: float = 0.0


class ScenarioRun:
    """One scenario on one clock.

    ``inputs_file`` keeps what was switched, so that a restarted simulator continues in
    the same water.
    """

    def __init__(
        self, scenario: Scenario, clock: Clock, *, inputs_file: Path | None = None
    ) -> None:
        self.scenario, self._clock = scenario, clock
        units = [unit.id for site in scenario.sites for unit in site.units]
        self._inputs = {unit: Inputs() for unit in units}
        self._log = InputLog(self._inputs, inputs_file)
        self._world = World(scenario, self._inputs)

    @property
    def sources(self) -> dict[Place, ValueSource]:
        """Every probe but receivers, with its faults, by device and probe."""
        return self._world.sources

    @property
    def positions(self) -> dict[Place, PositionSource]:
        """Every GPS receiver, with its faults, by device and probe."""
        return self._world.positions

    @property
    def voyages(self) -> dict[str, Voyage]:
        """Every vessel's true track, by registration number."""
        return self._world.voyages

    def switch_aerator(self, aerator: str, is_on: bool) -> None:
        """Pull or release an aerator's coil, now.

        Raises:
            ConfigError: there is no such aerator.
        """
        at = self._clock.now().timestamp()
        self._log.record(self._unit_of(aerator), Switching(at, aerator, is_on))

    def _unit_of(self, aerator: str) -> str:
        for unit in self._world.units.values():
            if unit.bank and any(a.id == aerator for a in unit.bank.aerators):
                return unit.spec.id
        raise ConfigError(f"scenario {self.scenario.name}: no aerator {aerator!r}")

    def active(
        self, device: str, probe: str | None = None, *, t_s: float | None = None
    ) -> tuple[FaultSpec, ...]:
        """Return the faults of wire and process at a device, or at one of its probes.

        A power cut is one of the device's whose site has lost its mains.
        """
        at = self._clock.now().timestamp() if t_s is None else t_s
        return tuple(
            fault
            for fault in self._faults_of(device, probe)
            if _within(at, *interval(self.scenario, fault))
        )

    def conditions(self, device: str, *, t_s: float | None = None) -> Conditions:
        """Return what a box has to live with now."""
        spec = next(one for one in self.scenario.devices if one.id == device)
        faults = self.active(device, t_s=t_s)
        kinds = {fault.kind for fault in faults}
        return Conditions(
            is_powered=spec.has_battery or FaultKind.POWER_CUT not in kinds,
            has_network=FaultKind.MODEM_OUTAGE not in kinds,
            skew_s=sum(f.amount for f in faults if f.kind is FaultKind.CLOCK_SKEW),
        )

    def has_arrived(self, row: Row, by_s: float) -> bool:
        """Return whether a box had the power to measure this, and a network since."""
        taken_s = row.taken_ms / 1000
        if not self.conditions(row.device, t_s=taken_s).is_powered:
            return False
        outages = (
            interval(self.scenario, fault)
            for fault in self.scenario.faults
            if fault.kind is FaultKind.MODEM_OUTAGE and fault.device == row.device
        )
        return not any(start <= taken_s < end > by_s for start, end in outages)

    def is_troubled(self, device: str) -> bool:
        """Return whether its conditions are ever other than good."""
        bounds = [interval(self.scenario, one)[0] for one in self.scenario.faults]
        return any(self.conditions(device, t_s=at) != Conditions() for at in bounds)

    def _faults_of(self, device: str, probe: str | None) -> Iterator[FaultSpec]:
        site = next((d.site for d in self.scenario.devices if d.id == device), None)
        for fault in self.scenario.faults:
            if probe is not None:
                is_meant = (fault.device, fault.probe) == (device, probe)
                if is_meant and fault.kind in WIRE:
                    yield fault
            elif (fault.kind in PROCESS and fault.device == device) or (
                fault.kind is FaultKind.POWER_CUT and fault.site == site
            ):
                yield fault

    def history(self, start_s: float, end_s: float, every_s: float) -> Iterator[Row]:
        """Yield what every probe would have measured in ``[start_s, end_s)``.

        In order of time; instants are whole multiples of ``every_s``. A unit that was
        silent and a receiver without a fix have no row.
        """
        number = -(-start_s // every_s)
        while (t_s := number * every_s) < end_s:
            taken_ms = round(t_s * 1000)
            for place, source in self.sources.items():
                if not self._is_silent(place, t_s):
                    yield Row(taken_ms, *place, source.values_at(t_s))
            for place, receiver in self.positions.items():
                fix = receiver.fix_at(t_s)
                if fix is not None and not self._is_silent(place, t_s):
                    latitude, longitude, speed, course = fix
                    values = {"latitude": latitude, "longitude": longitude}
                    values |= {"speed": speed, "course": course}
                    yield Row(taken_ms, *place, values)
            number += 1

    def _is_silent(self, place: Place, t_s: float) -> bool:
        return any(
            fault.kind is FaultKind.SILENT_UNIT
            for fault in self.active(*place, t_s=t_s)
        )

    def truth(self) -> list[Truth]:
        """Return every fault's interval, and what every boat did, in order of time."""
        return sorted([*self._fault_truths(), *self._activity_truths()])

    def _fault_truths(self) -> Iterator[Truth]:
        for fault in self.scenario.faults:
            start_s, end_s = interval(self.scenario, fault)
            yield Truth(
                round(start_s * 1000),
                round(end_s * 1000),
                fault.kind,
                device=fault.device or "",
                probe=fault.probe or "",
                channel=fault.channel or "",
                site=(fault.site or "") if fault.kind in WORLD else "",
                detail=fault.aerator or "",
            )

    def _activity_truths(self) -> Iterator[Truth]:
        boxes = {d.vessel: d for d in self.scenario.devices if d.vessel}
        for vessel, voyage in self.voyages.items():
            box = boxes.get(vessel)
            for stretch in voyage.stretches():
                yield Truth(
                    round(stretch.start_s * 1000),
                    round(stretch.end_s * 1000),
                    f"activity.{stretch.activity}",
                    device=box.id if box else "",
                    detail=vessel
                    if stretch.haul is None
                    else f"{vessel} {stretch.haul}",
                )

    def low(self, channel: str, limit: float, *, every_s: float = 300.0) -> list[Truth]:
        """Return when the water at each probe truly was below a limit.

        From the scenario's beginning to its end, as a probe without faults would know
        it, looked at each ``every_s``.
        """
        found: list[Truth] = []
        start_s = self.scenario.start_s
        count = int(self.scenario.duration_h * 3600 / every_s)
        for place, source in self._world.true_sources.items():
            since: float | None = None
            for number in range(count + 1):
                t_s = start_s + number * every_s
                value = source.values_at(t_s).get(channel) if number < count else None
                is_low = value is not None and value < limit
                if is_low and since is None:
                    since = t_s
                elif not is_low and since is not None:
                    kind = f"world.low_{channel}"
                    ends = round(since * 1000), round(t_s * 1000)
                    found.append(Truth(*ends, kind, *place, channel))
                    since = None
        return sorted(found)


def _within(at: float, start_s: float, end_s: float) -> bool:
    return start_s <= at < end_s
