"""What the pages say of an alarm: strings already decided. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from analytics.alarms.behind import SEEN
from analytics.alarms.messages import (
    advice,
    grounds,
    quantity,
    sentence,
    setter_of,
    severity_word,
)
from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.places import UnitInfo, UnitKind
from greenwater.storage.registry.unit_limits import LimitChange
from web.views.cards import aerator_name
from web.views.formats import clock_time, day, moment, number
from web.views.ownlimits import change_words
from web.words import WORDS, Lang, say

SILENCES = frozenset({"silence", "site_silence", "blind"})
"""Kinds of alarms that say how little is known."""

MARKS = {"watch": "●", "warn": "▲", "critical": "■"}


@dataclass(frozen=True)
class AlarmView:
    """One alarm. ``state`` and ``severity`` are CSS classes too."""

    id: str
    href: str
    severity: str
    mark: str
    word: str
    what: str
    since: str
    state: str
    state_word: str
    todo: str
    limit: str
    unit: str
    unit_href: str
    is_open: bool
    is_waiting: bool
    late: str
    is_simulated: bool
    quiet: str = ""
    repeats: str = ""
    is_shelved: bool = False
    may_wait_till_morning: bool = False
    looks: tuple[str, ...] = ()
    """What can be seen at the pond without a technician, and what it means (practice)."""
    act: str = ""
    """The words of the way to where something can be done about it."""


@dataclass(frozen=True)
class StepView:
    """One line of an alarm's history."""

    at: str
    kind: str
    text: str


def alarm_view(
    lang: Lang,
    alarm: Alarm,
    unit: UnitInfo | None,
    now_ms: int,
    names: Mapping[str, str] | None = None,
) -> AlarmView:
    """Return what is said of an alarm; ``names`` are people's."""
    name = "" if unit is None else unit.name
    kind = "" if unit is None else str(unit.kind)
    what = sentence(alarm, name, lang)
    return AlarmView(
        alarm.id,
        f"/alarms/{alarm.id}",
        "silence" if alarm.kind in SILENCES else alarm.severity,
        MARKS[alarm.severity],
        severity_word(alarm.severity, lang),
        what[:1].upper() + what[1:],
        say(lang, "alarm_since", time=moment(lang, alarm.began_ms, now_ms)),
        alarm.state,
        _state_word(lang, alarm, now_ms, names or {}),
        advice(alarm, kind, lang),
        grounds(alarm, lang, kind, (names or {}).get(setter_of(alarm) or "", "")),
        name,
        "" if unit is None else f"/units/{unit.id}",
        alarm.state is not AlarmState.CLEARED,
        alarm.acknowledged_ms is None and alarm.state is not AlarmState.CLEARED,
        _late(lang, alarm, now_ms),
        alarm.is_simulated,
        _quiet(lang, alarm, now_ms, names or {}),
        say(lang, "alarm_repeats", count=alarm.repeats) if alarm.repeats else "",
        alarm.shelved_until_ms is not None,
        alarm.severity != Severity.CRITICAL,
        _looks(lang, alarm),
        "" if unit is None else _act(lang, alarm, unit),
    )


def _act(lang: Lang, alarm: Alarm, unit: UnitInfo) -> str:
    """Return what a button says: fans, where they help; cages have none."""
    is_for_fans = alarm.channel == Channel.DISSOLVED_OXYGEN and alarm.side == "low"
    key = "link_act" if is_for_fans and unit.kind is not UnitKind.CAGE else "link_see"
    return say(lang, key, unit=unit.name)


def _looks(lang: Lang, alarm: Alarm) -> tuple[str, ...]:
    """Return what there is to see of a channel's trouble, where something is written of it."""
    about = f"look_{alarm.channel}_{alarm.side}_"
    found = [text for key, text in WORDS[lang].items() if key.startswith(about)]
    return tuple(found) if alarm.kind == "limit" else ()


def _late(lang: Lang, alarm: Alarm, now_ms: int) -> str:
    """Return that an alarm is history, and when it was seen if it never stood."""
    seen_ms = alarm.detail.get(SEEN)
    if seen_ms is not None:
        return say(lang, "alarm_seen_late", time=moment(lang, int(seen_ms), now_ms))
    return say(lang, "alarm_late") if alarm.is_late else ""


def worst_first(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Return alarms by what hurts: open, still so, not explained by another, graver."""

    def place(one: Alarm) -> tuple[bool, bool, bool, int]:
        is_over = one.state is AlarmState.RETURNED
        is_hidden = one.hidden is not None
        closed = one.state is AlarmState.CLEARED
        return (
            closed,
            is_over,
            is_hidden,
            -Severity(one.severity).rank if not closed else 0,
        )

    return sorted(alarms, key=place)


def actors_of(alarms: Iterable[Alarm]) -> set[str | None]:
    """Return the people whose names ``alarm_view`` says of these alarms."""
    return {
        person
        for one in alarms
        for person in (
            one.acknowledged_by,
            one.hidden_by,
            one.shelved_by,
            setter_of(one),
        )
    }


def _quiet(lang: Lang, alarm: Alarm, now_ms: int, names: Mapping[str, str]) -> str:
    """Return why nobody is told for now, and until when."""
    if alarm.state is AlarmState.CLEARED:
        return ""
    if alarm.hidden == "suppressed":
        return say(lang, "alarm_suppressed")
    until_ms = alarm.hidden_until_ms if alarm.hidden else alarm.shelved_until_ms
    if until_ms is None:
        return ""
    key = "alarm_out_of_service" if alarm.hidden else "alarm_shelved"
    who = names.get(alarm.hidden_by or alarm.shelved_by or "", say(lang, "somebody"))
    return say(lang, key, time=moment(lang, until_ms, now_ms), name=who)


def _state_word(lang: Lang, alarm: Alarm, now_ms: int, names: Mapping[str, str]) -> str:
    who = names.get(alarm.acknowledged_by or "", say(lang, "somebody"))
    if alarm.state is AlarmState.RAISED:
        return say(lang, "alarm_raised", time=moment(lang, alarm.raised_ms, now_ms))
    if alarm.state is AlarmState.ACKNOWLEDGED:
        at = moment(lang, alarm.acknowledged_ms or 0, now_ms)
        return say(lang, "alarm_acknowledged", name=who, time=at)
    if alarm.state is AlarmState.RETURNED:
        at = moment(lang, alarm.returned_ms or 0, now_ms)
        return say(lang, "alarm_latched", time=at)
    at = moment(lang, alarm.returned_ms or alarm.cleared_ms or 0, now_ms)
    return say(lang, "alarm_over", time=at)


def step_views(
    lang: Lang,
    steps: Sequence[AlarmStep],
    alarm: Alarm,
    names: Mapping[str, str],
    changes: Iterable[LimitChange] = (),
) -> list[StepView]:
    """Return an alarm's history, oldest first, with the changes of its limits meanwhile."""
    found: list[tuple[int, str, str]] = [
        (run[0].at_ms, run[0].kind, _run_text(lang, run, alarm, names))
        for run in _runs(steps)
    ]
    for one in changes:
        name = names.get(one.became.person, say(lang, "somebody"))
        text = say(lang, "step_limits", name=name, value=change_words(lang, one))
        found.append((one.became.set_ms, "limits", text))
    found.sort(key=lambda one: one[0])
    before = [alarm.raised_ms, *(at_ms for at_ms, _, _ in found)]
    return [
        StepView(_at(at_ms, before_ms), kind, text)
        for before_ms, (at_ms, kind, text) in zip(before, found, strict=False)
    ]


def _runs(steps: Sequence[AlarmStep]) -> Iterator[list[AlarmStep]]:
    """Yield the lines of a history: a critical alarm's many messages in a row are one."""
    for kind, some in groupby(steps, key=lambda one: one.kind):
        run = list(some)
        if kind == "notified" and len(run) > 2:
            yield run
        else:
            yield from ([one] for one in run)


def _run_text(
    lang: Lang, run: Sequence[AlarmStep], alarm: Alarm, names: Mapping[str, str]
) -> str:
    if len(run) == 1:
        return _step_text(lang, run[0], alarm, names)
    people = dict.fromkeys(
        names.get(one.person or "", say(lang, "somebody")) for one in run
    )
    last = _at(run[-1].at_ms, run[0].at_ms)
    told = ", ".join(people)
    return say(lang, "step_notified_many", names=told, count=len(run), time=last)


def _at(at_ms: int, before_ms: int) -> str:
    """Return the time of day, and the day where that is another one than of the line before."""
    time = clock_time(at_ms)
    return time if day(at_ms) == day(before_ms) else f"{time} {day(at_ms)}"


def changes_during(
    changes: Iterable[LimitChange], alarm: Alarm
) -> Sequence[LimitChange]:
    """Return the changes of a unit's own limits while an alarm about them stood."""
    if alarm.kind not in ("limit", "forecast"):
        return ()
    end_ms = alarm.returned_ms or alarm.cleared_ms
    return [
        one
        for one in changes
        if alarm.raised_ms <= one.became.set_ms
        and (end_ms is None or one.became.set_ms <= end_ms)
    ]


def _step_text(
    lang: Lang, step: AlarmStep, alarm: Alarm, names: Mapping[str, str]
) -> str:
    value = step.detail.get("value")
    facts = {
        "name": names.get(step.person or "", say(lang, "somebody")),
        "value": "" if value is None else quantity(alarm, float(value), lang),
        "severity": severity_word(step.detail.get("severity", alarm.severity), lang),
        "probe": aerator_name(lang, str(step.detail.get("probe", ""))),
        "depth": _depth(lang, step),
        "time": clock_time(int(step.detail.get("until_ms", step.at_ms))),
        "start": _full(lang, step.detail.get("from_ms", step.at_ms)),
        "end": _full(lang, step.detail.get("to_ms", step.at_ms)),
    }
    text = say(lang, f"step_{step.kind}", **facts).rstrip(" ,:")
    return text[:1].upper() + text[1:]


def _full(lang: Lang, at_ms: int) -> str:
    return say(lang, "on_day", time=clock_time(at_ms), day=day(at_ms))


def _depth(lang: Lang, step: AlarmStep) -> str:
    depth = step.detail.get("depth_m")
    return "" if depth is None else f"{number(lang, float(depth), 1)} m"
