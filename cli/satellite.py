"""What the satellite told of the simulated tuna boat, and that it fell silent: for the demo.

Her own box is out of coverage at sea, as it should be; monitoring by satellite is what
says where she is. It has been silent since the evening: the site counts what is left.
"""

from datetime import datetime, timedelta
from typing import Final

from cli.harbour import BOAT, BOX, SCENARIO
from firmware_sim.scenarios import load_scenario
from firmware_sim.world import World
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry.ports import Telemetry
from ingest.replay import take_in_readings
from ingest.workers import HeldWorker

PROBE: Final = ProbeId("vms")
EVERY_S: Final = 7_200
"""Twelve positions a day, as vessels are monitored."""
SILENT: Final = timedelta(hours=3, minutes=20)


def hear_by_satellite(
    registry: Registry,
    telemetry: Telemetry,
    worker: HeldWorker,
    *,
    left: datetime,
    now: datetime,
) -> int:
    """Take in the positions since she left (``left``); return how many."""
    scenario = load_scenario(SCENARIO).starting(left)
    voyage = World(scenario, {}).voyages[BOAT]
    since_s, until_s = round(left.timestamp()), round((now - SILENT).timestamp())
    registry.add_probe(BOX, PROBE, source=Source.VMS)
    registry.deploy(
        BOX,
        PROBE,
        vessel=BOAT,
        depth_m=None,
        from_ms=since_s * 1000,
        now_ms=since_s * 1000,
    )
    readings = [
        Reading(BOX, PROBE, channel, at_s * 1000, value)
        for at_s in range(until_s, since_s, -EVERY_S)
        for fix in (voyage.fix_at(at_s),)
        for channel, value in (
            (Channel.LATITUDE, fix.latitude),
            (Channel.LONGITUDE, fix.longitude),
            (Channel.SPEED, fix.speed_kn),
        )
    ]
    clock = ManualClock(now)
    take_in_readings(readings[::-1], registry, telemetry, clock, worker=worker)
    return len(readings) // 3
