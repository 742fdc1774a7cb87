"""Units whose oxygen is not known any more though their boxes are heard. Pure.

A probe that answers badly, or not at all, while its box goes on with the others is no silence
of the box, and as grave at night: oxygen may be falling and nobody sees it. So is one that
hangs out of the water, whose oxygen is the air's, and always well. The same of salinity where
a fall of it is critical: lobster in a flood.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.levels import Levels
from analytics.alarms.silence import SILENT_INTERVALS, is_grave, silent_after
from analytics.alarms.standing import Standing
from analytics.alarms.tracked import Tracked, Watched, trend_per_h
from analytics.places import Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Source
from greenwater.reference.alarm_rules import RULES, about, change_rules
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState
from greenwater.storage.telemetry.ports import Series

KIND: Final = "blind"
CHANNELS: Final = (Channel.DISSOLVED_OXYGEN, Channel.SALINITY)
FALLING_PSU_PER_H: Final = 0.5
"""A fall from which on salinity that is not known any more is critical, by day too."""


class _Record(NamedTuple):
    """What an oxygen probe of a unit said last."""

    device: DeviceId
    probe: ProbeId
    tracked: Tracked
    lifted_ms: int | None = None

    @property
    def known_ms(self) -> int:
        """Until when it told of the water. What is low is not the air's: it is believed."""
        newest_ms = self.tracked.taken_ms
        is_low = any(one.is_on for one in self.tracked.latches.values())
        if self.lifted_ms is None or is_low:
            return newest_ms
        return min(newest_ms, self.lifted_ms)

    def due_ms(self, patience_ms: int) -> int | None:
        """Return when it counts as saying nothing; None: its interval is not known."""
        past = self.tracked.past
        if len(past) < 2:
            return None
        step_ms = max(b - a for (a, _), (b, _) in pairwise(past))
        least_ms = round(RULES.silence.unknown_s * 1000)
        wait_ms = max(SILENT_INTERVALS * step_ms, least_ms, patience_ms)
        return self.known_ms + wait_ms

    def of_water(self) -> "_Record":
        """Return it as it was when it told of the water last."""
        at_ms, tracked = self.known_ms, self.tracked
        if at_ms == tracked.taken_ms:
            return self
        past = [one for one in tracked.past if one[0] < at_ms]
        value = past[-1][1] if past else tracked.value
        return self._replace(
            tracked=replace(tracked, taken_ms=at_ms, value=value, past=past)
        )


def watched_for(
    standing: Standing,
    devices: Mapping[DeviceId, Watched],
    levels: Levels,
    places: Places,
    now_ms: int,
    patience_ms: int,
) -> None:
    """Raise, regrade and end the alarms about units whose oxygen nobody measures."""
    lifted = standing.lifted()
    for unit, channel in sorted(_asked(standing, devices, now_ms)):
        records = [
            one._replace(lifted_ms=lifted.get((one.device, one.probe)))
            for one in _measuring(levels, places, unit, channel, now_ms)
        ]
        due = [one.due_ms(patience_ms) for one in records]
        alarm = standing.get(f"{KIND}/{unit}/{channel}")
        records = [one.of_water() for one in records]
        is_dark = bool(due) and all(ms is not None and ms <= now_ms for ms in due)
        if not is_dark:
            if alarm is not None and alarm.is_active:
                standing.over(alarm, _newest_ms(records, now_ms))
        elif alarm is not None and alarm.is_active:
            _regrade(standing, alarm, records, now_ms)
        elif any(
            _is_heard(devices[one.device], now_ms, patience_ms) for one in records
        ):
            since_ms = max(ms for ms in due if ms is not None)
            _begin(standing, unit, channel, records, places, since_ms)


def _asked(
    standing: Standing, devices: Mapping[DeviceId, Watched], now_ms: int
) -> set[tuple[str, Channel]]:
    """Return the units and channels that may be dark, or have an alarm that says so."""
    old_ms = now_ms - round(RULES.silence.unknown_s * 1000)
    silent = {
        (tracked.unit, channel)
        for watched in devices.values()
        for key, tracked in watched.tracked.items()
        if tracked.taken_ms <= old_ms
        for channel in CHANNELS
        if key.endswith(f"/{channel}")
    }
    told = {
        (one.unit, Channel(one.channel))
        for one in standing
        if one.kind == KIND and one.unit and one.channel
    }
    lifted = standing.lifted()
    in_air = {
        (one.unit, channel)
        for one in standing
        if (one.device, one.probe) in lifted and one.unit
        for channel in CHANNELS
    }
    return silent | told | in_air


def _measuring(
    levels: Levels, places: Places, unit: str, channel: Channel, now_ms: int
) -> list[_Record]:
    """Return what measures a channel in a unit now by itself, where it is missed."""
    found = []
    for device, key, tracked in levels.at(unit, channel):
        probe = ProbeId(key.partition("/")[0])
        series = Series(device, probe)
        place = places.at(series, now_ms)
        is_there = (
            place is not None
            and place.unit == unit
            and _is_missed(place.species, channel)
        )
        is_served = places.out_of_service(now_ms, unit, device, probe) is not None
        if is_there and not is_served and places.source_of(series) is Source.PROBE:
            found.append(_Record(device, probe, tracked))
    return found


def _is_missed(species: str | None, channel: Channel) -> bool:
    """Return whether a channel may kill within hours where a species lives."""
    return channel is Channel.DISSOLVED_OXYGEN or any(
        rule.severity is Severity.CRITICAL for rule in change_rules(species, channel)
    )


def _is_heard(watched: Watched, now_ms: int, patience_ms: int) -> bool:
    """Return whether a box itself says something: else it is the silence of the box."""
    silent_ms = silent_after(watched)
    if watched.is_silent or silent_ms is None:
        return False
    return now_ms < max(silent_ms, watched.newest_ms + patience_ms)


def _newest_ms(records: list[_Record], now_ms: int) -> int:
    return max((one.tracked.taken_ms for one in records), default=now_ms)


def _begin(
    standing: Standing,
    unit: str,
    channel: Channel,
    records: list[_Record],
    places: Places,
    at_ms: int,
) -> None:
    last = max(records, key=lambda one: (one.tracked.taken_ms, -one.tracked.value))
    place = places.at(Series(last.device, last.probe), at_ms)
    if place is None:
        return
    condition, tracked = f"{KIND}/{unit}/{channel}", last.tracked
    slope = trend_per_h(tracked.past)
    made = Alarm(
        id=life.alarm_id(condition, tracked.taken_ms),
        organisation=place.organisation,
        condition=condition,
        kind=KIND,
        severity=_severity(standing, unit, channel, records, at_ms),
        state=AlarmState.RAISED,
        began_ms=tracked.taken_ms,
        raised_ms=at_ms,
        site=place.site,
        unit=unit,
        device=last.device,
        probe=last.probe,
        channel=channel,
        depth_m=tracked.depth_m,
        taken_ms=tracked.taken_ms,
        value=tracked.value,
        trend_per_h=None if slope is None else round(slope, 4),
        is_simulated=place.is_simulated,
        detail=about(RULES.silence),
    )
    standing.anew(standing.renewed(condition, at_ms), made, at_ms)


def _regrade(
    standing: Standing, alarm: Alarm, records: list[_Record], now_ms: int
) -> None:
    """Make it critical once night has come, or hours have passed."""
    if alarm.severity == Severity.CRITICAL:
        return
    unit, channel = str(alarm.unit), Channel(str(alarm.channel))
    if _severity(standing, unit, channel, records, now_ms) is Severity.CRITICAL:
        standing.go_on(alarm, Severity.CRITICAL, now_ms, is_late=False)


def _severity(
    standing: Standing,
    unit: str,
    channel: Channel,
    records: list[_Record],
    now_ms: int,
) -> Severity:
    low = standing.get(f"limit/{unit}/{channel}/low")
    was_critical = (
        low is not None and low.is_active and low.severity == Severity.CRITICAL
    )
    tracked = [one.tracked for one in records]
    if channel is Channel.DISSOLVED_OXYGEN:
        is_bad = is_grave(tracked, now_ms)
    else:
        is_bad = any(
            (trend_per_h(one.past) or 0.0) <= -FALLING_PSU_PER_H
            or any(latch.is_on for latch in one.latches.values())
            for one in tracked
        )
    return Severity.CRITICAL if was_critical or is_bad else Severity.WARN
