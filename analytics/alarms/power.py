"""Mains and batteries: a site without mains, a box that lives on its battery. Pure."""

from typing import Final

from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.latches import OFF, moved
from analytics.alarms.standing import Standing
from analytics.alarms.tracked import Power, Watched, is_news
from analytics.places import Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading
from greenwater.reference.alarm_rules import RULES, BatteryRule, about, battery_rule
from greenwater.reference.limits import Severity, Timing
from greenwater.storage.registry.alarm_kinds import AlarmKind
from greenwater.storage.registry.alarms import Alarm, AlarmState

OPEN_BELOW: Final = 0.5
"""A mains contact below this is open: there is no mains."""

_MAINS: Final = Timing(
    RULES.power.mains_delay_s,
    0.0,
    RULES.power.mains_clear_s,
    RULES.power.mains_samples,
)


def fed(
    standing: Standing,
    devices: dict[DeviceId, Watched],
    reading: Reading,
    places: Places,
    recorded_ms: int,
    *,
    is_late: bool,
) -> None:
    """Take in a mains contact or a battery's voltage."""
    watched, info = devices[reading.device], places.devices.get(reading.device)
    if reading.value is None or info is None or info.site is None:
        return
    key = f"{reading.probe}/{reading.channel}"
    power = watched.power.get(key)
    if power is not None and not is_news(reading.taken_ms, power.taken_ms, recorded_ms):
        return
    power = power or Power(reading.taken_ms, reading.value)
    power.taken_ms, power.value = reading.taken_ms, reading.value
    watched.power[key] = power
    standing.changes.devices.add(reading.device)
    if reading.channel is Channel.CONTACT:
        _contact(standing, devices, reading, power, info.site, places, is_late=is_late)
    else:
        _battery(standing, reading, power, info.site, places, is_late=is_late)


def _contact(
    standing: Standing,
    devices: dict[DeviceId, Watched],
    reading: Reading,
    power: Power,
    site: str,
    places: Places,
    *,
    is_late: bool,
) -> None:
    before = power.latches.get("mains", OFF)
    latch = moved(before, reading.taken_ms, power.value, OPEN_BELOW, "low", _MAINS)
    power.latches["mains"] = latch
    condition = f"mains/{site}"
    alarm = standing.get(condition)
    if latch.is_on:
        detail = {**about(RULES.power), "place": places.site_name(site)}
        made = _alarm(condition, "mains", reading, site, places, Severity.CRITICAL)
        made = replace(made, began_ms=latch.began_ms, detail=detail)
        _holds(standing, made, is_late=is_late, is_new=not before.is_on, places=places)
    elif alarm is not None and alarm.is_active and not _is_lost(devices, site, places):
        standing.over(alarm, reading.taken_ms)


def _is_lost(devices: dict[DeviceId, Watched], site: str, places: Places) -> bool:
    """Return whether any contact of a site says that there is no mains."""
    return any(
        "mains" in power.latches and power.latches["mains"].is_on
        for device in places.devices_of(site)
        if device in devices
        for power in devices[device].power.values()
    )


def _battery(
    standing: Standing,
    reading: Reading,
    power: Power,
    site: str,
    places: Places,
    *,
    is_late: bool,
) -> None:
    rule = battery_rule(power.value)
    if rule is None:
        return
    for severity, limit in _levels(rule):
        latch = power.latches.get(severity, OFF)
        power.latches[severity] = moved(
            latch, reading.taken_ms, power.value, limit, "low", _timing(rule)
        )
    on = [(one, limit) for one, limit in _levels(rule) if power.latches[one].is_on]
    condition = f"battery/{reading.device}"
    alarm = standing.get(condition)
    if not on:
        if alarm is not None and alarm.is_active:
            standing.over(alarm, reading.taken_ms)
        return
    severity, limit = on[-1]
    made = _alarm(condition, "battery", reading, site, places, severity)
    detail = {**about(RULES.power), "place": places.devices[reading.device].name}
    made = replace(
        made,
        began_ms=power.latches[severity].began_ms,
        limit=limit,
        side="low",
        detail=detail,
    )
    _holds(standing, made, is_late=is_late, is_new=False, places=places)


def _levels(rule: BatteryRule) -> tuple[tuple[Severity, float], ...]:
    return (Severity.WARN, rule.warn), (Severity.CRITICAL, rule.critical)


def _timing(rule: BatteryRule) -> Timing:
    return Timing(
        RULES.power.battery_delay_s, rule.hysteresis, RULES.power.battery_clear_s
    )


def _alarm(
    condition: str,
    kind: AlarmKind,
    reading: Reading,
    site: str,
    places: Places,
    severity: Severity,
) -> Alarm:
    info = places.devices[reading.device]
    return Alarm(
        id="",
        organisation=info.organisation,
        condition=condition,
        kind=kind,
        severity=severity,
        state=AlarmState.RAISED,
        began_ms=reading.taken_ms,
        raised_ms=reading.taken_ms,
        site=site,
        device=reading.device,
        probe=reading.probe,
        channel=reading.channel,
        taken_ms=reading.taken_ms,
        value=reading.value,
        worst=reading.value,
        is_simulated=info.is_simulated,
    )


def _holds(
    standing: Standing, made: Alarm, *, is_late: bool, is_new: bool, places: Places
) -> None:
    """Raise an alarm, or go on with the one that stands."""
    at_ms = made.raised_ms
    out = places.out_of_service(at_ms, None, made.device, made.probe)
    alarm = standing.renewed(made.condition, at_ms)
    if alarm is None:
        if out is None:
            made = replace(
                made,
                id=life.alarm_id(made.condition, made.began_ms),
                is_late=is_late,
            )
            standing.begin(made, is_late=is_late)
        return
    if alarm.is_active and made.kind == "mains" and not is_new and not alarm.is_late:
        return  # nothing more to say until it is over
    values = [one for one in (alarm.worst, made.value) if one is not None]
    known = replace(
        alarm, value=made.value, taken_ms=made.taken_ms, worst=min(values),
        limit=made.limit,
    )  # fmt: skip
    standing.go_on(known, Severity(made.severity), at_ms, is_late=is_late)
