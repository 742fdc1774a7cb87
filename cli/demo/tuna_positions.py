"""What the satellite tells of the simulated tuna boat: for the demo.

Her own box is out of coverage at sea, as it should be; monitoring by satellite is what
says where she is. It falls silent in the evening, so that the site counts what is left and
asks for a call; after eight hours she is heard again, and from then on as is usual.
"""

import threading
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from cli.demo.tuna_boat import BOAT, BOX, SCENARIO
from cli.home import Home
from firmware_sim.scenarios import load_scenario
from firmware_sim.world import World
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock, ManualClock
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from ingest.replay import take_in_readings
from ingest.workers import HeldWorker, by_hand

PROBE: Final = ProbeId("vms")
EVERY_S: Final = 7_200
"""Twelve positions a day, as vessels are monitored."""
SILENT: Final = timedelta(hours=3, minutes=20)
HEARD_AGAIN: Final = timedelta(hours=4, minutes=40)
"""How long after the demo begins: two hours after she had to report."""
LOOK_S: Final = 1.0


def hear_by_satellite(
    registry: Registry,
    telemetry: Telemetry,
    worker: HeldWorker,
    *,
    left: datetime,
    now: datetime,
) -> int:
    """Take in the positions since she left (``left``); return how many."""
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
    times_s = range(until_s, since_s, -EVERY_S)[::-1]
    readings = _told(left, times_s)
    take_in_readings(readings, registry, telemetry, ManualClock(now), worker=worker)
    return len(readings) // 3


def keep_hearing(
    home: Home,
    clock: Clock,
    stop: threading.Event,
    *,
    left: datetime,
    opened: datetime,
    look_s: float = LOOK_S,
) -> None:
    """Take in each position when its time has come, until told to stop."""
    due = opened + HEARD_AGAIN
    while not stop.wait(look_s):
        if clock.now() < due:
            continue
        readings = _told(left, [round(due.timestamp())])
        with (
            open_registry(home.registry_url) as registry,
            closing(open_telemetry(home.telemetry_url)) as telemetry,
            by_hand(home.path) as worker,
        ):
            take_in_readings(readings, registry, telemetry, clock, worker=worker)
        due += timedelta(seconds=EVERY_S)


def _told(left: datetime, times_s: Iterable[int]) -> list[Reading]:
    """Return where she is at each time of a voyage that began at ``left``."""
    voyage = World(load_scenario(SCENARIO).starting(left), {}).voyages[BOAT]
    return [
        Reading(BOX, PROBE, channel, at_s * 1000, value)
        for at_s in times_s
        for fix in (voyage.fix_at(at_s),)
        for channel, value in (
            (Channel.LATITUDE, fix.latitude),
            (Channel.LONGITUDE, fix.longitude),
            (Channel.SPEED, fix.speed_kn),
        )
    ]
