"""Aerators: whether they run, told in open alarms; ordered and not running, an alarm. Pure.

Proof is the motor's current, not the order: an order is a line of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.levels import Levels
from analytics.alarms.power import OPEN_BELOW
from analytics.alarms.standing import Standing
from analytics.alarms.tracked import Turning, Watched, is_news, trend_per_h
from analytics.places import Place, Places
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import MINUTE_MS, Reading
from greenwater.reference.aerators import is_running
from greenwater.reference.alarm_rules import RULES, about
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState
from greenwater.storage.registry.commands import CommandInfo
from greenwater.storage.telemetry.ports import Series

STALE_MS: Final = 30 * MINUTE_MS
"""A current measured longer ago than this says nothing of now."""

NOT_RUNNING: Final = ": commanded on, not running"
"""How a box's own control says it (``edge/control.py``), behind the output's name."""


class Order(NamedTuple):
    """The newest word about an aerator: on or off, obeyed when, in force until when.

    ``is_told`` says that the box itself has found that it does not run.
    """

    device: DeviceId
    probe: ProbeId
    is_on: bool
    done_ms: int
    until_ms: int
    is_told: bool = False


def orders_of(commands: Iterable[CommandInfo]) -> list[Order]:
    """Return the newest obeyed order of each aerator; commands oldest first."""
    newest: dict[tuple[DeviceId, str], Order] = {}
    for one in commands:
        if one.settled_ms is None or one.reply is None or not one.reply.is_done:
            continue
        args = one.command.args
        probe, for_s = str(args.get("rule", "")), args.get("for_s")
        seconds = for_s if isinstance(for_s, int | float) else 0.0
        newest[one.device, probe] = Order(
            one.device,
            ProbeId(probe),
            bool(args.get("on")),
            one.settled_ms,
            one.created_ms + round(seconds * 1000),
        )
    return list(newest.values())


def told_by(
    unhealthy: Mapping[DeviceId, tuple[int, Iterable[str]]],
) -> Iterator[Order]:
    """Yield what boxes themselves say of aerators, by the instant they said it."""
    for device, (at_ms, said) in unhealthy.items():
        for text in said:
            if text.endswith(NOT_RUNNING):
                probe = ProbeId(text.removesuffix(NOT_RUNNING))
                yield Order(device, probe, True, at_ms, 2**62, is_told=True)


def turned(
    standing: Standing,
    watched: Watched,
    reading: Reading,
    place: Place,
    recorded_ms: int,
) -> None:
    """Note a motor's current; where it began or ceased to run, open alarms tell."""
    before = watched.aerators.get(reading.probe)
    if reading.value is None or (
        before is not None
        and not is_news(reading.taken_ms, before.taken_ms, recorded_ms)
    ):
        return
    now = Turning(reading.taken_ms, is_running(reading.value))
    watched.aerators[reading.probe] = now
    standing.changes.devices.add(reading.device)
    if before is None or before.is_running is now.is_running:
        return
    for alarm in standing:
        if alarm.unit == place.unit and alarm.is_active:
            standing.keep(
                life.aerated(
                    alarm, reading.probe, now.taken_ms, is_running=now.is_running
                )
            )


def judged(
    standing: Standing,
    devices: Mapping[DeviceId, Watched],
    levels: Levels,
    places: Places,
    orders: Iterable[Order],
    now_ms: int,
) -> None:
    """Raise the alarms about aerators that were switched on and do not run; end others."""
    bad: set[str] = set()
    for order in orders:
        watched = devices.get(order.device)
        turning = None if watched is None else watched.aerators.get(order.probe)
        if watched is None or turning is None or _is_dead(watched, order.probe):
            continue
        if _is_bad(order, turning, now_ms):
            bad.add(_condition(order.device, order.probe))
            _raise(standing, levels, places, order, turning)
    for alarm in standing:
        if alarm.kind == "aerator" and alarm.is_active and alarm.condition not in bad:
            standing.over(alarm, now_ms)


def _is_dead(watched: Watched, probe: ProbeId) -> bool:
    """Return whether an aerator's own contact says that there is no mains."""
    contact = watched.power.get(f"{probe}/{Channel.CONTACT}")
    return contact is not None and contact.value < OPEN_BELOW


def _is_bad(order: Order, turning: Turning, now_ms: int) -> bool:
    if turning.is_running or not order.is_on or now_ms >= order.until_ms:
        return False
    if now_ms - turning.taken_ms > STALE_MS:
        return False
    wait_ms = 0 if order.is_told else RULES.aerator.within_s * 1000
    return order.done_ms + wait_ms <= turning.taken_ms or order.is_told


def _condition(device: str, probe: str) -> str:
    return f"aerator/{device}/{probe}"


def _raise(
    standing: Standing,
    levels: Levels,
    places: Places,
    order: Order,
    turning: Turning,
) -> None:
    at_ms = max(turning.taken_ms, order.done_ms)
    place = places.at(Series(order.device, order.probe), at_ms)
    if place is None or place.unit is None or place.site is None:
        return
    mains = standing.get(f"mains/{place.site}")
    out = places.out_of_service(at_ms, place.unit, order.device, order.probe)
    if (mains is not None and mains.is_active) or out is not None:
        return
    condition = _condition(order.device, order.probe)
    alarm = standing.renewed(condition, at_ms)
    if alarm is not None and alarm.is_active:
        return
    made = with_oxygen(_new(condition, place, order, at_ms), levels)
    if alarm is None:
        standing.begin(made, is_late=False)
    else:
        known = replace(alarm, value=made.value, taken_ms=made.taken_ms)
        standing.go_on(known, Severity.CRITICAL, at_ms, is_late=False)


def _new(condition: str, place: Place, order: Order, at_ms: int) -> Alarm:
    return Alarm(
        id=life.alarm_id(condition, order.done_ms),
        organisation=place.organisation,
        condition=condition,
        kind="aerator",
        severity=Severity.CRITICAL,
        state=AlarmState.RAISED,
        began_ms=order.done_ms,
        raised_ms=at_ms,
        site=place.site,
        unit=place.unit,
        device=order.device,
        probe=order.probe,
        is_simulated=place.is_simulated,
        detail=dict(about(RULES.aerator)),
    )


def with_oxygen(alarm: Alarm, levels: Levels) -> Alarm:
    """Return an alarm with the oxygen of its unit, if that is known."""
    unit = alarm.unit
    known = None if unit is None else levels.newest(unit, Channel.DISSOLVED_OXYGEN)
    if known is None:
        return alarm
    slope = trend_per_h(known.past)
    return replace(
        alarm,
        channel=Channel.DISSOLVED_OXYGEN,
        value=known.value,
        taken_ms=known.taken_ms,
        trend_per_h=None if slope is None else round(slope, 4),
    )
