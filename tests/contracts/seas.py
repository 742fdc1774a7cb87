"""One vessel of a scenario with its box, its stores and the loop: for tests."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from analytics.boats import STATES
from analytics.fishing.vessel import Position, VesselState
from analytics.runs import Runs
from firmware_sim.scenarios import VesselSpec, load_scenario
from firmware_sim.world import World
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, Source, instant, milliseconds
from greenwater.reference.vessels import Trade, vessel_class
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Telemetry
from tests.templates import empty_registry

MIN_MS = 60_000
BOX, GPS = DeviceId("sim-tau"), ProbeId("gps")
EVERY_S = 900


class Sea:
    """One vessel of a scenario, its box, and the loop."""

    def __init__(
        self,
        folder: Path,
        scenario: str,
        vessel: str,
        source: Source = Source.PROBE,
        trade: Trade = Trade.CATCHING,
    ) -> None:
        self.world = World(load_scenario(scenario), {})
        self.vessel: VesselSpec = next(
            one for one in self.world.scenario.vessels if one.id == vessel
        )
        self.start_ms = round(self.world.scenario.start_s * 1000)
        self.registry: Registry = open_registry(empty_registry(folder / "registry.db"))
        self.store: Telemetry = open_telemetry(f"sqlite:///{folder}/telemetry.db")
        self.registry.add_organisation("hoa", "Hộ Hòa")
        self.registry.add_vessel(
            vessel,
            organisation="hoa",
            name="Tàu Hòa",
            length_m=self.vessel.length_m,
            gear=self.vessel.gear,
            trade=trade,
        )
        self.registry.add_device(BOX, vessel=vessel, now_ms=0)
        self.registry.add_probe(BOX, GPS, source=source)
        self.registry.deploy(BOX, GPS, vessel=vessel, depth_m=None, from_ms=0, now_ms=0)
        self.clock = ManualClock(instant(self.start_ms))
        self.runs = Runs(self.registry, self.store, self.clock)
        self.sequence = 0

    def positions(self, every_s: int = EVERY_S) -> list[Position]:
        voyage, start_s = self.world.voyages[self.vessel.id], self.start_ms // 1000
        hours = self.world.scenario.duration_h
        return [
            Position(t_s * 1000, fix.latitude, fix.longitude, fix.speed_kn)
            for t_s in range(start_s, start_s + int(hours * 3600), every_s)
            for fix in (voyage.fix_at(t_s),)
        ]

    def send(self, positions: Sequence[Position], at_ms: int | None = None) -> None:
        """Have positions stored as one batch, and a pass done."""
        first_ms, last_ms = positions[0].time_ms, positions[-1].time_ms
        recorded_ms = last_ms if at_ms is None else at_ms
        self.store.write(
            [
                Reading(BOX, GPS, channel, one.time_ms, value)
                for one in positions
                for channel, value in (
                    (Channel.LATITUDE, one.latitude),
                    (Channel.LONGITUDE, one.longitude),
                    (Channel.SPEED, one.speed_kn),
                )
            ]
        )
        self.sequence += 1
        self.store.record(
            [
                Intake(
                    WorkerId("w1"), self.sequence, BOX, "o" * 16, self.sequence,
                    self.sequence, len(positions) * 3, 0, 0, 0, first_ms, last_ms,
                    recorded_ms,
                )
            ]
        )  # fmt: skip
        self.look(recorded_ms)

    def look(self, at_ms: int) -> None:
        now_ms = milliseconds(self.clock.now())
        self.clock.advance(timedelta(milliseconds=max(0, at_ms - now_ms)))
        self.runs.look()

    def truth(self) -> VesselState:
        assert self.vessel.length_m is not None
        return VesselState(
            self.vessel.id,
            gear=self.vessel.gear or "",
            kind=vessel_class(self.vessel.length_m),
        )

    def found(self) -> tuple[object, ...]:
        trips = self.registry.trips()
        hauls = [self.registry.hauls(one.id) for one in trips]
        return trips, hauls, self.registry.violations()

    def remembered(self) -> object:
        """What analytics keeps of the vessel."""
        return msgspec.json.decode(self.registry.load_states()[STATES + self.vessel.id])

    def close(self) -> None:
        self.registry.close()
        self.store.close()
