"""What nobody is told of for now: shelved, out of service, explained by another alarm. Pure.

    a person puts it off     ──► shelved, until the instant he chose
    its subject is serviced  ──► out of service, until the end that was given
    its box says nothing     ──► suppressed, until the box is heard of
    oxygen is as low, or lower ──► suppressed (what follows from that: pH, redox)
    there is no mains        ──► suppressed (aerators that do not run), until there is

Nothing is forgotten: a quiet alarm is measured on, and what still holds at the end of it
is told then.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from analytics.alarms import life
from analytics.alarms.levels import Levels
from analytics.alarms.standing import Standing
from analytics.places import Places
from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarm_kinds import Hiding
from greenwater.storage.registry.alarms import Alarm

OF_DEVICE: Final = frozenset(
    {"limit", "aerator", "battery", "blind", "episode", "silence"}
)
"""Kinds of alarms that rest on what one device says."""


OF_OXYGEN: Final = frozenset({"ph/low", "ph/swing", "orp/low"})
"""What low oxygen does to the water beside, where plants breathe and die."""


class Hold(NamedTuple):
    """Why an alarm is hidden, by whom or what, and until when if that is known."""

    why: Hiding
    by: str
    until_ms: int | None = None


def held(standing: Standing, levels: Levels, places: Places, now_ms: int) -> None:
    """Hide what should be hidden now, show what should not, end what was put off."""
    for alarm in standing:
        until_ms = alarm.shelved_until_ms
        if until_ms is not None and now_ms >= until_ms:
            alarm = standing.apply(
                life.unshelved(alarm, until_ms), until_ms, is_late=False
            )
        hold = _hold(standing, levels, places, alarm, now_ms)
        if hold is not None and (alarm.hidden, alarm.hidden_by) != hold[:2]:
            standing.hide(alarm, *hold, now_ms)
        elif hold is None and alarm.hidden is not None:
            _show(standing, alarm, now_ms)


def _show(standing: Standing, alarm: Alarm, now_ms: int) -> None:
    """Show an alarm again; people are told unless its value is well already."""
    done = life.shown(alarm, now_ms)
    if _is_well(alarm):
        standing.keep(done)
    else:
        standing.apply(done, now_ms, is_late=alarm.is_late)


def _is_well(alarm: Alarm) -> bool:
    """Return whether the newest value is inside its limit: it is about to be over."""
    is_level = alarm.kind == "limit" and "rule" not in alarm.detail
    if not is_level or alarm.value is None or alarm.limit is None:
        return False
    if alarm.side == "low":
        return alarm.value >= alarm.limit
    return alarm.value <= alarm.limit


def _hold(
    standing: Standing, levels: Levels, places: Places, alarm: Alarm, now_ms: int
) -> Hold | None:
    out = places.out_of_service(now_ms, alarm.unit, alarm.device, alarm.probe)
    if out is not None:
        return Hold("out_of_service", out.person, out.until_ms)
    parent = _parent(standing, levels, alarm)
    return None if parent is None else Hold("suppressed", parent.id)


def _parent(standing: Standing, levels: Levels, alarm: Alarm) -> Alarm | None:
    """Return the active alarm that explains this one, if any."""
    for name in _explaining(alarm):
        parent = standing.get(name)
        if parent is None or not parent.is_active or parent.kind == "forecast":
            continue
        if parent.kind in ("silence", "site_silence"):
            if _rests_on(levels, alarm) <= set(parent.detail.get("devices", ())):
                return parent
        elif Severity(alarm.severity).rank <= Severity(parent.severity).rank:
            return parent
    return None


def _explaining(alarm: Alarm) -> Iterator[str]:
    """Yield the conditions that would explain an alarm."""
    if alarm.kind in OF_DEVICE:
        yield f"site_silence/{alarm.site}"
        if alarm.kind != "silence":
            yield f"silence/{alarm.device}"
    if alarm.kind == "aerator":
        yield f"mains/{alarm.site}"
    if alarm.kind in ("limit", "episode"):
        yield f"blind/{alarm.unit}/{alarm.channel}"
    if alarm.kind == "limit" and f"{alarm.channel}/{alarm.side}" in OF_OXYGEN:
        yield f"limit/{alarm.unit}/{Channel.DISSOLVED_OXYGEN}/low"


def _rests_on(levels: Levels, alarm: Alarm) -> set[str]:
    """Return the devices that say so; a limit may hold at probes of several."""
    if alarm.kind == "limit":
        found = {str(one) for one in levels.holders(alarm)}
        return found or {alarm.device or ""}
    return {alarm.device or ""}
