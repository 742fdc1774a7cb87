"""Scenarios: TOML files that say what is simulated, into frozen structs or a refusal.

Times in a scenario are hours since its ``start``. Everything in it is simulated; whoever
enters it into the registry says so there (``is_simulated``).
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from firmware_sim.faults import FaultSpec
from firmware_sim.vessels.chart import PORTS
from firmware_sim.vessels.plan import Trip
from firmware_sim.waters.cage import CageWater
from firmware_sim.waters.pond import PondWater
from firmware_sim.waters.sky import Climate, Spell
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.ids import parse_device, parse_probe
from greenwater.kernel.misfits import misfit

FOLDER: Final = Path(__file__).with_name("scenarios")


class Organisation(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose the sites and vessels are."""

    id: str
    name: str


class UnitSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A pond or cage and the water in it."""

    id: str
    name: str
    kind: str
    depth_m: float
    water: PondWater | CageWater
    area_m2: float = 0.0
    species: str | None = None
    raft: str | None = None


class SiteSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A farm or port: where it is and what weather it has."""

    id: str
    name: str
    latitude: float
    longitude: float
    kind: str = "farm"
    commune: str | None = None
    climate: Climate = Climate()
    weather: tuple[Spell, ...] = ()
    units: tuple[UnitSpec, ...] = ()


class ProbeKind(StrEnum):
    """What a probe looks at."""

    WATER = "water"
    AERATOR = "aerator"
    BOX = "box"
    GPS = "gps"


class ProbeSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One virtual instrument on a device's bus.

    ``map`` names the register map that serves it (``firmware_sim/maps``), ``unit_id``
    its address on the bus, ``channels`` what it measures (none: all that the kind has).
    """

    id: str
    map: str
    kind: ProbeKind = ProbeKind.WATER
    unit: str | None = None
    unit_id: int = 1
    depth_m: float | None = None
    aerator: str | None = None
    channels: tuple[Channel, ...] = ()
    is_compensated: bool = True
    noise: float = 1.0


class DeviceSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A gateway on a site or a box on a vessel; without a battery it dies with the mains."""

    id: str
    name: str
    site: str | None = None
    vessel: str | None = None
    interval_s: float = 60.0
    has_battery: bool = True
    probes: tuple[ProbeSpec, ...] = ()


class VesselSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A boat and the trip it makes. ``id`` is its registration number.

    ``trade`` is what its owner says that it does: ``catching`` or ``logistics``.
    """

    id: str
    name: str
    length_m: float
    gear: str
    trip: Trip
    trade: str = "catching"


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """A simulated piece of the world. ``expect`` says in prose what should be seen."""

    name: str
    title: str
    about: str
    expect: str
    start: datetime
    duration_h: float
    organisation: Organisation
    seed: int = 1
    sites: tuple[SiteSpec, ...] = ()
    vessels: tuple[VesselSpec, ...] = ()
    devices: tuple[DeviceSpec, ...] = ()
    faults: tuple[FaultSpec, ...] = ()

    @property
    def start_s(self) -> float:
        """The beginning in seconds since 1970."""
        return self.start.timestamp()

    def starting(self, at: datetime) -> "Scenario":
        """Return the same scenario begun at another instant; all else moves along."""
        return msgspec.structs.replace(self, start=at.astimezone(UTC))

    def calm(self, days: float) -> "Scenario":
        """Return the days before: the same places, nothing out of the way happens.

        Shrimp are so much smaller then that at the end of them they weigh what they
        weigh when this scenario begins.
        """
        replace = msgspec.structs.replace
        sites = []
        for site in self.sites:
            units = [
                replace(unit, water=unit.water.younger(days))
                if isinstance(unit.water, PondWater)
                else unit
                for unit in site.units
            ]
            sites.append(replace(site, weather=(), units=tuple(units)))
        return replace(self, sites=tuple(sites), faults=())

    def unit(self, unit_id: str) -> tuple[SiteSpec, UnitSpec]:
        """Return a unit and its site.

        Raises:
            ConfigError: there is none of this id.
        """
        for site in self.sites:
            for unit in site.units:
                if unit.id == unit_id:
                    return site, unit
        raise ConfigError(f"scenario {self.name}: no unit {unit_id!r}")


def list_scenarios() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_scenario(name: str) -> Scenario:
    """Return a scenario by name, or from a path that ends in ``.toml``.

    Raises:
        ConfigError: there is none, or the file does not fit; the sentence names the
            file and the key.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise ConfigError(
            f"no scenario {name!r}; there are {', '.join(list_scenarios())}, "
            "or give the path of a .toml file"
        )
    return parse_scenario(path.read_bytes(), where=str(path))


def parse_scenario(text: bytes, *, where: str) -> Scenario:
    """Return the scenario a TOML text stands for.

    Raises:
        ConfigError: it stands for none.
    """
    try:
        document = tomllib.loads(text.decode("utf-8"))
        scenario = msgspec.convert(document, Scenario)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{where} is not TOML: {exc}") from exc
    except msgspec.ValidationError as exc:
        raise ConfigError(f"{where}: {misfit(exc, Scenario)}") from exc
    faults = list(_faults_of(scenario))
    if faults:
        raise ConfigError(f"{where}: {'; '.join(faults)}")
    return scenario


def _faults_of(scenario: Scenario) -> Iterator[str]:
    """Say what the types cannot: what is named twice, and what is named but not there."""
    if scenario.start.tzinfo is None:
        yield f"start {scenario.start} has no time zone, write ...Z or +07:00"
    if not 0 < scenario.duration_h <= 24 * 366:
        yield f"duration_h {scenario.duration_h} is not from 0 to a year"
    units = {unit.id: unit for site in scenario.sites for unit in site.units}
    yield from _twice("unit", [u.id for site in scenario.sites for u in site.units])
    yield from _twice("device", [device.id for device in scenario.devices])
    yield from _twice("aerator", _aerators(units.values()))
    for vessel in scenario.vessels:
        if vessel.trip.port not in PORTS:
            known = ", ".join(PORTS)
            yield f"vessel {vessel.id}: no port {vessel.trip.port!r}; there are: {known}"
    for device in scenario.devices:
        yield from _device_faults(device, scenario, units)
    probes = {
        (device.id, probe.id) for device in scenario.devices for probe in device.probes
    }
    for fault in scenario.faults:
        yield from fault.misfits(
            probes,
            sites={site.id for site in scenario.sites},
            aerators=set(_aerators(units.values())),
        )


def _aerators(units: Iterable[UnitSpec]) -> list[str]:
    return [
        aerator.id
        for unit in units
        if isinstance(unit.water, PondWater)
        for aerator in unit.water.aerators
    ]


def _device_faults(
    device: DeviceSpec, scenario: Scenario, units: dict[str, UnitSpec]
) -> Iterator[str]:
    try:
        parse_device(device.id)
        for probe in device.probes:
            parse_probe(probe.id)
    except InputError as exc:
        yield str(exc)
    places = [site.id for site in scenario.sites] + [v.id for v in scenario.vessels]
    place = device.site or device.vessel
    if (device.site is None) == (device.vessel is None) or place not in places:
        yield f"device {device.id}: its site or vessel is {place!r}, which is not there"
    yield from _twice(f"probe of {device.id}", [probe.id for probe in device.probes])
    on_bus = [str(p.unit_id) for p in device.probes if p.kind is not ProbeKind.GPS]
    yield from _twice(f"unit_id of {device.id}", on_bus)
    for probe in device.probes:
        if probe.kind is ProbeKind.GPS and device.vessel is None:
            yield f"probe {device.id}/{probe.id}: a gps needs a vessel"
        yield from _probe_faults(f"{device.id}/{probe.id}", probe, units)


def _probe_faults(
    name: str, probe: ProbeSpec, units: dict[str, UnitSpec]
) -> Iterator[str]:
    if probe.kind in (ProbeKind.BOX, ProbeKind.GPS):
        return
    unit = units.get(probe.unit or "")
    if unit is None:
        yield f"probe {name}: no unit {probe.unit!r}"
    elif probe.kind is ProbeKind.WATER:
        if probe.depth_m is None or not 0 <= probe.depth_m <= unit.depth_m:
            yield f"probe {name}: depth_m {probe.depth_m} is not in 0 to {unit.depth_m}"
    elif not isinstance(unit.water, PondWater) or probe.aerator not in {
        aerator.id for aerator in unit.water.aerators
    }:
        yield f"probe {name}: unit {unit.id} has no aerator {probe.aerator!r}"


def _twice(what: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{what} {name} is there twice"
