"""Boxes that say nothing: when that counts, how grave it is, what is one silence. Pure.

Several boxes of a site that fall silent together are one alarm: the site is not heard of.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.standing import Standing
from analytics.alarms.tracked import Tracked, Watched, trend_per_h
from analytics.places import Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.reading import HOUR_MS, MINUTE_MS, instant
from greenwater.reference.alarm_rules import RULES, about, is_between_hours
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState

SILENT_MS: Final = 10 * MINUTE_MS
"""The shortest silence worth an alarm, however often a box reports."""

SILENT_INTERVALS: Final = 3
MISSING_INTERVALS: Final = 2
"""A box that has missed so many of its intervals goes with one that is silent."""

FALLING_PER_H: Final = 0.1
"""mg/L an hour from which on oxygen counts as falling."""

Devices = Mapping[DeviceId, Watched]


def silent_after(
    watched: Watched, intervals: int = SILENT_INTERVALS, least_ms: int = SILENT_MS
) -> int | None:
    """Return when a device that says nothing more counts as silent.

    After three of its intervals, as the widest of its newest ones tells them; None for
    one that has measured once only, whose interval nobody knows.
    """
    if len(watched.rounds) < 2:
        return None
    step_ms = max(b - a for a, b in pairwise(watched.rounds))
    return watched.newest_ms + max(intervals * step_ms, least_ms)


def is_expected(
    device: DeviceId, at_ms: int, places: Places, *, serviced: bool = False
) -> bool:
    """Return whether a device should be heard of at an instant.

    At sea silence is normal; what hangs nowhere measures nothing; people measure when
    they like; what is out of service may be switched off (but with ``serviced``).
    """
    info = places.devices.get(device)
    if info is None or info.site is None or info.state is not DeviceState.ACTIVE:
        return False
    return any(
        serviced or places.out_of_service(at_ms, unit, device, None) is None
        for unit in places.units_of(device, at_ms)
    )


class _Silent(NamedTuple):
    since_ms: int
    device: DeviceId
    watched: Watched


def noticed(
    standing: Standing,
    devices: Devices,
    places: Places,
    now_ms: int,
    patience_ms: int,
) -> None:
    """Raise the alarms about devices that have become silent."""
    for one in sorted(_overdue(standing, devices, places, now_ms, patience_ms)):
        if not one.watched.is_silent:
            _fallen_silent(standing, devices, places, one, now_ms)


def _overdue(
    standing: Standing,
    devices: Devices,
    places: Places,
    now_ms: int,
    patience_ms: int,
) -> Iterable[_Silent]:
    for device, watched in devices.items():
        if watched.is_silent and not _is_uncovered(standing, device, places, now_ms):
            continue
        silent_ms = silent_after(watched)
        if silent_ms is None:
            continue
        due_ms = max(silent_ms, watched.newest_ms + patience_ms)
        if now_ms < due_ms or not is_expected(device, silent_ms, places, serviced=True):
            continue
        if is_expected(device, now_ms, places):
            watched.is_silent = False  # until it is found below
            was_expected = is_expected(device, silent_ms, places)
            yield _Silent(silent_ms if was_expected else now_ms, device, watched)


def _is_uncovered(
    standing: Standing, device: DeviceId, places: Places, now_ms: int
) -> bool:
    """Return whether no alarm tells of a silent device: the others are heard again."""
    info = places.devices.get(device)
    own = standing.get(f"silence/{device}")
    of_site = standing.get(f"site_silence/{info.site}" if info else "")
    if (own is not None and own.is_active) or info is None:
        return False
    if of_site is None:
        return True
    heard_ms = of_site.returned_ms
    return heard_ms is not None and now_ms >= heard_ms + SILENT_MS


def _fallen_silent(
    standing: Standing, devices: Devices, places: Places, one: _Silent, now_ms: int
) -> None:
    group = _together(devices, places, one, now_ms)
    for device in group:
        devices[device].is_silent = True
        standing.changes.devices.add(device)
    site = places.devices[one.device].site
    if len(group) > 1 and site is not None:
        condition = f"site_silence/{site}"
    else:
        group, condition = [one.device], f"silence/{one.device}"
    at_ms = one.since_ms
    alarm = standing.renewed(condition, at_ms)
    if alarm is not None and alarm.is_active:
        _joined(standing, alarm, group, places, at_ms)
        return
    made = _new(condition, group, devices, places, at_ms)
    severity = _severity(standing, made, devices, at_ms)
    standing.anew(alarm, replace(made, severity=severity), at_ms)


def _together(
    devices: Devices, places: Places, one: _Silent, now_ms: int
) -> list[DeviceId]:
    """Return the devices of a site that fell silent with this one, itself included."""
    site = places.devices[one.device].site
    apart_ms = RULES.silence.together_s * 1000
    found = [one.device]
    for device in places.devices_of(site or ""):
        watched = devices.get(device)
        if watched is None or device == one.device:
            continue
        missing_ms = silent_after(watched, MISSING_INTERVALS, SILENT_MS // 2)
        is_missing = watched.is_silent or (
            missing_ms is not None and now_ms >= missing_ms
        )
        is_close = abs(watched.newest_ms - one.watched.newest_ms) <= apart_ms
        if is_missing and is_close and is_expected(device, now_ms, places):
            found.append(device)
    return sorted(found)


def _joined(
    standing: Standing,
    alarm: Alarm,
    group: list[DeviceId],
    places: Places,
    at_ms: int,
) -> None:
    """Note further devices in a site's alarm; nobody is told again."""
    silent = sorted({*alarm.detail.get("devices", ()), *group})
    units = sorted(
        {unit for device in silent for unit in places.units_of(DeviceId(device), at_ms)}
    )
    detail = {**alarm.detail, "devices": silent, "units": units}
    standing.keep(life.Moved(replace(alarm, detail=detail)))


def _new(
    condition: str,
    group: list[DeviceId],
    devices: Devices,
    places: Places,
    at_ms: int,
) -> Alarm:
    info = places.devices[group[0]]
    newest_ms = min(devices[device].newest_ms for device in group)
    units = sorted(
        {unit for device in group for unit in places.units_of(device, at_ms)}
    )
    is_site = condition.startswith("site_")
    alarm = Alarm(
        id=life.alarm_id(condition, newest_ms),
        organisation=info.organisation,
        condition=condition,
        kind="site_silence" if is_site else "silence",
        severity=Severity.WARN,
        state=AlarmState.RAISED,
        began_ms=newest_ms,
        raised_ms=at_ms,
        site=info.site,
        unit=None if is_site else units[0],
        device=None if is_site else group[0],
        is_simulated=info.is_simulated,
        detail={
            **about(RULES.silence),
            "units": units,
            "devices": list(group),
            "place": places.site_name(info.site or ""),
        },
    )
    return last_known(alarm, [devices[device] for device in group])


def last_known(alarm: Alarm, silent: Iterable[Watched]) -> Alarm:
    """Return a silence alarm with the oxygen that was known last, if any."""
    lowest = min(_oxygen(silent), key=lambda one: one.value, default=None)
    if lowest is None:
        return alarm
    slope = trend_per_h(lowest.past)
    return replace(
        alarm,
        channel=Channel.DISSOLVED_OXYGEN,
        value=lowest.value,
        taken_ms=lowest.taken_ms,
        depth_m=lowest.depth_m,
        trend_per_h=None if slope is None else round(slope, 4),
    )


def _oxygen(silent: Iterable[Watched]) -> Iterable[Tracked]:
    return (
        tracked
        for watched in silent
        for key, tracked in watched.tracked.items()
        if key.endswith(f"/{Channel.DISSOLVED_OXYGEN}")
    )


def regraded(standing: Standing, devices: Devices, now_ms: int) -> None:
    """Make silences that have grown grave critical: night has come, hours have passed."""
    for alarm in standing:
        if alarm.kind not in ("silence", "site_silence") or not alarm.is_active:
            continue
        if alarm.severity == Severity.CRITICAL:
            continue
        if _severity(standing, alarm, devices, now_ms) is Severity.CRITICAL:
            standing.go_on(alarm, Severity.CRITICAL, now_ms, is_late=False)


def _severity(
    standing: Standing, alarm: Alarm, devices: Devices, now_ms: int
) -> Severity:
    """Return how grave a silence is: by the hour, and by what was known last."""
    silent = [
        devices[DeviceId(one)]
        for one in alarm.detail.get("devices", ())
        if one in devices
    ]
    if _was_critical(standing, alarm) or is_grave(_oxygen(silent), now_ms):
        return Severity.CRITICAL
    return Severity.WARN


def is_grave(oxygen: Iterable[Tracked], now_ms: int) -> bool:
    """Return whether it is night, and oxygen that is not known now was bad or falling."""
    rule = RULES.silence
    if not is_between_hours(hour_of(now_ms), rule.night_from_h, rule.night_to_h):
        return False
    return any(
        (trend_per_h(one.past) or 0.0) <= -FALLING_PER_H
        or any(latch.is_on for latch in one.latches.values())
        or now_ms - one.taken_ms >= rule.stale_h * HOUR_MS
        for one in oxygen
    )


def _was_critical(standing: Standing, alarm: Alarm) -> bool:
    """Return whether something critical stands that the silence hides."""
    silent = set(alarm.detail.get("devices", ()))
    return any(
        one.is_active
        and one.kind in ("limit", "aerator")
        and one.severity == Severity.CRITICAL
        and one.device in silent
        for one in standing
    )


def hour_of(ms: int) -> float:
    """Return the hour of the day in Vietnam, with its fraction."""
    at = instant(ms).astimezone(VIETNAM)
    return at.hour + at.minute / 60
