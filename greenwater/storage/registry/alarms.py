"""Alarms as pages see them, and what people do to them."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, cast

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import InputError
from greenwater.reference.alarm_rules import RULES
from greenwater.storage.registry.alarm_kinds import (
    ACTS,
    AlarmKind,
    Hiding,
    StepKind,
)
from greenwater.storage.registry.models import Person
from greenwater.storage.registry.models.alarms import (
    AlarmActRow,
    AlarmRow,
    AlarmStepRow,
)
from greenwater.storage.registry.rows import get_row, insert, storable
from greenwater.storage.registry.session import Sessions

MOST: Final = 500


class AlarmState(StrEnum):
    """Where an alarm stands in its life (ISA-18.2, IEC 62682).

    ``RETURNED`` is back to normal though nobody acknowledged it: latched.
    """

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    CLEARED = "cleared"


class Alarm(Struct, frozen=True, kw_only=True):
    """A condition that a person should act on.

    ``began_ms`` is the first reading beyond the limit, ``taken_ms`` and ``value`` the
    newest one; ``worst`` is the farthest beyond. Values are in the channel's unit;
    ``trend_per_h`` is its change per hour. ``is_late`` says that it was found in
    readings that came in long after they were taken. ``condition`` is the same for
    all alarms about the same thing.

    ``repeats`` counts how often it came again within hours: by itself, and in alarms
    before it. ``shelved_until_ms`` is when a person wants to be told again. ``hidden`` is
    ``out_of_service`` (``hidden_by`` a person) or ``suppressed`` (``hidden_by`` the
    alarm that explains it); ``hidden_until_ms`` is None where no end is known.
    """

    id: str
    organisation: str
    condition: str
    kind: AlarmKind
    severity: str
    state: AlarmState
    began_ms: int
    raised_ms: int
    site: str | None = None
    unit: str | None = None
    device: str | None = None
    probe: str | None = None
    channel: str | None = None
    side: str | None = None
    depth_m: float | None = None
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    returned_ms: int | None = None
    cleared_ms: int | None = None
    taken_ms: int | None = None
    value: float | None = None
    worst: float | None = None
    limit: float | None = None
    trend_per_h: float | None = None
    is_late: bool = False
    is_simulated: bool = False
    detail: dict[str, Any] = {}
    repeats: int = 0
    shelved_until_ms: int | None = None
    shelved_by: str | None = None
    hidden: Hiding | None = None
    hidden_by: str | None = None
    hidden_until_ms: int | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is to be told for now: shelved, out of service, suppressed."""
        return self.shelved_until_ms is not None or self.hidden is not None

    @property
    def is_active(self) -> bool:
        """Whether the condition still holds."""
        return self.state in (AlarmState.RAISED, AlarmState.ACKNOWLEDGED)


class AlarmStep(Struct, frozen=True, kw_only=True):
    """One line of an alarm's history; ``key`` is unique within the alarm."""

    alarm: str
    key: str
    at_ms: int
    kind: StepKind
    person: str | None = None
    via: str | None = None
    detail: dict[str, Any] = {}


_FIELDS: Final = tuple(Alarm.__struct_fields__)


def alarm_of(row: AlarmRow) -> Alarm:
    """Return what a row says."""
    values = {name: getattr(row, name) for name in _FIELDS}
    return Alarm(**{**values, "state": AlarmState(row.state)})


def values_of(alarm: Alarm) -> dict[str, Any]:
    """Return the columns of an alarm."""
    return {name: getattr(alarm, name) for name in _FIELDS}


def with_acts(alarm: Alarm, acts: Iterable[AlarmActRow]) -> Alarm:
    """Return an alarm as it stands once analytics has taken over these acts."""
    for act in acts:
        if act.kind == "acknowledge" and alarm.acknowledged_ms is None:
            states = {
                AlarmState.RAISED: AlarmState.ACKNOWLEDGED,
                AlarmState.RETURNED: AlarmState.CLEARED,
            }
            alarm = replace(
                alarm,
                state=states.get(alarm.state, alarm.state),
                acknowledged_ms=act.at_ms,
                acknowledged_by=act.person,
            )
        elif act.kind == "shelve":
            until_ms = int(act.detail["until_ms"])
            alarm = replace(alarm, shelved_until_ms=until_ms, shelved_by=act.person)
        elif act.kind == "unshelve":
            alarm = replace(alarm, shelved_until_ms=None, shelved_by=None)
    return alarm


class AlarmsSeen:
    """What may be asked about alarms; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def alarms(
        self,
        *,
        unit: str | None = None,
        open_only: bool = False,
        limit: int = 100,
        before_ms: int | None = None,
    ) -> Sequence[Alarm]:
        """Return alarms, newest first; ``before_ms`` pages on by ``raised_ms``."""
        query = select(AlarmRow).order_by(AlarmRow.raised_ms.desc(), AlarmRow.id)
        if unit is not None:
            query = query.where(AlarmRow.unit == unit)
        if open_only:
            query = query.where(AlarmRow.cleared_ms.is_(None))
        if before_ms is not None:
            query = query.where(AlarmRow.raised_ms < before_ms)
        with self._sessions.reading() as session:
            rows = list(session.scalars(query.limit(min(limit, MOST))))
            acts = _open_acts(session, [row.id for row in rows])
            return [with_acts(alarm_of(row), acts.get(row.id, ())) for row in rows]

    def open_alarms(self) -> Sequence[Alarm]:
        """Return every alarm that is open, newest first, however many there are."""
        query = select(AlarmRow).order_by(AlarmRow.raised_ms.desc(), AlarmRow.id)
        with self._sessions.reading() as session:
            rows = list(session.scalars(query.where(AlarmRow.cleared_ms.is_(None))))
            acts = _open_acts(session, [row.id for row in rows])
            return [with_acts(alarm_of(row), acts.get(row.id, ())) for row in rows]

    def get_alarm(self, alarm: str) -> Alarm:
        """Return one alarm.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            row = get_row(session, AlarmRow, alarm)
            acts = _open_acts(session, [alarm])
            return with_acts(alarm_of(row), acts.get(alarm, ()))

    def alarm_steps(self, alarm: str) -> Sequence[AlarmStep]:
        """Return an alarm's history, oldest first; acts not taken over yet included."""
        query = (
            select(AlarmStepRow)
            .where(AlarmStepRow.alarm == alarm)
            .order_by(AlarmStepRow.at_ms, AlarmStepRow.number)
        )
        with self._sessions.reading() as session:
            steps = [_step_of(row) for row in session.scalars(query)]
            known = {step.key for step in steps}
            for act in _open_acts(session, [alarm]).get(alarm, ()):
                step = step_of_act(act)
                if step.key not in known:
                    steps.append(step)
        return steps


def _open_acts(
    session: Session, alarms: Sequence[str]
) -> Mapping[str, list[AlarmActRow]]:
    query = (
        select(AlarmActRow)
        .where(AlarmActRow.alarm.in_(alarms), AlarmActRow.settled_ms.is_(None))
        .order_by(AlarmActRow.id)
    )
    found: dict[str, list[AlarmActRow]] = {}
    for act in session.scalars(query) if alarms else ():
        found.setdefault(act.alarm, []).append(act)
    return found


def _step_of(row: AlarmStepRow) -> AlarmStep:
    return AlarmStep(
        alarm=row.alarm,
        key=row.key,
        at_ms=row.at_ms,
        kind=cast(StepKind, row.kind),
        person=row.person,
        via=row.via,
        detail=row.detail,
    )


def step_of_act(act: AlarmActRow) -> AlarmStep:
    """Return the line of history that an act makes."""
    kind = ACTS[act.kind]
    once = f"{kind}/{act.person}/{act.via}"
    return AlarmStep(
        alarm=act.alarm,
        key=once if act.kind == "acknowledge" else f"{once}/{act.at_ms}",
        at_ms=act.at_ms,
        kind=kind,
        person=act.person,
        via=act.via,
        detail=dict(act.detail),
    )


class Alarms(AlarmsSeen):
    """Mixed into ``Registry``: what people do."""

    def acknowledge_alarm(
        self, alarm: str, *, person: str, via: str, at_ms: int
    ) -> bool:
        """Say that a person takes care; return whether that is news.

        ``via`` is where he said so: page, link. The same again changes nothing, nor does
        what is said of an alarm that is cleared.

        Raises:
            MissingError: no such alarm or person.
        """
        with self._sessions.writing() as session:
            row = get_row(session, AlarmRow, alarm, lock=True)
            get_row(session, Person, person)
            acts = _open_acts(session, [alarm]).get(alarm, ())
            is_settled = row.acknowledged_ms is not None or row.cleared_ms is not None
            if is_settled or any(act.kind == "acknowledge" for act in acts):
                return False
            _act(session, row, "acknowledge", person, via, at_ms, {})
            return True

    def shelve_alarm(
        self, alarm: str, *, person: str, via: str, at_ms: int, until_ms: int
    ) -> None:
        """Have nobody told of an alarm until an instant; it goes on being measured.

        Raises:
            InputError: it is over, or that is longer than its severity allows.
            MissingError: no such alarm or person.
        """
        with self._sessions.writing() as session:
            row = get_row(session, AlarmRow, alarm)
            get_row(session, Person, person)
            most_s = RULES.shelving.most_s(row.severity)
            if row.cleared_ms is not None:
                raise InputError(
                    f"alarm {alarm} is over: there is nothing to put off", "alarm_over"
                )
            if not at_ms < until_ms <= at_ms + most_s * 1000:
                raise InputError(
                    f"an alarm that is {row.severity} may be put off for at most "
                    f"{most_s / 60:g} minutes, from now on",
                    "alarm_put_off",
                    minutes=most_s / 60,
                )
            _act(session, row, "shelve", person, via, at_ms, {"until_ms": until_ms})

    def unshelve_alarm(self, alarm: str, *, person: str, via: str, at_ms: int) -> None:
        """End a shelving before its time.

        Raises:
            MissingError: no such alarm or person.
        """
        with self._sessions.writing() as session:
            row = get_row(session, AlarmRow, alarm)
            get_row(session, Person, person)
            _act(session, row, "unshelve", person, via, at_ms, {})

    def note_alarm(
        self,
        alarm: str,
        kind: StepKind,
        *,
        key: str,
        at_ms: int,
        person: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line to an alarm's history, such as a command that a person gave.

        Raises:
            MissingError: no such alarm or person.
        """
        step = AlarmStep(
            alarm=alarm,
            key=storable(key),
            at_ms=at_ms,
            kind=kind,
            person=person,
            detail=dict(detail or {}),
        )
        with self._sessions.writing() as session:
            add_step(session, get_row(session, AlarmRow, alarm).organisation, step)


def _act(
    session: Session,
    row: AlarmRow,
    kind: str,
    person: str,
    via: str,
    at_ms: int,
    detail: Mapping[str, Any],
) -> None:
    act = insert(session, AlarmActRow).values(
        organisation=row.organisation,
        alarm=row.id,
        kind=kind,
        person=person,
        via=storable(via),
        at_ms=at_ms,
        detail=dict(detail),
    )
    session.execute(act.on_conflict_do_nothing())


def add_step(session: Session, organisation: str, step: AlarmStep) -> None:
    """Write a line of history; one that is there already stays as it is."""
    row = insert(session, AlarmStepRow).values(
        organisation=organisation,
        alarm=step.alarm,
        key=step.key,
        at_ms=step.at_ms,
        kind=step.kind,
        person=step.person,
        via=step.via,
        detail=dict(step.detail),
    )
    session.execute(row.on_conflict_do_nothing(index_elements=["alarm", "key"]))
