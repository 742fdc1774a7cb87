"""What analytics watches: readings in, changes of alarms out. Pure: no store, no clock.

What is known of a device is one small document (``Watched``), kept beside the cursor in
the same transaction, so that a restart in the middle of a delay, or of an alarm, goes on
as if nothing had happened. Within a series only readings newer than the newest one seen
move anything: what comes out of order is flagged, and is no news.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from analytics.alarms import life
from analytics.alarms.aerating import turned
from analytics.alarms.latches import OFF, halted, moved
from analytics.alarms.silence import is_expected, silenced, silent_after
from analytics.alarms.standing import Changes, Standing
from analytics.alarms.tracked import (
    Tracked,
    Watched,
    heard,
    is_news,
    measured,
    new_alarm,
    remembered,
)
from analytics.places import Place, Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.reference.limits import (
    Bounds,
    Severity,
    SpeciesLimits,
    species_limits,
    timing,
)
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.watching import Act
from greenwater.storage.telemetry.ports import Series

LATE_MS: Final = 30 * 60 * 1000
"""A reading recorded later than this after it was taken raises no live alarm.

Recorded is when ingest wrote its batch down, by the platform's clock: a fact of the
batch, so that the same batch is late however often it is looked at.
"""

ALARMING: Final = (Severity.WARN, Severity.CRITICAL)
_SIDES: Final = ("low", "high")


class Watch:
    """The devices and the open alarms of one worker."""

    def __init__(
        self, devices: Mapping[DeviceId, Watched], open_alarms: Iterable[Alarm]
    ) -> None:
        self.devices = dict(devices)
        self._standing = Standing(open_alarms)
        self._units: dict[tuple[str, Channel], set[tuple[DeviceId, str]]] = {}
        for device, watched in self.devices.items():
            for key, tracked in watched.tracked.items():
                self._index(device, key, tracked.unit)

    def taken(self) -> Changes:
        """Return what changed since this was asked last."""
        return self._standing.taken()

    def act(self, acts: Iterable[Act]) -> None:
        """Take over what people did."""
        self._standing.act(acts)

    def take(
        self, readings: Sequence[Reading], recorded_ms: int, places: Places
    ) -> None:
        """Take in readings of one device that can be believed, in order of time."""
        for reading in readings:
            if reading.value is None:
                continue
            series = Series(reading.device, reading.probe)
            place = places.at(series, reading.taken_ms)
            if place is None or place.unit is None:
                continue
            self._hear(reading, recorded_ms)
            if series in places.aerators and reading.channel is Channel.CURRENT:
                watched = self.devices[reading.device]
                turned(self._standing, watched, reading, place, recorded_ms)
            limits = species_limits(place.species, reading.channel)
            if limits is not None:
                self._measure(reading, place, limits, recorded_ms)

    def tick(
        self,
        now_ms: int,
        patience_ms: int,
        places: Places,
        *,
        is_up_to_date: bool = True,
    ) -> None:
        """Notice what does not happen.

        Silent boxes, while nothing they said is still to be read (``is_up_to_date``);
        ``patience_ms`` is the least silence that counts, whatever the intervals are.
        Alarms that nothing measures any more; latched ones nobody looks at.
        """
        for device, watched in self.devices.items() if is_up_to_date else ():
            silent_ms = None if watched.is_silent else silent_after(watched)
            if silent_ms is None:
                continue
            if now_ms >= max(silent_ms, watched.newest_ms + patience_ms):
                silenced(self._standing, device, watched, silent_ms, places)
        for alarm in self._standing:
            if alarm.is_active and not self._is_watched(alarm, now_ms, places):
                self._standing.over(alarm, now_ms)
                continue
            done = life.expired(alarm, now_ms)
            if done.step is not None:
                self._standing.keep(done)

    def _index(self, device: DeviceId, key: str, unit: str) -> None:
        channel = Channel(key.partition("/")[2])
        self._units.setdefault((unit, channel), set()).add((device, key))

    def _hear(self, reading: Reading, recorded_ms: int) -> None:
        watched = self.devices.setdefault(reading.device, Watched(tracked={}))
        if not is_news(reading.taken_ms, watched.newest_ms, recorded_ms):
            return
        watched.newest_ms = reading.taken_ms
        watched.rounds = heard(watched.rounds, reading.taken_ms)
        self._standing.changes.devices.add(reading.device)
        if watched.is_silent and not _is_late(reading, recorded_ms):
            watched.is_silent = False
            alarm = self._standing.get(f"silence/{reading.device}")
            if alarm is not None:
                self._standing.over(alarm, reading.taken_ms)

    def _measure(
        self, reading: Reading, place: Place, limits: SpeciesLimits, recorded_ms: int
    ) -> None:
        tracked = self._track(reading, place, recorded_ms)
        if tracked is None:
            return
        latches = {}
        for side, severity, limit in _levels(limits):
            name = f"{side}/{severity}"
            rule = timing(reading.channel, severity)
            latch = tracked.latches.get(name, OFF)
            latches[name] = moved(
                latch, reading.taken_ms, tracked.value, limit, side, rule
            )
        tracked.latches = latches  # a level that is known no more has no latch
        for side in _SIDES:
            self._judge(reading, place, side, limits, _is_late(reading, recorded_ms))

    def _track(
        self, reading: Reading, place: Place, recorded_ms: int
    ) -> Tracked | None:
        """Return the channel's record brought up to date; None for old news."""
        watched = self.devices[reading.device]
        key = f"{reading.probe}/{reading.channel}"
        tracked = watched.tracked.get(key)
        value, unit = reading.value, place.unit
        if value is None or unit is None:
            return None
        if tracked is not None:
            if not is_news(reading.taken_ms, tracked.taken_ms, recorded_ms):
                return None
            if tracked.unit != unit:
                former = self._units[tracked.unit, reading.channel]
                former.discard((reading.device, key))
                tracked = None
        if tracked is None:
            tracked = Tracked(unit, -1, value, place.depth_m, [], {})
            watched.tracked[key] = tracked
            self._index(reading.device, key, unit)
        if reading.taken_ms <= tracked.taken_ms:
            tracked.latches = {
                name: halted(latch) for name, latch in tracked.latches.items()
            }
        tracked.taken_ms, tracked.value = reading.taken_ms, value
        tracked.depth_m = place.depth_m
        tracked.past = remembered(tracked.past, reading.taken_ms, value)
        return tracked

    def _judge(
        self,
        reading: Reading,
        place: Place,
        side: str,
        limits: SpeciesLimits,
        is_late: bool,
    ) -> None:
        """Bring the alarm about one channel and side of one unit up to date."""
        condition = f"limit/{place.unit}/{reading.channel}/{side}"
        found = self._worst(str(place.unit), reading.channel, side)
        at_ms = reading.taken_ms
        if found is None:
            alarm = self._standing.get(condition)
            if alarm is not None and alarm.is_active:
                self._standing.over(alarm, at_ms)
            return
        alarm = self._standing.renewed(condition, at_ms)
        severity, device, key, tracked = found
        bounds = limits.bounds(severity) or Bounds()
        limit = bounds.low if side == "low" else bounds.high
        began_ms = tracked.latches[f"{side}/{severity}"].began_ms
        is_new = alarm is None
        if alarm is None:
            alarm = new_alarm(
                condition, place, reading, side, severity, began_ms, is_late
            )
        alarm = measured(alarm, device, key, tracked, limit, limits)
        if is_new:
            self._standing.apply(life.raised(alarm), at_ms, is_late=is_late)
            return
        self._standing.go_on(alarm, severity, at_ms, is_late=is_late)

    def _worst(
        self, unit: str, channel: Channel, side: str
    ) -> tuple[Severity, DeviceId, str, Tracked] | None:
        """Return the worst of the latches that are on at the unit's probes."""
        sign = 1 if side == "low" else -1
        found = [
            (severity, device, key, tracked)
            for device, key in self._units.get((unit, channel), ())
            if (tracked := self.devices[device].tracked[key]).unit == unit
            for severity in ALARMING
            if tracked.latches.get(f"{side}/{severity}", OFF).is_on
        ]
        return max(
            found,
            key=lambda one: (one[0].rank, -sign * one[3].value, one[1], one[2]),
            default=None,
        )

    def _is_watched(self, alarm: Alarm, now_ms: int, places: Places) -> bool:
        """Return whether something can still say that an alarm's condition is over."""
        at_ms = max(now_ms, alarm.taken_ms or 0)
        if alarm.kind == "silence" and alarm.device is not None:
            return is_expected(DeviceId(alarm.device), at_ms, places)
        if alarm.kind != "limit" or alarm.unit is None or alarm.channel is None:
            return True
        channel = Channel(alarm.channel)
        return any(
            _holds(self.devices[device].tracked[key], alarm)
            and (place := places.at(_series(device, key), at_ms)) is not None
            and place.unit == alarm.unit
            and species_limits(place.species, channel) is not None
            for device, key in self._units.get((alarm.unit, channel), ())
        )


def _is_late(reading: Reading, recorded_ms: int) -> bool:
    return recorded_ms - reading.taken_ms > LATE_MS


def _series(device: DeviceId, key: str) -> Series:
    return Series(device, ProbeId(key.partition("/")[0]))


def _holds(tracked: Tracked, alarm: Alarm) -> bool:
    return tracked.unit == alarm.unit and any(
        latch.is_on and name.startswith(f"{alarm.side}/")
        for name, latch in tracked.latches.items()
    )


def _levels(limits: SpeciesLimits) -> Iterable[tuple[str, Severity, float]]:
    for severity in ALARMING:
        bounds = limits.bounds(severity)
        if bounds is None:
            continue
        if bounds.low is not None:
            yield "low", severity, bounds.low
        if bounds.high is not None:
            yield "high", severity, bounds.high
