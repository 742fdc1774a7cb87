"""Farms that nobody has seen: ponds and cages drawn by a seed, what happens there, what breaks.

Sizes, species, stock, plankton, aerators, weather, season, depths of probes and intervals differ;
so does what goes wrong in the water, at a probe and at a box. Pure.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from msgspec.structs import replace

from firmware_sim.faults import SIGNAL, WIRE, FaultKind, FaultSpec
from firmware_sim.scenarios import (
    DeviceSpec,
    Organisation,
    ProbeKind,
    ProbeSpec,
    Scenario,
    SiteSpec,
    UnitSpec,
)
from firmware_sim.waters.aeration import Aerator
from firmware_sim.waters.cage import CageWater
from firmware_sim.waters.pond import PondWater
from firmware_sim.waters.sky import Climate, Spell, Weather
from greenwater.kernel.channels import Channel

HOURS: Final = 108.0
QUIET_H: Final = 30.0
"""Nothing happens before: a watch that has seen a day."""

IN_PONDS: Final = ("PNV", "PNV", "GIT", "GIP")
IN_CAGES: Final = ("NUR", "NUR", "LOK", "CBA", "EWF")
EVERY_S: Final = (300.0, 600.0, 900.0)
WATER: Final = ("nothing", "die-off", "overcast", "rain", "aerator", "mains")
PROBE: Final = (
    None, FaultKind.FOULING, FaultKind.DRIFT, FaultKind.STUCK, FaultKind.SPIKES,
    FaultKind.DROPOUT, FaultKind.OUT_OF_WATER, FaultKind.SILENT_UNIT,
)  # fmt: skip
BOX: Final = (None, FaultKind.MODEM_OUTAGE, FaultKind.CLOCK_SKEW)


class World(NamedTuple):
    """A scenario, how often its boxes measure, and what was drawn."""

    scenario: Scenario
    every_s: float
    water: str
    probe: FaultKind | None
    box: FaultKind | None

    @property
    def sound(self) -> "World":
        """The same water seen by probes and boxes that never fail and make no noise."""
        devices = tuple(
            replace(
                one, probes=tuple(replace(probe, noise=0.0) for probe in one.probes)
            )
            for one in self.scenario.devices
        )
        faults = tuple(
            one
            for one in self.scenario.faults
            if one.kind in (FaultKind.AERATOR_FAILURE, FaultKind.POWER_CUT)
        )
        return self._replace(
            scenario=replace(self.scenario, devices=devices, faults=faults)
        )


def world_of(seed: int) -> World:
    """Return the farm of a seed."""
    random = Random(seed)
    is_pond = random.random() < 0.65
    water = random.choice(WATER if is_pond else ("nothing", "rain", "die-off"))
    probe, box = random.choice(PROBE), random.choice((*BOX, None))
    unit = _pond(random, water) if is_pond else _cage(random, water)
    device = _device(random, unit)
    start = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=7)
    scenario = Scenario(
        name=f"world-{seed}",
        title="",
        about="",
        expect="",
        seed=seed,
        start=start + timedelta(days=random.randrange(365)),
        duration_h=HOURS,
        organisation=Organisation("sim-ho", "Hộ (mô phỏng)"),
        sites=(_site(random, unit, water),),
        devices=(device,),
        faults=tuple(_faults(random, device, unit, water, probe, box)),
    )
    return World(scenario, random.choice(EVERY_S), water, probe, box)


def _site(random: Random, unit: UnitSpec, water: str) -> SiteSpec:
    at_h = random.uniform(QUIET_H, 60)
    weather: tuple[Spell, ...] = ()
    if water in ("overcast", "die-off"):
        long_h = random.uniform(12, 30)
        weather = (
            Spell(Weather.OVERCAST, at_h, at_h + long_h, random.uniform(0.6, 0.95)),
            Spell(Weather.WIND, at_h, at_h + long_h, random.uniform(0.5, 2.0)),
        )
    elif water == "rain":
        long_h, much = random.uniform(2, 24), random.uniform(2, 20)
        weather = (Spell(Weather.RAIN, at_h, at_h + long_h, much),)
    return SiteSpec(
        id="sim-trai",
        name="Trại (mô phỏng)",
        latitude=random.uniform(11.6, 12.8),
        longitude=109.2,
        commune=None,
        climate=Climate(
            air_c=random.uniform(25, 29),
            air_swing_c=random.uniform(2, 5),
            cloud=random.uniform(0.2, 0.6),
            shower_chance=random.choice((0.0, 0.0, 0.3)),
        ),
        weather=weather,
        units=(unit,),
    )


def _pond(random: Random, water: str) -> UnitSpec:
    area, depth = random.uniform(600, 6000), random.uniform(1.0, 2.0)
    kg_m2 = random.uniform(0.1, 0.55)
    salinity, green = random.uniform(8, 30), random.uniform(60, 140)
    wheels = max(2, round(kg_m2 * area / random.uniform(350, 600)))
    timed = random.randrange(19, 24), random.randrange(6, 9)
    return UnitSpec(
        id="sim-don-vi",
        name="Ao (mô phỏng)",
        kind="pond",
        species=random.choice(IN_PONDS),
        area_m2=round(area),
        depth_m=round(depth, 2),
        water=PondWater(
            temperature_c=random.uniform(27, 31),
            salinity=salinity,
            source_salinity=salinity + random.uniform(-1, 3),
            alkalinity_mg_l=random.uniform(90, 160),
            chlorophyll_ug_l=green,
            most_chlorophyll_ug_l=green * random.uniform(1.1, 1.4),
            biomass_kg=kg_m2 * area,
            die_off_h=((random.uniform(QUIET_H, 70), 90),)
            if water == "die-off"
            else (),
            aerators=tuple(
                Aerator(f"quat-{n}", timer=(timed,) if n else ()) for n in range(wheels)
            ),
        ),
    )


def _cage(random: Random, water: str) -> UnitSpec:
    return UnitSpec(
        id="sim-don-vi",
        name="Lồng (mô phỏng)",
        kind="cage",
        species=random.choice(IN_CAGES),
        area_m2=16,
        depth_m=round(random.uniform(4, 8), 1),
        water=CageWater(
            temperature_c=random.uniform(25, 29),
            salinity=random.uniform(31, 34.5),
            chlorophyll_ug_l=random.uniform(1, 6),
            lens_m=random.uniform(1.5, 3),
            kg_m3=random.uniform(0.3, 2.0),
            open_share=random.uniform(0.35, 0.7),
            river_half_mm_h=random.uniform(2, 12) if water == "rain" else 0.0,
            river_lag_h=random.uniform(2, 8),
            die_off_h=((random.uniform(QUIET_H, 70), 90),)
            if water == "die-off"
            else (),
        ),
    )


def _device(random: Random, unit: UnitSpec) -> DeviceSpec:
    """Return a box with one to three probes: alone, side by side, or one above another."""
    top = round(random.uniform(0.3, unit.depth_m * 0.5), 1)
    below = round(random.uniform(unit.depth_m * 0.6, unit.depth_m), 1)
    depths = random.choice(([top], [top, top], [top, below], [top, top, below]))
    kinds = "yosemitech_y4000", "yosemitech_y4000", "generic_float32"
    narrow = Channel.TEMPERATURE, Channel.DISSOLVED_OXYGEN, Channel.SALINITY
    probes = []
    for number, depth in enumerate(depths, 1):
        kind = random.choice(kinds)
        channels = narrow if kind == "generic_float32" else ()
        probes.append(
            ProbeSpec(
                id=f"p-{number}",
                map=kind,
                unit=unit.id,
                unit_id=number,
                depth_m=depth,
                channels=channels,
                noise=random.uniform(0.5, 3.0),
            )
        )
    for aerator in getattr(unit.water, "aerators", ()):
        number = len(probes) + 1
        probes.append(
            ProbeSpec(
                id=aerator.id, map="aerator_monitor", kind=ProbeKind.AERATOR,
                unit=unit.id, aerator=aerator.id, unit_id=number,
            )
        )  # fmt: skip
    return DeviceSpec(
        id="sim-hop",
        name="Tủ (mô phỏng)",
        site="sim-trai",
        has_battery=random.random() < 0.6,
        probes=tuple(probes),
    )


def _faults(
    random: Random,
    device: DeviceSpec,
    unit: UnitSpec,
    water: str,
    probe: FaultKind | None,
    box: FaultKind | None,
) -> list[FaultSpec]:
    found = []
    at_h = random.uniform(QUIET_H, 70)
    if water == "aerator":
        for one in list(getattr(unit.water, "aerators", ()))[1:]:
            found.append(
                FaultSpec(FaultKind.AERATOR_FAILURE, at_h, at_h + 14, aerator=one.id)
            )
    elif water == "mains":
        long_h = random.uniform(0.5, 8)
        found.append(
            FaultSpec(FaultKind.POWER_CUT, at_h, at_h + long_h, site="sim-trai")
        )
    if probe is not None:
        found.append(_at_probe(random, device, probe))
    if box is not None:
        begins = random.uniform(QUIET_H, 90)
        long_h = random.choice((0.1, 0.5, 3, 12))
        skew = random.choice((-7200.0, -600.0, 900.0, 7200.0, 86400.0 * 365))
        is_skew = box is FaultKind.CLOCK_SKEW
        amount = skew if is_skew else 0.0
        found.append(
            FaultSpec(box, begins, begins + long_h, device=device.id, amount=amount)
        )
    return found


def _at_probe(random: Random, device: DeviceSpec, kind: FaultKind) -> FaultSpec:
    begins = random.uniform(QUIET_H, 80)
    channel: Channel | None = None
    amount = {
        FaultKind.FOULING: random.uniform(0.03, 0.15),
        FaultKind.DROPOUT: random.uniform(0.1, 1.0),
    }.get(kind, 0.0)
    if kind in (FaultKind.DRIFT, FaultKind.STUCK, FaultKind.SPIKES):
        channel, amount = random.choice(
            (
                (Channel.DISSOLVED_OXYGEN, 1.5),
                (Channel.PH, 0.25),
                (Channel.TEMPERATURE, 1.0),
                (Channel.SALINITY, 2.0),
            )
        )
        amount *= random.choice((-1, 1)) * (2.0 if kind is FaultKind.SPIKES else 1.0)
        amount = abs(amount) if kind is FaultKind.SPIKES else amount
    assert kind in SIGNAL | WIRE
    probes = [one for one in device.probes if one.kind is ProbeKind.WATER]
    return FaultSpec(
        kind,
        begins,
        begins + random.choice((1, 4, 24)),
        device=device.id,
        probe=random.choice(probes).id,
        channel=channel,
        amount=amount,
        every_s=60.0,
    )
