"""A pond on paper for tests of analytics: places, readings, and a watch to feed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import msgspec

from analytics.alarms.standing import Changes
from analytics.alarms.tracked import Watched
from analytics.alarms.watch import Watch
from analytics.places import Places
from analytics.water.episodes import Episode as Fault
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, DeviceState, ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.reference.aerators import MONITOR
from greenwater.reference.causes import Kind
from greenwater.reference.own_limits import OwnLimits
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.devices import Deployed, DeviceInfo
from greenwater.storage.registry.out_of_service import OutOfService
from greenwater.storage.registry.places import SiteInfo, SiteKind, UnitInfo, UnitKind
from greenwater.storage.registry.probes import ProbeInfo
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry

T0 = 1_780_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
BOX = DeviceId("box")
OXYGEN = Channel.DISSOLVED_OXYGEN


@contextmanager
def a_store() -> Iterator[Telemetry]:
    """Give an empty telemetry store, and close it."""
    with TemporaryDirectory() as folder:
        store = open_telemetry(f"sqlite:///{folder}/telemetry.db")
        yield store
        store.close()


def hung(
    probe: str,
    unit: str | None = "ao-3",
    *,
    device: DeviceId = BOX,
    depth_m: float | None = 0.5,
    from_ms: int = 0,
    to_ms: int | None = None,
) -> Deployed:
    """Return where a probe hangs."""
    return Deployed(device, ProbeId(probe), unit, None, depth_m, from_ms, to_ms)


def a_device(
    name: str = "box",
    state: DeviceState = DeviceState.ACTIVE,
    site: str | None = "farm",
) -> DeviceInfo:
    """Return a box at the farm."""
    return DeviceInfo(
        DeviceId(name), name, "hoa", site or "boat", state, False, "", "", site, None,
        0, None,
    )  # fmt: skip


def places(
    *deployed: Deployed,
    species: str | None = "PNV",
    devices: Sequence[DeviceInfo] = (),
    by_hand: Iterable[str] = (),
    aerators: Iterable[str] = (),
    out_of_service: Iterable[OutOfService] = (),
    closed_ms: int | None = None,
    limits: tuple[OwnLimits, ...] = (),
    limits_set: Sequence[OwnLimits] = (),
) -> Places:
    """Return a farm with ponds ``ao-3`` and ``ao-4``; ``top`` and ``bottom`` in one.

    ``limits_set`` is what was ever set in ``ao-3``.
    """
    units = [
        UnitInfo(
            id=name, site="farm", raft=None, name=name, kind=UnitKind.POND,
            species=species, area_m2=None, depth_m=None, closed_ms=closed_ms,
            limits=limits,
        )
        for name in ("ao-3", "ao-4")
    ]  # fmt: skip
    site = SiteInfo("farm", "hoa", "Trại", SiteKind.FARM, None, None, None)
    return Places(
        deployed or (hung("top"), hung("bottom", depth_m=1.6)),
        units,
        [site],
        devices or [a_device()],
        [ProbeInfo(BOX, ProbeId(one), Source.HAND, None, None) for one in by_hand]
        + [
            ProbeInfo(BOX, ProbeId(one), Source.PROBE, MONITOR, None)
            for one in aerators
        ],
        out_of_service,
        limits_set={"ao-3": limits_set} if limits_set else {},
    )


def oxygen(
    *values: float | None,
    probe: str = "top",
    start_ms: int = T0,
    every_ms: int = 5 * MINUTE,
    device: DeviceId = BOX,
    channel: Channel = OXYGEN,
) -> list[Reading]:
    """Return readings, five minutes apart."""
    return [
        Reading(device, ProbeId(probe), channel, start_ms + n * every_ms, value)
        for n, value in enumerate(values)
    ]


def a_fault(cause: str, end_ms: int, *, began_ms: int = T0, beside: str = "") -> Fault:
    """Return an episode of the probe ``top``: what is wrong with its oxygen."""
    return Fault(
        id="fault", device=BOX, probe="top", channel=OXYGEN, kind=Kind.SENSOR,
        cause=cause, start_ms=began_ms, end_ms=end_ms, probability=0.9,
        channels=[OXYGEN], beside=beside,
    )  # fmt: skip


class Story:
    """A watch, and all that came of what it was fed: as the registry would have it."""

    def __init__(self, where: Places | None = None) -> None:
        self.places = where or places()
        self.watch = Watch({}, ())
        self.alarms: dict[str, Alarm] = {}
        self.steps: list[AlarmStep] = []
        self.calls: list[tuple[str, str, int]] = []

    def take(self, readings: Sequence[Reading], *, lag_ms: int = 1000) -> "Story":
        """Feed readings in one pass, each recorded ``lag_ms`` after it was taken."""
        ordered = sorted(readings, key=lambda one: (one.taken_ms, one.probe))
        for reading in ordered:
            self.watch.take([reading], reading.taken_ms + lag_ms, self.places)
        return self.settle()

    def tick(self, now_ms: int, *, is_up_to_date: bool = True) -> "Story":
        """Let time pass."""
        self.watch.tick(now_ms, 0, self.places, is_up_to_date=is_up_to_date)
        return self.settle()

    def settle(self) -> "Story":
        """Keep what changed, as one transaction would."""
        changes: Changes = self.watch.taken()
        self.alarms.update(changes.alarms)
        self.steps += changes.steps
        self.calls += [(one.id, kind, at_ms) for one, kind, at_ms in changes.calls]
        return self

    def restart(self) -> "Story":
        """Go on from what is kept, as after a kill."""
        devices = {
            name: msgspec.json.decode(msgspec.json.encode(one), type=Watched)
            for name, one in self.watch.devices.items()
        }
        past = [one for one in self.alarms.values() if one not in self.open]
        self.watch = Watch(devices, self.open, past)
        return self

    @property
    def open(self) -> list[Alarm]:
        """The alarms that are not cleared."""
        return [
            one for one in self.alarms.values() if one.state is not AlarmState.CLEARED
        ]

    @property
    def kinds(self) -> list[str]:
        """The kinds of all steps, in order."""
        return [step.kind for step in self.steps]

    @property
    def only(self) -> Alarm:
        """The one alarm there is."""
        (alarm,) = self.alarms.values()
        return alarm
