"""What analytics keeps: its state, the alarms it found, the messages that are to go out.

One pass over intake is one transaction: cursor, alarms, history and messages stand
together or not at all, so that a pass that is killed and done again has one effect.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from greenwater.kernel.errors import UnavailableError
from greenwater.storage.registry.alarm_kinds import StepKind
from greenwater.storage.registry.alarm_links import token_hash
from greenwater.storage.registry.alarms import (
    Alarm,
    AlarmStep,
    add_step,
    alarm_of,
    step_of_act,
    values_of,
)
from greenwater.storage.registry.models.alarms import (
    AlarmActRow,
    AlarmLinkRow,
    AlarmRow,
    AnalyticsState,
    NotificationRow,
)
from greenwater.storage.registry.outbox import due_of, put_off, take
from greenwater.storage.registry.rows import insert, parsed_of
from greenwater.storage.registry.session import Sessions

MAX_ERROR: Final = 300
PASS: Final = "pass"
"""The state that names the pass that was kept last."""

_OPEN: Final = (NotificationRow.sent_ms.is_(None), NotificationRow.dropped_ms.is_(None))
"""Of messages that are to go out yet."""


class Act(Struct, frozen=True):
    """What a person did, not taken over yet."""

    number: int
    alarm: str
    kind: str
    person: str
    via: str
    at_ms: int
    detail: dict[str, Any] = {}


class Notification(Struct, frozen=True, kw_only=True):
    """A message to one person about one step of an alarm; ``id`` is deterministic."""

    id: str
    organisation: str
    alarm: str
    step: str
    person: str
    url: str
    due_ms: int
    attempts: int = 0


class Pass(Struct, frozen=True, kw_only=True):
    """What one pass of analytics leaves behind.

    ``states`` are what changed of what analytics knows, by name; ``told`` are the alarms whose messages that are still to go out are dropped:
    somebody takes care, or it is over. ``after`` is what the state ``PASS`` must be, so that
    no other worker has kept a pass since; None: never mind.
    """

    saved_ms: int
    states: Mapping[str, bytes]
    alarms: Sequence[Alarm] = ()
    steps: Sequence[AlarmStep] = ()
    notifications: Sequence[Notification] = ()
    told: Sequence[str] = ()
    acts: Sequence[Act] = ()
    after: bytes | None = None


class Watching:
    """Mixed into ``Registry``; for analytics alone."""

    _sessions: Sessions

    def load_states(self) -> Mapping[str, bytes]:
        """Return all that analytics knows, by name."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(AnalyticsState))
            return {row.name: row.document for row in rows}

    def open_alarms(self) -> Sequence[Alarm]:
        """Return the alarms that are not cleared, as analytics left them."""
        query = select(AlarmRow).where(AlarmRow.cleared_ms.is_(None))
        with self._sessions.reading() as session:
            return [alarm_of(row) for row in session.scalars(query)]

    def alarms_cleared_since(self, from_ms: int) -> Sequence[Alarm]:
        """Return the alarms that were cleared at ``from_ms`` or later, in that order."""
        query = (
            select(AlarmRow)
            .where(AlarmRow.cleared_ms >= from_ms)
            .order_by(AlarmRow.cleared_ms, AlarmRow.id)
        )
        with self._sessions.reading() as session:
            return [alarm_of(row) for row in session.scalars(query)]

    def alarms_about(
        self, conditions: Collection[str], from_ms: int, to_ms: int
    ) -> Sequence[Alarm]:
        """Return the alarms about some conditions that held within ``[from_ms, to_ms]``."""
        query = select(AlarmRow).where(
            AlarmRow.condition.in_(conditions),
            AlarmRow.began_ms <= to_ms,
            or_(AlarmRow.returned_ms.is_(None), AlarmRow.returned_ms >= from_ms),
        )
        with self._sessions.reading() as session:
            return [alarm_of(row) for row in session.scalars(query)]

    def open_acts(self) -> Sequence[Act]:
        """Return what people did since the last pass, in order."""
        query = (
            select(AlarmActRow)
            .where(AlarmActRow.settled_ms.is_(None))
            .order_by(AlarmActRow.id)
        )
        with self._sessions.reading() as session:
            return [
                Act(
                    row.id,
                    row.alarm,
                    row.kind,
                    row.person,
                    row.via,
                    row.at_ms,
                    dict(row.detail),
                )
                for row in session.scalars(query)
            ]

    def save_pass(self, done: Pass) -> None:
        """Keep what a pass leaves behind, all of it or nothing.

        Raises:
            UnavailableError: another worker has kept one since this one's last; load anew.
        """
        with self._sessions.writing() as session:
            if done.after is not None:
                _follow(session, done.after)
            for alarm in done.alarms:
                _put(session, AlarmRow, ["id"], values_of(alarm))
            session.flush()
            organisations = _organisations(session, done)
            for step in done.steps:
                add_step(session, organisations[step.alarm], step)
            self._settle(session, done)
            for one in done.notifications:
                message = insert(session, NotificationRow).values(
                    id=one.id,
                    organisation=one.organisation,
                    alarm=one.alarm,
                    step=one.step,
                    person=one.person,
                    url=one.url,
                    due_ms=one.due_ms,
                    attempts=0,
                )
                session.execute(message.on_conflict_do_nothing(index_elements=["id"]))
            _put_states(session, done)

    def _settle(self, session: Session, done: Pass) -> None:
        for act in done.acts:
            row = session.get(AlarmActRow, act.number)
            if row is not None:
                row.settled_ms = done.saved_ms
                add_step(session, row.organisation, step_of_act(row))
        if done.told:
            session.execute(
                update(NotificationRow)
                .where(
                    NotificationRow.alarm.in_(done.told),
                    NotificationRow.sent_ms.is_(None),
                    NotificationRow.dropped_ms.is_(None),
                )
                .values(dropped_ms=done.saved_ms)
            )

    def due_notifications(
        self, now_ms: int, limit: int = 100
    ) -> Sequence[Notification]:
        """Return the messages that are to go out now, the longest due first."""
        query = due_of(NotificationRow, now_ms, limit)
        with self._sessions.reading() as session:
            return [parsed_of(Notification, row) for row in session.scalars(query)]

    def take_notification(self, message: str, now_ms: int) -> bool:
        """Have a message to send; False: another sender has it, or it is due no more."""
        with self._sessions.writing() as session:
            return take(session, NotificationRow, message, now_ms)

    def messages_waiting(self, alarm: str) -> Sequence[Notification]:
        """Return the messages about an alarm that are to go out yet, the first due first."""
        query = (
            select(NotificationRow)
            .where(NotificationRow.alarm == alarm, *_OPEN)
            .order_by(NotificationRow.due_ms, NotificationRow.id)
        )
        with self._sessions.reading() as session:
            return [parsed_of(Notification, row) for row in session.scalars(query)]

    def hasten_notifications(
        self, one: Notification, now_ms: int, *, most_ms: int
    ) -> None:
        """Have the next told now, and all after him as much earlier: ``one`` was not.

        Unless somebody was told of that step already, or is about to be; or the next is
        told later than ``most_ms`` from now, for a reason of his own.
        """
        step = NotificationRow.alarm == one.alarm, NotificationRow.step == one.step
        untried = (*step, *_OPEN, NotificationRow.attempts == 0)
        with self._sessions.writing() as session:
            told = select(NotificationRow.id).where(
                *step, NotificationRow.sent_ms.is_not(None)
            )
            if session.scalars(told.limit(1)).first() is not None:
                return
            first_ms = session.scalar(
                select(func.min(NotificationRow.due_ms)).where(*untried)
            )
            if first_ms is None or not now_ms < first_ms <= now_ms + most_ms:
                return
            earlier = NotificationRow.due_ms - (first_ms - now_ms)
            session.execute(
                update(NotificationRow).where(*untried).values(due_ms=earlier)
            )

    def add_alarm_link(self, token: str, one: Notification, *, expires_ms: int) -> None:
        """Keep the hash of a token that acknowledges one alarm for one person."""
        row = {
            "token_hash": token_hash(token),
            "organisation": one.organisation,
            "alarm": one.alarm,
            "person": one.person,
            "expires_ms": expires_ms,
        }
        with self._sessions.writing() as session:
            _put(session, AlarmLinkRow, ["token_hash"], row)

    def notification_sent(self, one: Notification, at_ms: int) -> None:
        """Note that a message went out, once, in the alarm's history too."""
        step = AlarmStep(
            alarm=one.alarm,
            key=f"notified/{one.id}",
            at_ms=at_ms,
            kind="notified",
            person=one.person,
            via=one.url.partition(":")[0],
        )
        with self._sessions.writing() as session:
            row = session.get(NotificationRow, one.id, with_for_update=True)
            if row is not None and row.sent_ms is None:
                row.sent_ms = at_ms
                add_step(session, one.organisation, step)

    def notification_failed(
        self, one: Notification, why: str, *, next_ms: int | None, at_ms: int
    ) -> None:
        """Note that a message did not go out; it is due again, or given up (None).

        The first time and the last stand in the alarm's history: its people see who was not told.
        """
        with self._sessions.writing() as session:
            row = session.get(NotificationRow, one.id, with_for_update=True)
            if row is None:
                return
            row.error = why[:MAX_ERROR]
            put_off(row, next_ms, at_ms)
            kind: StepKind = "given_up" if next_ms is None else "not_notified"
            step = AlarmStep(
                alarm=one.alarm,
                key=f"{kind}/{one.id}",
                at_ms=at_ms,
                kind=kind,
                person=one.person,
                via=one.url.partition(":")[0],
            )
            add_step(session, one.organisation, step)

    def undelivered(self, since_ms: int) -> Sequence[tuple[str, str]]:
        """Return messages tried in vain that are due still, or were later than ``since_ms``.

        Each is (notification, why).
        """
        query = select(NotificationRow).where(
            NotificationRow.sent_ms.is_(None),
            or_(NotificationRow.attempts > 0, NotificationRow.error.is_not(None)),
            NotificationRow.due_ms > since_ms,
        )
        with self._sessions.reading() as session:
            return [(row.id, row.error or "") for row in session.scalars(query)]


def _put(
    session: Session, model: Any, key: Sequence[str], values: dict[str, Any]
) -> None:
    """Insert a row, or bring the one under its key up to date."""
    changed = {name: value for name, value in values.items() if name not in key}
    row = insert(session, model).values(values)
    session.execute(row.on_conflict_do_update(index_elements=list(key), set_=changed))


def _organisations(session: Session, done: Pass) -> Mapping[str, str]:
    """Return whose the alarms are that a pass tells of; some it only adds a line to."""
    found = {one.id: one.organisation for one in done.alarms}
    others = {one.alarm for one in done.steps} - found.keys()
    if others:
        rows = select(AlarmRow).where(AlarmRow.id.in_(others))
        found |= {row.id: row.organisation for row in session.scalars(rows)}
    return found


def _follow(session: Session, after: bytes) -> None:
    """Go on only from the pass that was kept last, and keep others from it meanwhile."""
    first = insert(session, AnalyticsState).values(name=PASS, document=b"", saved_ms=0)
    session.execute(first.on_conflict_do_nothing(index_elements=["name"]))
    row = session.get_one(AnalyticsState, PASS, with_for_update=True)
    if row.document != after:
        raise UnavailableError(
            "another analytics works on this registry: end one of them"
        )


def _put_states(session: Session, done: Pass) -> None:
    """Put all states by one statement: a pass has hundreds, and most were there."""
    rows = [
        {"name": name, "document": document, "saved_ms": done.saved_ms}
        for name, document in done.states.items()
    ]
    put = insert(session, AnalyticsState)
    changed = {"document": put.excluded.document, "saved_ms": put.excluded.saved_ms}
    put = put.on_conflict_do_update(index_elements=["name"], set_=changed)
    if rows:
        session.connection().execute(put, rows)
