"""The life of an alarm (ISA-18.2, IEC 62682), as pure functions of alarm and time.

    raised ──acknowledge──► acknowledged ──normal──► cleared
      │ ▲                        (normal again: cleared at once, somebody took care)
    normal │ beyond again
      ▼ │
    returned (latched) ──acknowledge, LATCHED_MS later, or another one──► cleared

Beside that an alarm may be quiet: *shelved* by a person until an instant, *hidden* while
what it is about is out of service or another alarm explains it. A quiet alarm is measured
as any other, and nobody is told; when that ends and it still holds, they are.

A cleared alarm never opens again: the same condition makes another one, whose id comes
from the condition and the instant it began, so that a pass done twice makes it once.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import DAY_MS, HOUR_MS
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarm_kinds import Hiding, StepKind
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep

LATCHED_MS: Final = DAY_MS
"""How long an alarm that is over waits for somebody to acknowledge it."""


AGAIN_MS: Final = 6 * HOUR_MS
"""What comes again later than this after it was over is another alarm: another night."""


_UNTAKEN: Final[Mapping[str, Any]] = {
    "state": AlarmState.RAISED,
    "acknowledged_ms": None,
    "acknowledged_by": None,
}


class Moved(NamedTuple):
    """An alarm after a step, and the step; None where nothing worth a line happened."""

    alarm: Alarm
    step: AlarmStep | None = None


def alarm_id(condition: str, began_ms: int) -> str:
    """Return the id of the alarm about a condition that began then."""
    text = f"{condition}\n{began_ms}".encode()
    return blake2b(text, digest_size=8).hexdigest()


def raised(alarm: Alarm) -> Moved:
    """Return a new alarm with its first line of history."""
    return Moved(alarm, _step(alarm, "raised", alarm.raised_ms))


def acknowledged(alarm: Alarm, person: str, at_ms: int) -> Moved:
    """Return it once somebody takes care; only the first one counts.

    The act itself is the line of history, and is written with the act.
    """
    if alarm.acknowledged_ms is not None or alarm.state is AlarmState.CLEARED:
        return Moved(alarm)
    known = replace(alarm, acknowledged_ms=at_ms, acknowledged_by=person)
    if alarm.state is AlarmState.RETURNED:
        return _cleared(known, at_ms)
    return Moved(replace(known, state=AlarmState.ACKNOWLEDGED))


def back_to_normal(alarm: Alarm, at_ms: int) -> Moved:
    """Return it once its condition is over.

    A reading that was under way when its box was called silent is older than the alarm:
    the alarm is over as soon as it was raised.
    """
    if not alarm.is_active:
        return Moved(alarm)
    at_ms = max(at_ms, alarm.raised_ms)
    over = replace(alarm, returned_ms=at_ms)
    step = _step(alarm, "returned", at_ms)
    if alarm.acknowledged_ms is not None:
        cleared = replace(over, state=AlarmState.CLEARED, cleared_ms=at_ms)
        return Moved(cleared, step)
    return Moved(replace(over, state=AlarmState.RETURNED), step)


def again(alarm: Alarm, at_ms: int) -> Moved:
    """Return a latched alarm whose condition holds again."""
    if alarm.state is not AlarmState.RETURNED:
        return Moved(alarm)
    active = replace(
        alarm, state=AlarmState.RAISED, returned_ms=None, repeats=alarm.repeats + 1
    )
    return Moved(active, _step(active, "again", at_ms))


def superseded(alarm: Alarm, at_ms: int) -> Moved:
    """Return a latched alarm cleared, if what comes now is another one."""
    over_ms = alarm.returned_ms
    if alarm.state is not AlarmState.RETURNED or over_ms is None:
        return Moved(alarm)
    return _cleared(alarm, at_ms) if at_ms - over_ms > AGAIN_MS else Moved(alarm)


def graded(alarm: Alarm, severity: Severity, at_ms: int) -> Moved:
    """Return it at another severity: still the one alarm."""
    before = Severity(alarm.severity)
    if severity is before:
        return Moved(alarm)
    kind: StepKind = "escalated" if severity.rank > before.rank else "eased"
    step = _step(alarm, kind, at_ms, severity=severity, before=before)
    return Moved(replace(alarm, severity=severity), step)


def aerated(alarm: Alarm, probe: ProbeId, at_ms: int, *, is_running: bool) -> Moved:
    """Return it with a line that says whether an aerator of its unit runs."""
    kind: StepKind = "running" if is_running else "stopped"
    return Moved(
        alarm,
        AlarmStep(
            alarm=alarm.id,
            key=f"{kind}/{probe}/{at_ms}",
            at_ms=at_ms,
            kind=kind,
            detail={"probe": probe},
        ),
    )


def made_live(alarm: Alarm, at_ms: int, *, is_late: bool) -> Moved:
    """Return an alarm found in late readings once one that is not late confirms it."""
    if is_late or not alarm.is_late:
        return Moved(alarm)
    return Moved(replace(alarm, is_late=False), _step(alarm, "live", at_ms))


def came_true(alarm: Alarm, at_ms: int) -> Moved:
    """Return a forecast's alarm once its water is truly so: a new call to act."""
    if alarm.kind != "forecast":
        return Moved(alarm)
    real = replace(alarm, kind="limit", **_UNTAKEN)
    return Moved(real, _step(real, "came_true", at_ms))


def shelved(alarm: Alarm, person: str, until_ms: int) -> Moved:
    """Return it put off until an instant; the act itself is the line of history."""
    if alarm.state is AlarmState.CLEARED:
        return Moved(alarm)
    return Moved(replace(alarm, shelved_until_ms=until_ms, shelved_by=person))


def unshelved(alarm: Alarm, at_ms: int, *, by_person: bool = False) -> Moved:
    """Return it put off no more; one that still holds wants to be taken over anew."""
    if alarm.shelved_until_ms is None:
        return Moved(alarm)
    shown = replace(alarm, shelved_until_ms=None, shelved_by=None)
    if alarm.is_active:
        shown = replace(shown, **_UNTAKEN)
    return Moved(shown, None if by_person else _step(shown, "unshelved", at_ms))


def hidden(
    alarm: Alarm, why: Hiding, by: str, until_ms: int | None, at_ms: int
) -> Moved:
    """Return it hidden: ``out_of_service`` by a person, ``suppressed`` by an alarm."""
    quiet = replace(alarm, hidden=why, hidden_by=by, hidden_until_ms=until_ms)
    return Moved(quiet, _step(quiet, why, at_ms))


def shown(alarm: Alarm, at_ms: int) -> Moved:
    """Return it hidden no more."""
    if alarm.hidden is None:
        return Moved(alarm)
    seen = replace(alarm, hidden=None, hidden_by=None, hidden_until_ms=None)
    return Moved(seen, _step(seen, "shown", at_ms))


def expired(alarm: Alarm, now_ms: int) -> Moved:
    """Return a latched alarm that nobody acknowledged in time, cleared."""
    if alarm.state is not AlarmState.RETURNED or alarm.returned_ms is None:
        return Moved(alarm)
    over_ms = alarm.returned_ms + LATCHED_MS
    return _cleared(alarm, over_ms) if now_ms >= over_ms else Moved(alarm)


def _cleared(alarm: Alarm, at_ms: int) -> Moved:
    cleared = replace(alarm, state=AlarmState.CLEARED, cleared_ms=at_ms)
    return Moved(cleared, _step(alarm, "cleared", at_ms))


def _step(alarm: Alarm, kind: StepKind, at_ms: int, **detail: str) -> AlarmStep:
    facts = {
        "value": alarm.value,
        "probe": alarm.probe,
        "depth_m": alarm.depth_m,
        "severity": alarm.severity,
        **detail,
    }
    kept = {name: fact for name, fact in facts.items() if fact is not None}
    return AlarmStep(
        alarm=alarm.id, key=f"{kind}/{at_ms}", at_ms=at_ms, kind=kind, detail=kept
    )
