"""A small province to look at: two farms, a boat, and everything that can go wrong.

It is 03:12 on 23/11/2026 in Khánh Hòa. Ao 1 is well and has two depths; Ao 2 fell
silent 40 minutes ago; Ao 3's box is offline since midnight with a backlog; Ao 10 has no
probe; in Lồng 1 a probe answers badly; Tàu Biển Đông has been out of coverage for hours.
"""

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Gap, Reading, Source, milliseconds
from greenwater.kernel.wire.messages import Status
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.credentials import Credentials
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from tests.templates import empty_registry
from web.ports import Services

NOW = datetime(2026, 11, 22, 20, 12, tzinfo=UTC)
NOW_MS = milliseconds(NOW)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
LONG_AGO_MS = NOW_MS - 72 * HOUR_MS

DO, TEMPERATURE, PH = Channel.DISSOLVED_OXYGEN, Channel.TEMPERATURE, Channel.PH
TOP, BOTTOM = "y4000-top", "y4000-bottom"
HOLE_MS = (NOW_MS - 5 * HOUR_MS, NOW_MS - 3 * HOUR_MS)


class World:
    """The two databases, open, and a clock that stands still."""

    def __init__(self, registry: Registry, telemetry: Telemetry) -> None:
        self.registry, self.telemetry = registry, telemetry
        self.clock = ManualClock(NOW)
        self.services = Services(registry, telemetry, self.clock, is_guarded=False)

    def add_device(
        self,
        device: str,
        *,
        site: str | None = None,
        vessel: str | None = None,
        is_simulated: bool = True,
    ) -> None:
        self.registry.add_device(
            device,
            site=site,
            vessel=vessel,
            credentials=Credentials("", "", ""),
            is_simulated=is_simulated,
            now_ms=LONG_AGO_MS,
        )

    def hang(
        self,
        device: str,
        probe: str,
        *,
        unit: str | None = None,
        vessel: str | None = None,
        depth_m: float | None = None,
        from_ms: int = LONG_AGO_MS,
        source: Source = Source.PROBE,
        profile: str | None = None,
    ) -> None:
        self.registry.add_probe(device, probe, source=source, profile=profile)
        self.registry.deploy(
            device,
            probe,
            unit=unit,
            vessel=vessel,
            depth_m=depth_m,
            from_ms=from_ms,
            now_ms=from_ms,
        )

    def feed(
        self,
        device: str,
        probe: str,
        *channels: Channel,
        until_ms: int = NOW_MS - MINUTE_MS,
        hours: int = 30,
        step_ms: int = 5 * MINUTE_MS,
        hole: tuple[int, int] = (0, 0),
    ) -> None:
        """Write a day's swing of each channel, but for the hole."""
        self.telemetry.write(
            [
                Reading(
                    DeviceId(device),
                    ProbeId(probe),
                    channel,
                    taken_ms,
                    round(MEANS[channel] + math.sin(taken_ms / 1.4e7), 3),
                )
                for taken_ms in range(until_ms, NOW_MS - hours * HOUR_MS, -step_ms)
                if not hole[0] <= taken_ms < hole[1]
                for channel in channels
            ]
        )

    def tell(self, device: str, status: Status, *, at_ms: int = NOW_MS) -> None:
        self.registry.save_statuses({DeviceId(device): status}, at_ms)


MEANS = {
    DO: 4.2,
    TEMPERATURE: 28.5,
    PH: 7.9,
    Channel.SALINITY: 31.0,
    Channel.CURRENT: 4.0,
    Channel.BATTERY: 12.4,
    Channel.LATITUDE: 12.2,
    Channel.LONGITUDE: 109.2,
    Channel.SPEED: 7.4,
    Channel.COURSE: 95.0,
}


@contextmanager
def open_empty(home: Path, telemetry_url: str = "") -> Iterator[World]:
    """Return a world with nothing in it; its readings in a file, or where the URL says."""
    registry = open_registry(empty_registry(home / "registry.db"))
    telemetry = open_telemetry(telemetry_url or f"sqlite:///{home / 'telemetry.db'}")
    with closing(registry), closing(telemetry):
        yield World(registry, telemetry)


@contextmanager
def open_world(home: Path, telemetry_url: str = "") -> Iterator[World]:
    """Return the province of this module's docstring."""
    with open_empty(home, telemetry_url) as world:
        _places(world)
        _farm(world)
        _raft(world)
        _boats(world)
        yield world


def _places(world: World) -> None:
    registry = world.registry
    registry.add_organisation("ho-an", "Hộ ông An")
    registry.add_organisation("htx", "HTX Vạn Thắng")
    registry.add_site("trai-an", organisation="ho-an", name="Trại tôm ông An")
    registry.add_site("be-van-thang", organisation="htx", name="Bè Vạn Thắng")
    registry.add_raft("cum-1", site="trai-an", name="Cụm ao phía đông")
    for number in (1, 2, 3, 10):
        raft = "cum-1" if number < 4 else None
        name = f"Ao {number}"
        registry.add_unit(f"ao-{number}", site="trai-an", name=name, raft=raft)
    registry.add_unit("long-1", site="be-van-thang", name="Lồng 1", kind="cage")
    registry.add_vessel("KH-95123-TS", organisation="htx", name="Tàu Hải Âu")
    registry.add_vessel("KH-91234-TS", organisation="htx", name="Tàu Biển Đông")
    registry.add_vessel("KH-90000-TS", organisation="htx", name="Tàu Mới")


def _farm(world: World) -> None:
    world.add_device("box-1", site="trai-an")
    world.add_device("box-3", site="trai-an")
    world.hang("box-1", TOP, unit="ao-1", depth_m=0.5)
    world.hang("box-1", BOTTOM, unit="ao-1", depth_m=1.5)
    world.hang("box-1", "mains", unit="ao-1")
    world.feed("box-1", TOP, DO, TEMPERATURE, PH)
    world.feed("box-1", BOTTOM, DO, TEMPERATURE, hole=HOLE_MS)
    mains = Reading(DeviceId("box-1"), ProbeId("mains"), Channel.CONTACT, NOW_MS, 0.0)
    world.telemetry.write([mains])
    world.hang("box-1", "do-2", unit="ao-2", depth_m=0.8)
    world.feed("box-1", "do-2", DO, until_ms=NOW_MS - 40 * MINUTE_MS)
    world.hang("box-3", "do-3", unit="ao-3", depth_m=0.8)
    world.feed("box-3", "do-3", DO, until_ms=NOW_MS - 4 * HOUR_MS)
    world.telemetry.write(
        [],
        [
            Gap(
                DeviceId("box-3"),
                ProbeId("do-3"),
                NOW_MS - 14 * HOUR_MS,
                NOW_MS - 12 * HOUR_MS,
                1204,
                "thinned",
            )
        ],
    )
    world.tell("box-1", Status(True, "b1", outbox_depth=12, unhealthy=(BOTTOM, "do-2")))
    offline = Status(False, "b3", outbox_depth=1204, days_left=5.4)
    world.tell("box-3", offline, at_ms=NOW_MS - 3 * HOUR_MS)


def _raft(world: World) -> None:
    world.add_device("box-be", site="be-van-thang", is_simulated=False)
    world.hang("box-be", "do-4", unit="long-1", depth_m=2.0)
    world.feed("box-be", "do-4", DO, Channel.SALINITY)
    bad = Reading(DeviceId("box-be"), ProbeId("do-4"), PH, NOW_MS - MINUTE_MS, None)
    world.telemetry.write([bad])
    world.feed("box-be", "spare", TEMPERATURE, hours=2)
    world.feed("box-be", "box", Channel.BATTERY, hours=2)


def _boats(world: World) -> None:
    position = (Channel.LATITUDE, Channel.LONGITUDE, Channel.SPEED, Channel.COURSE)
    world.add_device("box-tau-1", vessel="KH-95123-TS")
    world.hang("box-tau-1", "gps", vessel="KH-95123-TS")
    world.feed("box-tau-1", "gps", *position, hole=HOLE_MS)
    world.add_device("box-tau-2", vessel="KH-91234-TS")
    world.hang("box-tau-2", "gps", vessel="KH-91234-TS")
    world.feed("box-tau-2", "gps", *position, until_ms=NOW_MS - 9 * HOUR_MS)
    world.tell("box-tau-2", Status(False, "b5"), at_ms=NOW_MS - 9 * HOUR_MS)
