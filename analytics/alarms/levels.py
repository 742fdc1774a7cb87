"""Limits and rules at the probes of a unit: one alarm a channel and side. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from analytics.alarms.found import (
    Found,
    contradicting,
    detail_of,
    gravest,
    limit_of,
    new_alarm,
    own_detail,
    rule_of,
)
from analytics.alarms.latches import halted
from analytics.alarms.signals import (
    ALARMING,
    Level,
    change_checks,
    level_checks,
    levels_of,
    slotted,
    tried,
)
from analytics.alarms.standing import Standing
from analytics.alarms.tracked import (
    Tracked,
    Watched,
    is_news,
    remembered,
    trend_per_h,
)
from analytics.places import Place, Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.reference.alarm_rules import (
    RULES,
    ChangeKind,
    ChangeRule,
    change_rules,
)
from greenwater.reference.limits import Severity, SpeciesLimits, timing
from greenwater.reference.own_limits import OwnLimits, laid_over
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.telemetry.ports import Series

LimitsOf = Callable[[str | None, Channel], SpeciesLimits | None]


class Levels:
    """What the probes in the units say, and the alarms about it."""

    def __init__(
        self,
        devices: Mapping[DeviceId, Watched],
        standing: Standing,
        limits_of: LimitsOf,
    ) -> None:
        self._devices, self._standing = devices, standing
        self._limits_of = limits_of
        self._asked: dict[
            tuple[str | None, tuple[OwnLimits, ...], Channel],
            tuple[Sequence[Level], Sequence[ChangeRule]],
        ] = {}
        self._units: dict[tuple[str, Channel], set[tuple[DeviceId, str]]] = {}
        for device, watched in devices.items():
            for key, tracked in watched.tracked.items():
                self._index(device, key, tracked.unit)

    def _index(self, device: DeviceId, key: str, unit: str) -> None:
        channel = Channel(key.partition("/")[2])
        self._units.setdefault((unit, channel), set()).add((device, key))

    def measure(
        self,
        reading: Reading,
        place: Place,
        places: Places,
        recorded_ms: int,
        *,
        is_late: bool,
    ) -> None:
        """Take in a reading; bring the alarms about its channel and unit up to date."""
        levels, rules = self._known(place, reading.channel)
        if not levels and not rules:
            return
        tracked = self._track(reading, place, recorded_ms, keeps_day=bool(rules))
        if tracked is None:
            return
        checks = list(level_checks(levels, tracked.value))
        if rules:
            others = [one for _, _, one in self.at(tracked.unit, reading.channel)]
            checks += change_checks(rules, tracked, others)
        for side in sorted(tried(tracked, checks)):
            self._judge(reading, place, side, places, is_late=is_late)

    def _known(
        self, place: Place, channel: Channel
    ) -> tuple[Sequence[Level], Sequence[ChangeRule]]:
        """Return what is asked of a channel at a place; worked out once."""
        key = (place.species, place.own, channel)
        known = self._asked.get(key)
        if known is None:
            levels = levels_of(channel, self._limits(place, channel))
            known = levels, change_rules(place.species, channel)
            self._asked[key] = known
        return known

    def _limits(self, place: Place, channel: Channel) -> SpeciesLimits | None:
        """Return a place's own limits of a channel over those of its species."""
        reference = self._limits_of(place.species, channel)
        return laid_over(reference, place.own, place.species, channel)

    def at(
        self, unit: str, channel: Channel
    ) -> Iterable[tuple[DeviceId, str, Tracked]]:
        """Yield what is known of a channel in a unit: device, ``probe/channel``, record.

        In one order, so that a pass done again by another process comes to the same end.
        """
        for device, key in sorted(self._units.get((unit, channel), ())):
            tracked = self._devices[device].tracked[key]
            if tracked.unit == unit:
                yield device, key, tracked

    def _track(
        self, reading: Reading, place: Place, recorded_ms: int, *, keeps_day: bool
    ) -> Tracked | None:
        """Return the channel's record brought up to date; None for old news."""
        watched = self._devices[reading.device]
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
        if keeps_day:
            tracked.slots = slotted(tracked.slots, reading.taken_ms, value)
        return tracked

    def _judge(
        self,
        reading: Reading,
        place: Place,
        side: str,
        places: Places,
        *,
        is_late: bool,
    ) -> None:
        """Bring the alarm about one channel and side of one unit up to date."""
        unit, channel, at_ms = str(place.unit), reading.channel, reading.taken_ms
        condition = f"limit/{unit}/{channel}/{side}"
        among = self._on(unit, channel, side)
        if not among:
            alarm = self._standing.get(condition)
            if alarm is not None and alarm.is_active and alarm.kind != "forecast":
                self._standing.over(alarm, at_ms)
            return
        found = gravest(
            one
            for one in among
            if places.out_of_service(at_ms, unit, one.device, one.probe) is None
        )
        if found is None:
            return  # it stands as it is, or is raised when the maintenance is over
        alarm = self._standing.renewed(condition, at_ms)
        if alarm is not None:
            known = self._told_of(alarm, found, place)
            self._standing.go_on(known, found.severity, at_ms, is_late=is_late)
            return
        new = new_alarm(condition, place, reading, side, found, is_late=is_late)
        self._standing.begin(self._told_of(new, found, place), is_late=is_late)

    def _on(self, unit: str, channel: Channel, side: str) -> list[Found]:
        """Return the latches of one side that are on at the unit's probes."""
        found = []
        records = list(self.at(unit, channel))
        for device, key, tracked in records:
            on = [
                (severity, name)
                for name, latch in tracked.latches.items()
                if latch.is_on and name.startswith(f"{side}/")
                for severity in ALARMING
                if name.split("/")[1] == severity
            ]
            if not on:
                continue
            # At one severity the level tells more than the rule: its name is shorter.
            severity, name = max(on, key=lambda one: (one[0].rank, -len(one[1])))
            against = contradicting(side, tracked, [one for _, _, one in records])
            if against is None:
                found.append(Found(severity, device, key, name, tracked))
            elif not self._is_at_fault(device, key):
                # On its way back it may agree already: that is no second opinion.
                apart = 2 * timing(channel, Severity.WARN).hysteresis
                is_apart = (
                    side == "swing" or abs(against.value - tracked.value) >= apart
                )
                other = against if is_apart else None
                found.append(Found(Severity.WARN, device, key, name, tracked, other))
        return found

    def _is_at_fault(self, device: DeviceId, key: str) -> bool:
        """Return whether an episode stands that says the probe itself is wrong."""
        alarm = self._standing.get(f"episode/{device}/{key}")
        if alarm is not None and alarm.is_active and alarm.detail.get("is_sensor"):
            return True
        return (device, key.partition("/")[0]) in self._standing.lifted()

    def _told_of(self, alarm: Alarm, found: Found, place: Place) -> Alarm:
        """Return the alarm with what its worst probe says now."""
        tracked = found.tracked
        channel = Channel(found.key.partition("/")[2])
        limits = self._limits(place, channel)
        rule = rule_of(found, place)
        value = tracked.signals.get(found.name, tracked.value)
        if rule is not None and rule.kind is not ChangeKind.SWING:
            value = tracked.value
        choose = min if alarm.side == "low" else max
        slope = trend_per_h(tracked.past)
        is_real = alarm.kind != "forecast"
        worst = alarm.worst if is_real else None
        return replace(
            alarm,
            device=found.device,
            probe=found.probe,
            depth_m=tracked.depth_m,
            taken_ms=tracked.taken_ms,
            value=value,
            worst=value if worst is None else choose(worst, value),
            limit=limit_of(found, rule, limits),
            trend_per_h=None if slope is None else round(slope, 4),
            detail=detail_of(found, rule, limits)
            | self._own(found, rule, place, channel),
        )

    def _own(
        self, found: Found, rule: ChangeRule | None, place: Place, channel: Channel
    ) -> dict[str, Any]:
        """Return who set the level that was left, if it is the unit's own."""
        if rule is not None:
            return {}
        side, severity = found.name.split("/")[:2]
        reference = self._limits_of(place.species, channel)
        return own_detail(place, reference, channel, Severity(severity), side)

    def holders(self, alarm: Alarm) -> set[DeviceId]:
        """Return the devices whose probes hold a limit's alarm."""
        if alarm.unit is None or alarm.channel is None:
            return set()
        found = self._on(alarm.unit, Channel(alarm.channel), alarm.side or "")
        return {one.device for one in found}

    def is_held(self, alarm: Alarm, at_ms: int, places: Places) -> bool:
        """Return whether something can still say that an alarm's condition is over."""
        if alarm.unit is None or alarm.channel is None:
            return True
        channel = Channel(alarm.channel)
        return any(
            _holds(tracked, alarm)
            and (place := places.at(_series(device, key), at_ms)) is not None
            and place.unit == alarm.unit
            and (
                self._limits(place, channel) is not None
                or bool(change_rules(place.species, channel))
            )
            for device, key, tracked in self.at(alarm.unit, channel)
        )

    def newest(self, unit: str, channel: Channel) -> Tracked | None:
        """Return the lowest of a unit's values of a channel that are fresh."""
        records = [one for _, _, one in self.at(unit, channel)]
        newest_ms = max((one.taken_ms for one in records), default=0)
        fresh_ms = newest_ms - RULES.neighbour.fresh_s * 1000
        fresh = [one for one in records if one.taken_ms >= fresh_ms]
        return min(fresh, key=lambda one: one.value, default=None)


def _series(device: DeviceId, key: str) -> Series:
    return Series(device, ProbeId(key.partition("/")[0]))


def _holds(tracked: Tracked, alarm: Alarm) -> bool:
    return any(
        latch.is_on and name.startswith(f"{alarm.side}/")
        for name, latch in tracked.latches.items()
    )
