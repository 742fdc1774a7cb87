"""Messages that are to go out: which are due, whose they are to send, which come again.

Of two senders of one platform one has a message, for ``CLAIM_MS``: whoever dies meanwhile
keeps nothing, and it goes out once more.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session

CLAIM_MS: Final = 60_000
"""Longer than any way takes to answer (``analytics.alarms``: ten seconds or so)."""


def due_of(model: Any, now_ms: int, limit: int) -> Select[Any]:
    """Return a query for the messages of an outbox that are to go out now, longest due first."""
    return (
        select(model)
        .where(_is_due(model, now_ms))
        .order_by(model.due_ms, model.id)
        .limit(limit)
    )


def take(session: Session, model: Any, message: str, now_ms: int) -> bool:
    """Have a message for oneself; False: another sender has it, or it is due no more."""
    mine = (
        update(model)
        .where(model.id == message, _is_due(model, now_ms))
        .values(taken_ms=now_ms)
        .returning(model.id)
    )
    return session.execute(mine).first() is not None


def put_off(row: Any, next_ms: int | None, at_ms: int) -> None:
    """Note that a message did not go out; it is due again, or given up (None)."""
    row.attempts += 1
    row.taken_ms = None
    if next_ms is None:
        row.dropped_ms = at_ms
    else:
        row.due_ms = next_ms


def _is_due(model: Any, now_ms: int) -> ColumnElement[bool]:
    """Return what a message must be to go out; a claim from far ahead is of a wrong clock."""
    return and_(
        model.sent_ms.is_(None),
        model.dropped_ms.is_(None),
        model.due_ms <= now_ms,
        or_(
            model.taken_ms.is_(None),
            model.taken_ms <= now_ms - CLAIM_MS,
            model.taken_ms > now_ms + CLAIM_MS,
        ),
    )
