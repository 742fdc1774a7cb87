"""The audit log: sensitive acts, each a row that is never changed or deleted."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct
from sqlalchemy import func, select

from greenwater.storage.registry.models.doors import AuditRow
from greenwater.storage.registry.rows import storable, struct_of
from greenwater.storage.registry.session import Sessions

Outcome = Literal["done", "refused", "failed"]
_MAX_SUBJECT: Final = 200
PAGE: Final = 50


class Noted(Struct, frozen=True):
    """One act; ``person`` None: at the operator's command line, or nobody known.

    ``session`` is the beginning of a session's hash, ``cli``, or empty.
    """

    number: int
    at_ms: int
    person: str | None
    act: str
    subject: str
    outcome: str
    session: str


class Audit:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def note(
        self,
        act: str,
        subject: str = "",
        *,
        at_ms: int,
        person: str | None = None,
        session: str = "",
        outcome: Outcome = "done",
    ) -> None:
        """Append one act to the log. ``subject`` holds ids, never a secret."""
        with self._sessions.writing() as opened:
            opened.add(
                AuditRow(
                    at_ms=at_ms,
                    person=person,
                    act=act,
                    subject=storable(subject)[:_MAX_SUBJECT],
                    outcome=outcome,
                    session=session,
                )
            )

    def noted(
        self,
        *,
        person: str | None = None,
        act: str | None = None,
        outcome: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        before: int | None = None,
        limit: int = PAGE,
    ) -> Sequence[Noted]:
        """Return acts, newest first, that fit every filter given; ``before`` a number."""
        query = select(AuditRow).order_by(AuditRow.number.desc()).limit(limit)
        for column, wanted in (
            (AuditRow.person, person),
            (AuditRow.act, act),
            (AuditRow.outcome, outcome),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        if start_ms is not None:
            query = query.where(AuditRow.at_ms >= start_ms)
        if end_ms is not None:
            query = query.where(AuditRow.at_ms < end_ms)
        if before is not None:
            query = query.where(AuditRow.number < before)
        with self._sessions.reading() as session:
            return [struct_of(Noted, row) for row in session.scalars(query)]

    def noted_since(self, start_ms: int) -> dict[str, int]:
        """Return how often each act was noted from an instant on."""
        query = (
            select(AuditRow.act, func.count())
            .where(AuditRow.at_ms >= start_ms)
            .group_by(AuditRow.act)
        )
        with self._sessions.reading() as session:
            return {act: count for act, count in session.execute(query)}
