"""What analytics watches: readings in, changes of alarms out. Pure: no store, no clock.

What is known of a device is one small document (``Watched``), kept beside the cursor in
the same transaction, so that a restart in the middle of a delay, or of an alarm, goes on
as if nothing had happened. Within a series only readings newer than the newest one seen
move anything: what comes late and out of order is flagged, and is no news.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from analytics import life
from analytics.latches import OFF, moved
from analytics.places import Place, Places
from analytics.tracked import (
    Tracked,
    Watched,
    heard,
    last_known,
    measured,
    remembered,
    silent_after,
)
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading
from greenwater.reference.limits import (
    Bounds,
    Severity,
    SpeciesLimits,
    species_limits,
    timing,
)
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.watching import Act
from greenwater.storage.telemetry.ports import Series

LATE_MS: Final = 30 * 60 * 1000
"""A reading that became known later than this raises no live alarm: it is history."""

ALARMING: Final = (Severity.WARN, Severity.CRITICAL)
LOUD: Final = frozenset({"raised", "again", "escalated", "live"})
"""The steps of an alarm that people are told of."""


class Changes(Struct):
    """What a pass changed: to be kept all together."""

    devices: set[DeviceId] = set()
    alarms: dict[str, Alarm] = {}
    steps: list[AlarmStep] = []
    calls: list[tuple[Alarm, str, int]] = []
    """Alarms about which people are to be told: alarm, step, when."""
    told: list[str] = []
    """Alarms about which nobody needs to be told any more."""


class Watch:
    """The devices and the open alarms of one worker."""

    def __init__(
        self, devices: Mapping[DeviceId, Watched], open_alarms: Iterable[Alarm]
    ) -> None:
        self.devices = dict(devices)
        self._open = {alarm.condition: alarm for alarm in open_alarms}
        self._units: dict[tuple[str, Channel], set[tuple[DeviceId, str]]] = {}
        for device, watched in self.devices.items():
            for key, tracked in watched.tracked.items():
                self._index(device, key, tracked.unit)
        self.changes = Changes()

    def taken(self) -> Changes:
        """Return what changed since this was asked last."""
        changes, self.changes = self.changes, Changes()
        return changes

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
            is_late = recorded_ms - reading.taken_ms > LATE_MS
            self._heard(reading, place, is_late)
            limits = species_limits(place.species, reading.channel)
            if limits is not None:
                self._measure(reading, place, limits, is_late)

    def act(self, acts: Iterable[Act]) -> None:
        """Take over what people did."""
        by_id = {alarm.id: alarm for alarm in self._open.values()}
        for act in acts:
            alarm = by_id.get(act.alarm)
            if alarm is not None and act.kind == "acknowledge":
                self._keep(life.acknowledged(alarm, act.person, act.at_ms))
                self.changes.told.append(alarm.id)
                by_id = {one.id: one for one in self._open.values()}

    def tick(self, now_ms: int, patience_ms: int, places: Places) -> None:
        """Notice what does not happen: silent boxes, latched alarms nobody looks at.

        ``patience_ms`` is the least silence that counts, whatever the intervals are.
        """
        for device, watched in self.devices.items():
            silent_ms = silent_after(watched.instants)
            if watched.is_silent or silent_ms is None:
                continue
            newest_ms = watched.instants[-1]
            if now_ms >= max(silent_ms, newest_ms + patience_ms):
                self._silenced(device, watched, silent_ms, places)
        for alarm in list(self._open.values()):
            done = life.expired(alarm, now_ms)
            if done.step is not None:
                self._keep(done)

    def _index(self, device: DeviceId, key: str, unit: str) -> None:
        channel = Channel(key.partition("/")[2])
        self._units.setdefault((unit, channel), set()).add((device, key))

    def _heard(self, reading: Reading, place: Place, is_late: bool) -> None:
        watched = self.devices.setdefault(
            reading.device, Watched(tracked={}, instants=[])
        )
        newest = watched.instants[-1] if watched.instants else -1
        if reading.taken_ms <= newest:
            return
        watched.instants = heard(watched.instants, reading.taken_ms)
        self.changes.devices.add(reading.device)
        if watched.is_silent and not is_late:
            watched.is_silent = False
            alarm = self._open.get(f"silence/{reading.device}")
            if alarm is not None:
                self._over(alarm, reading.taken_ms)

    def _measure(
        self, reading: Reading, place: Place, limits: SpeciesLimits, is_late: bool
    ) -> None:
        tracked = self._track(reading, place)
        if tracked is None:
            return
        for side, severity, limit in _levels(limits):
            name = f"{side}/{severity}"
            rule = timing(reading.channel, severity)
            latch = tracked.latches.get(name, OFF)
            tracked.latches[name] = moved(
                latch, reading.taken_ms, tracked.value, limit, side, rule
            )
        for side in ("low", "high"):
            self._judge(reading, place, side, limits, is_late)

    def _track(self, reading: Reading, place: Place) -> Tracked | None:
        """Return the channel's record brought up to date; None for old news."""
        watched = self.devices[reading.device]
        key = f"{reading.probe}/{reading.channel}"
        tracked = watched.tracked.get(key)
        value, unit = reading.value, place.unit
        if value is None or unit is None:
            return None
        if tracked is None or tracked.unit != unit:
            if tracked is not None:
                self._units[tracked.unit, reading.channel].discard(
                    (reading.device, key)
                )
            tracked = Tracked(unit, -1, value, place.depth_m, [], {})
            watched.tracked[key] = tracked
            self._index(reading.device, key, unit)
        if reading.taken_ms <= tracked.taken_ms:
            return None
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
        alarm = self._open.get(condition)
        found = self._worst(str(place.unit), reading.channel, side)
        at_ms = reading.taken_ms
        if found is None:
            if alarm is not None and alarm.is_active:
                self._over(alarm, at_ms)
            return
        severity, device, key, tracked = found
        bounds = limits.bounds(severity) or Bounds()
        limit = bounds.low if side == "low" else bounds.high
        began_ms = tracked.latches[f"{side}/{severity}"].began_ms
        is_new = alarm is None
        if alarm is None:
            alarm = _new(condition, place, reading, side, severity, began_ms, is_late)
        alarm = measured(alarm, device, key, tracked, limit, limits)
        if is_new:
            self._apply(life.raised(alarm), at_ms, is_late)
            return
        alarm = self._apply(life.again(alarm, at_ms), at_ms, is_late)
        alarm = self._apply(life.graded(alarm, severity, at_ms), at_ms, is_late)
        if not is_late:
            self._apply(life.made_live(alarm, at_ms), at_ms, is_late)

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

    def _silenced(
        self, device: DeviceId, watched: Watched, at_ms: int, places: Places
    ) -> None:
        info = places.devices.get(device)
        units = places.units_of(device, at_ms)
        if info is None or info.site is None or not units:
            return  # at sea silence is normal; what hangs nowhere measures nothing
        watched.is_silent = True
        self.changes.devices.add(device)
        condition, newest_ms = f"silence/{device}", watched.instants[-1]
        alarm = self._open.get(condition)
        if alarm is not None:
            self._apply(life.again(alarm, at_ms), at_ms, is_late=False)
            return
        alarm = Alarm(
            id=life.alarm_id(condition, newest_ms),
            organisation=info.organisation,
            condition=condition,
            kind="silence",
            severity=Severity.CRITICAL,
            state=AlarmState.RAISED,
            began_ms=newest_ms,
            raised_ms=at_ms,
            site=info.site,
            unit=units[0],
            device=device,
            is_simulated=info.is_simulated,
            detail={"units": list(units)},
        )
        alarm = last_known(alarm, watched)
        self._apply(life.raised(alarm), at_ms, is_late=False)

    def _over(self, alarm: Alarm, at_ms: int) -> None:
        self._keep(life.back_to_normal(alarm, at_ms))
        self.changes.told.append(alarm.id)

    def _keep(self, done: life.Moved) -> None:
        alarm, step = done
        if alarm.state is AlarmState.CLEARED:
            self._open.pop(alarm.condition, None)
        else:
            self._open[alarm.condition] = alarm
        self.changes.alarms[alarm.id] = alarm
        if step is not None:
            self.changes.steps.append(step)

    def _apply(self, done: life.Moved, at_ms: int, is_late: bool) -> Alarm:
        """Keep a move; people are told of what is loud and is not history."""
        self._keep(done)
        if done.step is not None and done.step.kind in LOUD and not is_late:
            self.changes.calls.append((done.alarm, done.step.kind, at_ms))
        return done.alarm


def _levels(limits: SpeciesLimits) -> Iterable[tuple[str, Severity, float]]:
    for severity in ALARMING:
        bounds = limits.bounds(severity)
        if bounds is None:
            continue
        if bounds.low is not None:
            yield "low", severity, bounds.low
        if bounds.high is not None:
            yield "high", severity, bounds.high


def _new(
    condition: str,
    place: Place,
    reading: Reading,
    side: str,
    severity: Severity,
    began_ms: int,
    is_late: bool,
) -> Alarm:
    return Alarm(
        id=life.alarm_id(condition, began_ms),
        organisation=place.organisation,
        condition=condition,
        kind="limit",
        severity=severity,
        state=AlarmState.RAISED,
        began_ms=began_ms,
        raised_ms=reading.taken_ms,
        site=place.site,
        unit=place.unit,
        channel=reading.channel,
        side=side,
        is_late=is_late,
        is_simulated=place.is_simulated,
    )
