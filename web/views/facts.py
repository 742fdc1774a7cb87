"""What the two databases say now, asked once for a page."""

import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analytics.alarms.tracked import AHEAD_MS
from greenwater.derived.ammonia import Known
from greenwater.derived.compensating import (
    SALT_MS,
    WARM_MS,
    compensated,
    nearest,
    needs_salt,
    newest_water,
)
from greenwater.derived.following import following
from greenwater.kernel.channels import SPECS, Measurement
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source, milliseconds
from greenwater.storage.registry.devices import Deployed, DeviceInfo, LastStatus
from greenwater.storage.registry.places import RaftInfo, SiteInfo, UnitInfo, VesselInfo
from greenwater.storage.registry.probes import ProbeInfo
from greenwater.storage.telemetry.ports import Series
from web.ports import Services

KEPT_S: Final = 1.0


@dataclass(frozen=True)
class Hanging:
    """A probe where it hangs now, and its newest readings since it hangs there."""

    deployed: Deployed
    readings: tuple[Reading, ...]
    source: Source = Source.PROBE
    profile: str | None = None
    derived: tuple[Reading, ...] = ()
    """What follows from ``readings`` and the probe does not send (``following``)."""
    told_mg_l: float | None = None
    """The oxygen as the probe told it, where ``readings`` have it as the salt water does."""

    @property
    def newest_ms(self) -> int | None:
        """When it was last heard of."""
        return max((reading.taken_ms for reading in self.readings), default=None)


@dataclass(frozen=True)
class Facts:
    """A snapshot. ``units`` are those in use; ``closed`` ones keep their history.

    ``boxes`` are, by site or vessel, the probes that tell of the box alone (battery,
    supply, signal) and so hang nowhere; ``unplaced`` are those that ought to hang.
    """

    now_ms: int
    sites: Sequence[SiteInfo]
    rafts: Sequence[RaftInfo]
    units: Sequence[UnitInfo]
    vessels: Sequence[VesselInfo]
    devices: Mapping[DeviceId, DeviceInfo]
    statuses: Mapping[DeviceId, LastStatus]
    in_units: Mapping[str, Sequence[Hanging]]
    on_vessels: Mapping[str, Sequence[Hanging]]
    boxes: Mapping[str, Sequence[Hanging]]
    unplaced: Sequence[Hanging]
    closed: Sequence[UnitInfo] = ()


def gather(services: Services) -> Facts:
    """Ask both databases.

    Raises:
        UnavailableError: one of them did not answer.
    """
    now_ms = milliseconds(services.clock.now())
    seen = services.seen
    devices = {one.id: one for one in seen.list_devices()}
    deployed = seen.deployments(start_ms=now_ms, end_ms=now_ms + 1)
    probes = {Series(one.device, one.id): one for one in seen.list_probes()}
    voices = {one.device for one in probes.values() if one.source is Source.VOICE}
    latest = _latest(services, devices, voices, now_ms + AHEAD_MS)
    hanging = [_hanging(one, latest, probes) for one in deployed]
    in_units = _by(hanging, lambda one: one.unit)
    elsewhere = _unplaced(latest, deployed)
    boxes = [one for one in elsewhere if _tells_of_box(one)]
    units = seen.units()
    return Facts(
        now_ms,
        seen.sites(),
        seen.rafts(),
        [one for one in units if one.is_open],
        seen.vessels(),
        devices,
        seen.statuses(),
        {unit: worked_out(some) for unit, some in in_units.items()},
        _by(hanging, lambda one: one.vessel),
        _by(boxes, lambda one: devices[one.device].place),
        [one for one in elsewhere if not _tells_of_box(one)],
        [one for one in units if not one.is_open],
    )


def _tells_of_box(one: Hanging) -> bool:
    kinds = {SPECS[reading.channel].measurement for reading in one.readings}
    return kinds <= {Measurement.POWER}


def _latest(
    services: Services,
    devices: Iterable[DeviceId],
    voices: Container[DeviceId],
    before_ms: int,
) -> dict[Series, list[Reading]]:
    """Return what each probe read last. A clock far ahead stamps what would stand as
    the newest, and as fresh, for a day; alarms leave it out as well. A position told by
    voice (``voices``) that was taken back was never told."""
    found: dict[Series, list[Reading]] = {}
    for device in devices:
        told = services.telemetry.latest(device, before_ms)
        while device in voices and any(one.value is None for one in told):
            told = services.telemetry.latest(device, min(one.taken_ms for one in told))
        for reading in told:
            found.setdefault(Series(device, reading.probe), []).append(reading)
    return found


def _hanging(
    one: Deployed,
    latest: Mapping[Series, Sequence[Reading]],
    probes: Mapping[Series, ProbeInfo],
) -> Hanging:
    series = Series(one.device, one.probe)
    # What it read before it came here was read somewhere else.
    here = (r for r in latest.get(series, ()) if r.taken_ms >= one.from_ms)
    known = probes.get(series)
    if known is None:
        return Hanging(one, tuple(here))
    return Hanging(one, tuple(here), known.source, known.profile)


def worked_out(hanging: Sequence[Hanging]) -> Sequence[Hanging]:
    """Return a unit's probes with what follows from the readings of all of them.

    Oxygen is as its salt water has it (``compensating``), and beside what a probe sends
    stands what it does not (``following``).
    """
    water = newest_water(one for hung in hanging for one in hung.readings)
    return [
        replace(_salted(hung, *water), derived=tuple(following(hung.readings, *water)))
        for hung in hanging
    ]


def _salted(
    hung: Hanging, salinity: Known | None, temperature: Known | None
) -> Hanging:
    if not any(map(needs_salt, hung.readings)):
        return hung
    salt, warmth = newest_water(hung.readings)
    readings = [
        compensated(
            one,
            nearest(one.taken_ms, salt, salinity, SALT_MS),
            nearest(one.taken_ms, warmth, temperature, WARM_MS),
        )
        for one in hung.readings
    ]
    told = [
        was.value
        for was, now in zip(hung.readings, readings, strict=True)
        if was is not now
    ]
    return replace(hung, readings=tuple(readings), told_mg_l=told[0] if told else None)


def _by(
    hanging: Iterable[Hanging], place: Callable[[Deployed], str | None]
) -> dict[str, list[Hanging]]:
    found: dict[str, list[Hanging]] = {}
    for one in hanging:
        if (name := place(one.deployed)) is not None:
            found.setdefault(name, []).append(one)
    for some in found.values():
        some.sort(key=_depth_first)
    return found


def _depth_first(one: Hanging) -> tuple[float, str]:
    depth = one.deployed.depth_m
    return (float("inf") if depth is None else depth, one.deployed.probe)


def _unplaced(
    latest: Mapping[Series, Sequence[Reading]], deployed: Iterable[Deployed]
) -> list[Hanging]:
    placed = {Series(one.device, one.probe) for one in deployed}
    return [
        Hanging(_nowhere(series.device, series.probe), tuple(readings))
        for series, readings in sorted(latest.items())
        if series not in placed
    ]


def _nowhere(device: DeviceId, probe: ProbeId) -> Deployed:
    return Deployed(device, probe, None, None, None, 0, None)


Eyes = tuple[str | None, str | None]
"""Who looks: a person, or an organisation whose program asks."""


class _Look:
    """What one viewer sees; whoever asks for the same waits for who asked first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.facts: Facts | None = None
        self.until_s = 0.0


class Snapshots:
    """Facts, at most a second old: many open pages ask the databases once.

    Each viewer has facts of his own, and waits for nobody else's; those of viewers who
    have gone are given up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[Eyes, _Look] = {}
        self._tidy_s = 0.0

    def now(self, services: Services) -> Facts:
        """Return the facts as the viewer of ``services`` sees them.

        Raises:
            UnavailableError: a database did not answer.
        """
        look = self._look((services.viewer, services.organisation))
        with look.lock:
            if look.facts is None or time.monotonic() >= look.until_s:
                look.facts = gather(services)
                look.until_s = time.monotonic() + KEPT_S
            return look.facts

    def _look(self, eyes: Eyes) -> _Look:
        """Return a viewer's look, and give up those that are over, now and then."""
        with self._lock:
            now_s = time.monotonic()
            if now_s >= self._tidy_s:
                self._tidy_s = now_s + KEPT_S
                self._looks = {
                    one: look
                    for one, look in self._looks.items()
                    if look.lock.locked() or now_s < look.until_s
                }
            return self._looks.setdefault(eyes, _Look())

    def forget(self) -> None:
        """Ask the databases at the next look: something was added that must be seen."""
        with self._lock:
            self._looks.clear()
