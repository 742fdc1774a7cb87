"""What the platform's operator should act on."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import select, text, update

from greenwater.storage.registry.models import OperatorAlarm
from greenwater.storage.registry.rows import insert, storable
from greenwater.storage.registry.session import Sessions

RESTORED: Final = "restored"
"""This registry comes from a backup: no labels are issued while it is open."""

CARRIED: Final = ("carried-revoked", "carried-suspended", "carried-recall")
"""What was published of labels and lots that a restored registry does not know."""


class AlarmInfo(Struct, frozen=True):
    """An operator alarm; open while ``cleared_ms`` is None."""

    kind: str
    subject: str
    message: str
    raised_ms: int
    cleared_ms: int | None


class OperatorAlarms:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def raise_operator_alarm(
        self, kind: str, subject: str, message: str, at_ms: int
    ) -> None:
        """Open the alarm (kind, subject), or refresh its message if it is open."""
        with self._sessions.writing() as session:
            raised = insert(session, OperatorAlarm).values(
                kind=storable(kind),
                subject=storable(subject),
                message=storable(message),
                raised_ms=at_ms,
            )
            session.execute(
                raised.on_conflict_do_update(
                    index_elements=[OperatorAlarm.kind, OperatorAlarm.subject],
                    index_where=text("cleared_ms IS NULL"),
                    set_={"message": raised.excluded.message},
                )
            )

    def clear_operator_alarm(self, kind: str, subject: str, at_ms: int) -> None:
        """Close the alarm (kind, subject) if it is open."""
        with self._sessions.writing() as session:
            session.execute(
                update(OperatorAlarm)
                .where(
                    OperatorAlarm.kind == storable(kind),
                    OperatorAlarm.subject == storable(subject),
                    OperatorAlarm.cleared_ms.is_(None),
                )
                .values(cleared_ms=at_ms)
            )

    def operator_alarms(
        self, *kinds: str, with_cleared: bool = False
    ) -> Sequence[AlarmInfo]:
        """Return the open alarms (or all), newest first; of some kinds, if any is given."""
        query = select(OperatorAlarm).order_by(OperatorAlarm.id.desc())
        if kinds:
            query = query.where(OperatorAlarm.kind.in_(kinds))
        if not with_cleared:
            query = query.where(OperatorAlarm.cleared_ms.is_(None))
        with self._sessions.reading() as session:
            return [
                AlarmInfo(r.kind, r.subject, r.message, r.raised_ms, r.cleared_ms)
                for r in session.scalars(query)
            ]
