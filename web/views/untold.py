"""Whether anybody is told of an alarm that waits for somebody; if not, one plain line."""

from collections.abc import Iterable, Mapping, Sequence

from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.watching import Notification
from web.views.formats import moment
from web.words import Lang, say

FAILED = frozenset({"not_notified", "given_up"})


def untold_line(
    lang: Lang,
    alarm: Alarm,
    steps: Iterable[AlarmStep],
    waiting: Sequence[Notification],
    names: Mapping[str, str],
    now_ms: int,
) -> str:
    """Return why nobody has been told of an alarm; ``""``: somebody was, or need not be.

    ``waiting`` are its messages that are still to go out, the first due first.
    """
    kinds = {one.kind for one in steps}
    if not _calls(alarm) or "notified" in kinds:
        return ""
    if kinds & FAILED:
        return say(lang, "untold_failed")
    if not waiting:
        return say(lang, "untold_nobody")
    first = waiting[0]
    if first.due_ms <= now_ms:
        return ""  # it is going out now
    name = names.get(first.person, say(lang, "somebody"))
    return say(lang, "untold_later", name=name, time=moment(lang, first.due_ms, now_ms))


def _calls(alarm: Alarm) -> bool:
    """Return whether people are called to an alarm as it stands."""
    is_waiting = alarm.state is AlarmState.RAISED and alarm.acknowledged_ms is None
    is_quiet = alarm.is_quiet or alarm.is_late or alarm.severity == Severity.WATCH
    is_new = alarm.repeats == 0 or alarm.severity == Severity.CRITICAL
    return is_waiting and is_new and not is_quiet
